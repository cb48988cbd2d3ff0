import { Buffer } from 'node:buffer';
import { base64Length, putBase64 } from './base64.ts';
import { attributesJson } from './log-attributes.ts';
import type { ScanColumns } from './log-responses.ts';

const START = Buffer.from('{"status":"success",');
const BEFORE_RESPONSE_KEY = Buffer.from('"key":"');
const AFTER_RESPONSE_KEY = Buffer.from('",');
const BEFORE_VALUES = Buffer.from('"values":[');
const BEFORE_SEQUENCE = Buffer.from('{"sequence":');
const BEFORE_KEY = Buffer.from(',"key":"');
const BEFORE_VALUE = Buffer.from(',"value":"');
const QUOTE = 0x22;
const BEFORE_TIME = Buffer.from(',"arrivalTimeMs":');
const AFTER_RECORD = 0x7d;
const BEFORE_NEXT = Buffer.from('],"nextSequence":');
const COMMA = 0x2c;
/** digits of 2^53 */
const MAX_DIGITS = 16;
const RECORD_BYTES =
  BEFORE_SEQUENCE.length + BEFORE_KEY.length + BEFORE_VALUE.length + BEFORE_TIME.length + 2 * MAX_DIGITS + 4;

const EVENT_ID = Buffer.from('id: ');
const EVENT_DATA = Buffer.from('\ndata: ');
const EVENT_END = Buffer.from('\n\n');
const EVENT_BYTES = EVENT_ID.length + MAX_DIGITS + EVENT_DATA.length + EVENT_END.length;

/**
 * The ScanResponse as ProtoJSON, with 64-bit integers as numbers, as the reference has it. Without `key` each record
 * has its own.
 */
export function encodeScanJson(key: Uint8Array | undefined, records: ScanColumns): Uint8Array {
  const attributes = attributeTexts(records);
  const out = Buffer.allocUnsafe(
    base64Length(key?.length ?? 0) + 96 + MAX_DIGITS + recordsCapacity(records, attributes),
  );
  let at = put(out, 0, START);
  if (key !== undefined) {
    at = put(out, at, BEFORE_RESPONSE_KEY);
    at = putBase64(out, at, key, 0, key.length);
    at = put(out, at, AFTER_RESPONSE_KEY);
  }
  at = put(out, at, BEFORE_VALUES);
  for (let i = 0; i < records.count; i++) {
    if (i > 0) out[at++] = COMMA;
    at = putRecord(out, at, records, i, attributes?.get(i));
  }
  at = put(out, at, BEFORE_NEXT);
  at = putInteger(out, at, records.nextSequence);
  out[at++] = 0x7d;
  return out.subarray(0, at);
}

/** Records as Server-Sent Events: `id` is the sequence, `data` the record as it is in the JSON of a read. */
export function encodeRecordEvents(records: ScanColumns): Uint8Array {
  const attributes = attributeTexts(records);
  const out = Buffer.allocUnsafe(recordsCapacity(records, attributes) + records.count * EVENT_BYTES);
  let at = 0;
  for (let i = 0; i < records.count; i++) {
    at = put(out, at, EVENT_ID);
    at = putInteger(out, at, records.sequences[i]!);
    at = put(out, at, EVENT_DATA);
    at = putRecord(out, at, records, i, attributes?.get(i));
    at = put(out, at, EVENT_END);
  }
  return out.subarray(0, at);
}

function recordsCapacity(records: ScanColumns, attributes: Map<number, Uint8Array> | undefined): number {
  const { count, starts, ends, keyStarts, keyEnds } = records;
  let capacity = count * RECORD_BYTES;
  for (let i = 0; i < count; i++) capacity += base64Length(ends[i]! - starts[i]!);
  if (keyStarts !== undefined) for (let i = 0; i < count; i++) capacity += base64Length(keyEnds![i]! - keyStarts[i]!);
  for (const text of attributes?.values() ?? []) capacity += text.length;
  return capacity;
}

function putRecord(out: Buffer, at: number, records: ScanColumns, i: number, attributes: Uint8Array | undefined) {
  const { sources, starts, ends, times, keySources, keyStarts, keyEnds } = records;
  at = put(out, at, BEFORE_SEQUENCE);
  at = putInteger(out, at, records.sequences[i]!);
  if (keySources !== undefined) {
    at = put(out, at, BEFORE_KEY);
    at = putBase64(out, at, keySources[i]!, keyStarts![i]!, keyEnds![i]!);
    out[at++] = QUOTE;
  }
  at = put(out, at, BEFORE_VALUE);
  at = putBase64(out, at, sources[i]!, starts[i]!, ends[i]!);
  out[at++] = QUOTE;
  if (times !== undefined) {
    at = put(out, at, BEFORE_TIME);
    at = putInteger(out, at, times[i]!);
  }
  if (attributes !== undefined) at = put(out, at, attributes);
  out[at++] = AFTER_RECORD;
  return at;
}

/** The members that attributes add, by record; undefined when no record has any. */
function attributeTexts(records: ScanColumns): Map<number, Uint8Array> | undefined {
  const { count, sources, starts, attributeLengths } = records;
  if (attributeLengths === undefined) return undefined;
  const texts = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++) {
    const length = attributeLengths[i]!;
    const start = starts[i]! - length;
    if (length > 0) texts.set(i, Buffer.from(attributesJson(sources[i]!, start, start + length)));
  }
  return texts;
}

function put(out: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) out[at + i] = bytes[i]!;
  return at + bytes.length;
}

/** Decimal digits of a non-negative safe integer. */
function putInteger(out: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let limit = 10; digits < MAX_DIGITS && value >= limit; limit *= 10) digits++;
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    out[i] = 0x30 + (value - rest * 10);
    value = rest;
  }
  return at + digits;
}
