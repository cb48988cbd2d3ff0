import { Buffer } from 'node:buffer';
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT } from './proto-reader.ts';

const TWO_32 = 4294967296;

/** A growing buffer of protobuf bytes. */
export interface ProtoWriter {
  bytes: Buffer;
  /** bytes written */
  at: number;
}

export function createProtoWriter(capacityBytes = 1024): ProtoWriter {
  return { bytes: Buffer.allocUnsafe(capacityBytes), at: 0 };
}

/** The bytes written so far, as a view: valid until the next write. */
export function writtenBytes(writer: ProtoWriter): Uint8Array {
  return writer.bytes.subarray(0, writer.at);
}

/** Makes room for `count` more bytes. */
export function reserve(writer: ProtoWriter, count: number): void {
  if (writer.bytes.length - writer.at >= count) return;
  const larger = Buffer.allocUnsafe(Math.max(writer.bytes.length * 2, writer.at + count));
  larger.set(writer.bytes.subarray(0, writer.at));
  writer.bytes = larger;
}

/** Bytes that a varint of a non-negative safe integer takes. */
export function varintSize(value: number): number {
  let size = 1;
  while (value >= 128) {
    value = value > 0xffffffff ? Math.floor(value / 128) : value >>> 7;
    size++;
  }
  return size;
}

/** Puts the varint of a non-negative safe integer at `at`; returns the offset after it. There must be room. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 0x7fffffff) {
    bytes[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  while (value >= 128) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

/** A varint of a non-negative safe integer, without a tag. */
export function writeVarint(writer: ProtoWriter, value: number): void {
  reserve(writer, 10);
  writer.at = putVarint(writer.bytes, writer.at, value);
}

function writeTag(writer: ProtoWriter, field: number, wire: number): void {
  writeVarint(writer, field * 8 + wire);
}

export function writeUint64Field(writer: ProtoWriter, field: number, value: number): void {
  writeTag(writer, field, WIRE_VARINT);
  writeVarint(writer, value);
}

export function writeInt64Field(writer: ProtoWriter, field: number, value: number): void {
  writeTag(writer, field, WIRE_VARINT);
  writeInt64(writer, value);
}

/** A safe integer as an int64 varint without a tag: negative numbers take ten bytes. */
function writeInt64(writer: ProtoWriter, value: number): void {
  if (value >= 0) {
    writeVarint(writer, value);
    return;
  }
  reserve(writer, 10);
  const { bytes } = writer;
  let low = (value % TWO_32) >>> 0;
  let high = Math.floor(value / TWO_32) >>> 0;
  for (let i = 0; i < 9; i++) {
    bytes[writer.at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  bytes[writer.at++] = low;
}

/** A safe integer as a zig-zag varint without a tag. */
function writeSint64(writer: ProtoWriter, value: number): void {
  // 2 * |value| can pass 2^53, so the low bit is written apart from the rest.
  const magnitude = value < 0 ? -value - 1 : value;
  const first = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
  const rest = Math.floor(magnitude / 64);
  reserve(writer, 10);
  writer.bytes[writer.at++] = rest > 0 ? first | 0x80 : first;
  if (rest > 0) writer.at = putVarint(writer.bytes, writer.at, rest);
}

export function writeSint64Field(writer: ProtoWriter, field: number, value: number): void {
  writeTag(writer, field, WIRE_VARINT);
  writeSint64(writer, value);
}

export function writeDoubleField(writer: ProtoWriter, field: number, value: number): void {
  writeTag(writer, field, WIRE_FIXED64);
  writeDouble(writer, value);
}

/** A double without a tag. The bits of a NaN are what V8 keeps of them; `writeDoubleBits` keeps them all. */
export function writeDouble(writer: ProtoWriter, value: number): void {
  reserve(writer, 8);
  writer.at = writer.bytes.writeDoubleLE(value, writer.at);
}

/** A double field by the two halves of its bits. */
export function writeDoubleBits(writer: ProtoWriter, field: number, low: number, high: number): void {
  writeTag(writer, field, WIRE_FIXED64);
  reserve(writer, 8);
  writer.at = writer.bytes.writeUInt32LE(low >>> 0, writer.at);
  writer.at = writer.bytes.writeUInt32LE(high >>> 0, writer.at);
}

/** Bytes as they are, without a tag or a length. */
export function writeRaw(writer: ProtoWriter, bytes: Uint8Array, start = 0, end = bytes.length): void {
  reserve(writer, end - start);
  writer.bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), writer.at);
  writer.at += end - start;
}

export function writeBytesField(writer: ProtoWriter, field: number, bytes: Uint8Array): void {
  writeTag(writer, field, WIRE_BYTES);
  writeVarint(writer, bytes.length);
  writeRaw(writer, bytes);
}

export function writeStringField(writer: ProtoWriter, field: number, text: string): void {
  const length = Buffer.byteLength(text);
  writeTag(writer, field, WIRE_BYTES);
  writeVarint(writer, length);
  reserve(writer, length);
  writer.bytes.write(text, writer.at, length, 'utf8');
  writer.at += length;
}

/** Opens a sub-message (or a packed field); `endMessage` with the returned mark closes it. */
export function beginMessage(writer: ProtoWriter, field: number): number {
  writeTag(writer, field, WIRE_BYTES);
  reserve(writer, 1);
  return writer.at++;
}

export function endMessage(writer: ProtoWriter, mark: number): void {
  const start = mark + 1;
  const length = writer.at - start;
  const lengthSize = varintSize(length);
  if (lengthSize > 1) {
    reserve(writer, lengthSize - 1);
    writer.bytes.copyWithin(mark + lengthSize, start, writer.at);
    writer.at += lengthSize - 1;
  }
  putVarint(writer.bytes, mark, length);
}
