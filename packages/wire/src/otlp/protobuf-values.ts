import { WireError } from '../errors.ts';
import {
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBool,
  readBytes,
  readDouble,
  readFixed64,
  readString,
  readVarint,
  skipField,
} from '../proto-reader.ts';
import { type OtlpValue, valueText } from './value-text.ts';

/** Deeper values are refused, so that no input can use up the stack. */
export const MAX_VALUE_DEPTH = 64;

const TWO_32 = 4294967296;

/** A fixed64 time in ns as whole ms, exactly. */
export function readTimeMs(reader: ProtoReader): number {
  readFixed64(reader);
  // 2^32 is 4294 * 10^6 + 967296, so every product stays below 2^53.
  return reader.high * 4294 + Math.floor((reader.high * 967_296 + reader.low) / 1_000_000);
}

/** A fixed64 count: beyond 2^53 the nearest double. */
export function readCount(reader: ProtoReader): number {
  readFixed64(reader);
  return reader.high * TWO_32 + reader.low;
}

/** An sfixed64 value: beyond 2^53 the nearest double. */
export function readSignedFixed(reader: ProtoReader): number {
  readFixed64(reader);
  return (reader.high | 0) * TWO_32 + reader.low;
}

/** A KeyValue message whose tag was just read: its key and the text of its value are added. */
export function readAttribute(reader: ProtoReader, into: string[]): void {
  const [key, value] = readKeyValue(reader, 0);
  into.push(key, valueText(value));
}

function readKeyValue(reader: ProtoReader, depth: number): [string, OtlpValue] {
  const outerEnd = enterMessage(reader);
  let key = '';
  let value: OtlpValue = null;
  while (nextField(reader)) {
    if (reader.field === 1) key = readString(reader);
    else if (reader.field === 2) value = readValue(reader, depth);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return [key, value];
}

function readValue(reader: ProtoReader, depth: number): OtlpValue {
  if (depth === MAX_VALUE_DEPTH) {
    throw new WireError('unsupported', `otlp: a value is nested more than ${MAX_VALUE_DEPTH} deep`);
  }
  const outerEnd = enterMessage(reader);
  let value: OtlpValue = null;
  while (nextField(reader)) {
    switch (reader.field) {
      case 1:
        value = readString(reader);
        break;
      case 2:
        value = readBool(reader);
        break;
      case 3:
        value = readInteger(reader);
        break;
      case 4:
        value = { double: readDouble(reader) };
        break;
      case 5:
        value = readArray(reader, depth + 1);
        break;
      case 6:
        value = { entries: readEntries(reader, depth + 1) };
        break;
      case 7:
        value = readBytes(reader);
        break;
      default:
        skipField(reader);
    }
  }
  leaveMessage(reader, outerEnd);
  return value;
}

function readInteger(reader: ProtoReader): OtlpValue {
  if (reader.wire !== 0) {
    skipField(reader);
    throw new WireError('malformed', 'otlp: an integer that is no varint');
  }
  readVarint(reader);
  const high = reader.high | 0;
  const value = high * TWO_32 + reader.low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(reader.low);
}

function readArray(reader: ProtoReader, depth: number): OtlpValue[] {
  const outerEnd = enterMessage(reader);
  const values: OtlpValue[] = [];
  while (nextField(reader)) {
    if (reader.field === 1) values.push(readValue(reader, depth));
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return values;
}

function readEntries(reader: ProtoReader, depth: number): [string, OtlpValue][] {
  const outerEnd = enterMessage(reader);
  const entries: [string, OtlpValue][] = [];
  while (nextField(reader)) {
    if (reader.field === 1) entries.push(readKeyValue(reader, depth));
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return entries;
}
