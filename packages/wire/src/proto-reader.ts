import { malformed, WireError } from './errors.ts';
import { readUtf8 } from './utf8.ts';

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

const TWO_32 = 4294967296;

/**
 * A cursor over protobuf bytes with every bound checked: it never reads past `end`, and every method throws WireError
 * `malformed` on bad bytes and `unsupported` on groups. 64-bit integers are numbers: those beyond ±(2^53 - 1) are
 * `unsupported`, except through `varintLow` and `varintHigh`.
 */
export interface ProtoReader {
  readonly bytes: Uint8Array;
  /** offset of the next byte */
  at: number;
  /** end of the current message */
  end: number;
  /** field number of the last tag */
  field: number;
  /** wire type of the last tag */
  wire: number;
  /** low 32 bits of the last varint, unsigned */
  low: number;
  /** high 32 bits of the last varint, unsigned */
  high: number;
  /** end of the last length-delimited field that `enter` opened */
  valueEnd: number;
}

export function createProtoReader(bytes: Uint8Array, start = 0, end = bytes.length): ProtoReader {
  return { bytes, at: start, end, field: 0, wire: 0, low: 0, high: 0, valueEnd: 0 };
}

/** Points the reader at another range of its bytes. */
export function seek(reader: ProtoReader, start: number, end: number): void {
  reader.at = start;
  reader.end = end;
}

/** Reads the next tag into `field` and `wire`; false at the end of the message. */
export function nextField(reader: ProtoReader): boolean {
  if (reader.at >= reader.end) return false;
  readVarint(reader);
  if (reader.high !== 0) throw malformed('protobuf: field number out of range');
  reader.field = reader.low >>> 3;
  reader.wire = reader.low & 7;
  if (reader.field === 0) throw malformed('protobuf: field number 0');
  return true;
}

/** Reads a varint of at most 10 bytes into `low` and `high`. */
export function readVarint(reader: ProtoReader): void {
  const { bytes, end } = reader;
  let at = reader.at;
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= end) throw malformed('protobuf: truncated varint');
    const byte = bytes[at++]!;
    const bits = byte & 0x7f;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (shift - 32);
    if (byte < 0x80) {
      if (shift === 63 && bits > 1) break;
      reader.at = at;
      reader.low = low >>> 0;
      reader.high = high >>> 0;
      return;
    }
  }
  throw malformed('protobuf: varint is too long');
}

/** The value of a uint32 field: as protobuf has it, the low 32 bits. */
export function readUint32(reader: ProtoReader): number {
  expectWire(reader, WIRE_VARINT);
  readVarint(reader);
  return reader.low;
}

export function readSint32(reader: ProtoReader): number {
  const value = readUint32(reader);
  return (value >>> 1) ^ -(value & 1);
}

export function readBool(reader: ProtoReader): boolean {
  expectWire(reader, WIRE_VARINT);
  readVarint(reader);
  return reader.low !== 0 || reader.high !== 0;
}

export function readUint64(reader: ProtoReader): number {
  expectWire(reader, WIRE_VARINT);
  readVarint(reader);
  return safeInteger(reader.high * TWO_32 + reader.low);
}

export function readInt64(reader: ProtoReader): number {
  expectWire(reader, WIRE_VARINT);
  readVarint(reader);
  return safeInteger((reader.high | 0) * TWO_32 + reader.low);
}

export function readSint64(reader: ProtoReader): number {
  expectWire(reader, WIRE_VARINT);
  return readSint64Raw(reader);
}

/** A zig-zag varint without a tag before it: an element of a packed field. */
export function readSint64Raw(reader: ProtoReader): number {
  readVarint(reader);
  const magnitude = (reader.high >>> 1) * TWO_32 + (((reader.high << 31) | (reader.low >>> 1)) >>> 0);
  return safeInteger((reader.low & 1) === 1 ? -magnitude - 1 : magnitude);
}

export function readDouble(reader: ProtoReader): number {
  expectWire(reader, WIRE_FIXED64);
  return readDoubleRaw(reader);
}

/** Eight bytes without a tag before them: an element of a packed field. */
export function readDoubleRaw(reader: ProtoReader): number {
  const { bytes, at } = reader;
  if (reader.end - at < 8) throw malformed('protobuf: truncated 64-bit value');
  for (let i = 0; i < 8; i++) scratchBytes[i] = bytes[at + i]!;
  reader.at = at + 8;
  return scratchDouble[0]!;
}

const scratchDouble = new Float64Array(1);
const scratchBytes = new Uint8Array(scratchDouble.buffer);

/** Opens a length-delimited field: `at` is then its first byte and `valueEnd` its end. The caller moves `at` on. */
export function readLength(reader: ProtoReader): number {
  expectWire(reader, WIRE_BYTES);
  readVarint(reader);
  if (reader.high !== 0 || reader.low > reader.end - reader.at) {
    throw malformed('protobuf: a length runs past the end');
  }
  reader.valueEnd = reader.at + reader.low;
  return reader.low;
}

/** The bytes of a length-delimited field, as a view. */
export function readBytes(reader: ProtoReader): Uint8Array {
  const length = readLength(reader);
  const start = reader.at;
  reader.at = reader.valueEnd;
  return reader.bytes.subarray(start, start + length);
}

/** A string field: strict UTF-8. */
export function readString(reader: ProtoReader): string {
  readLength(reader);
  const start = reader.at;
  reader.at = reader.valueEnd;
  return readUtf8(reader.bytes, start, reader.valueEnd);
}

/** Opens a sub-message: the reader's range becomes the message's. Returns the outer end, for `leaveMessage`. */
export function enterMessage(reader: ProtoReader): number {
  readLength(reader);
  const outerEnd = reader.end;
  reader.end = reader.valueEnd;
  return outerEnd;
}

/** Goes on after the sub-message that `enterMessage` opened. */
export function leaveMessage(reader: ProtoReader, outerEnd: number): void {
  reader.at = reader.end;
  reader.end = outerEnd;
}

/** Skips the value of the field whose tag was read last. */
export function skipField(reader: ProtoReader): void {
  switch (reader.wire) {
    case WIRE_VARINT:
      readVarint(reader);
      return;
    case WIRE_FIXED64:
      skipBytes(reader, 8);
      return;
    case WIRE_BYTES:
      readLength(reader);
      reader.at = reader.valueEnd;
      return;
    case WIRE_FIXED32:
      skipBytes(reader, 4);
      return;
    case 3:
    case 4:
      throw new WireError('unsupported', 'protobuf: groups are not supported');
    default:
      throw malformed(`protobuf: invalid wire type ${reader.wire}`);
  }
}

function skipBytes(reader: ProtoReader, count: number): void {
  if (reader.end - reader.at < count) throw malformed('protobuf: truncated value');
  reader.at += count;
}

function expectWire(reader: ProtoReader, wire: number): void {
  if (reader.wire === wire) return;
  if (reader.wire === 3 || reader.wire === 4) throw new WireError('unsupported', 'protobuf: groups are not supported');
  throw malformed(`protobuf: field ${reader.field} has wire type ${reader.wire}, expected ${wire}`);
}

function safeInteger(value: number): number {
  if (!Number.isSafeInteger(value)) throw new WireError('unsupported', 'protobuf: integer beyond 2^53');
  return value;
}

/** A fixed64 or sfixed64 field into `low` and `high`. */
export function readFixed64(reader: ProtoReader): void {
  expectWire(reader, WIRE_FIXED64);
  readFixed64Raw(reader);
}

/** Eight bytes without a tag before them, into `low` and `high`: an element of a packed field. */
export function readFixed64Raw(reader: ProtoReader): void {
  const { bytes, at } = reader;
  if (reader.end - at < 8) throw malformed('protobuf: truncated 64-bit value');
  reader.low = word(bytes, at);
  reader.high = word(bytes, at + 4);
  reader.at = at + 8;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
