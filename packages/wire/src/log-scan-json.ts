import { Buffer } from 'node:buffer';
import { base64Length, putBase64 } from './base64.ts';
import { attributesJson } from './log-attributes.ts';
import type { ScanColumns } from './log-responses.ts';

const BEFORE_KEY = Buffer.from('{"status":"success","key":"');
const BEFORE_VALUES = Buffer.from('","values":[');
const BEFORE_SEQUENCE = Buffer.from('{"sequence":');
const BEFORE_VALUE = Buffer.from(',"value":"');
const AFTER_VALUE = 0x22;
const BEFORE_TIME = Buffer.from(',"arrivalTimeMs":');
const AFTER_RECORD = 0x7d;
const BEFORE_NEXT = Buffer.from('],"nextSequence":');
const COMMA = 0x2c;
/** digits of 2^53 */
const MAX_DIGITS = 16;

/** The ScanResponse as ProtoJSON, with 64-bit integers as numbers, as the reference has it. */
export function encodeScanJson(key: Uint8Array, records: ScanColumns): Uint8Array {
  const { count, sequences, sources, starts, ends, times } = records;
  const attributes = attributeTexts(records);
  const perRecord = BEFORE_SEQUENCE.length + MAX_DIGITS + BEFORE_VALUE.length + 3 + BEFORE_TIME.length + MAX_DIGITS;
  let capacity = BEFORE_KEY.length + base64Length(key.length) + BEFORE_VALUES.length + BEFORE_NEXT.length + 32;
  for (let i = 0; i < count; i++) capacity += perRecord + base64Length(ends[i]! - starts[i]!);
  for (const text of attributes.values()) capacity += text.length;
  const out = Buffer.allocUnsafe(capacity);
  let at = put(out, 0, BEFORE_KEY);
  at = putBase64(out, at, key, 0, key.length);
  at = put(out, at, BEFORE_VALUES);
  for (let i = 0; i < count; i++) {
    if (i > 0) out[at++] = COMMA;
    at = put(out, at, BEFORE_SEQUENCE);
    at = putInteger(out, at, sequences[i]!);
    at = put(out, at, BEFORE_VALUE);
    at = putBase64(out, at, sources[i]!, starts[i]!, ends[i]!);
    out[at++] = AFTER_VALUE;
    if (times !== undefined) {
      at = put(out, at, BEFORE_TIME);
      at = putInteger(out, at, times[i]!);
    }
    const text = attributes.get(i);
    if (text !== undefined) at = put(out, at, text);
    out[at++] = AFTER_RECORD;
  }
  at = put(out, at, BEFORE_NEXT);
  at = putInteger(out, at, records.nextSequence);
  out[at++] = 0x7d;
  return out.subarray(0, at);
}

/** The members that attributes add, by record. */
function attributeTexts({ count, sources, starts, attributeLengths }: ScanColumns): Map<number, Uint8Array> {
  const texts = new Map<number, Uint8Array>();
  if (attributeLengths === undefined) return texts;
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
