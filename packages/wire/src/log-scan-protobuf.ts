import { Buffer } from 'node:buffer';
import type { ScanColumns } from './log-responses.ts';
import { putVarint, varintSize } from './proto-writer.ts';

const STATUS_FIELD = Buffer.from([0x0a, 7, ...Buffer.from('success')]);
const KEY_TAG = 0x12;
const VALUES_TAG = 0x1a;
const NEXT_SEQUENCE_TAG = 0x20;
const SEQUENCE_TAG = 0x08;
const VALUE_TAG = 0x12;
const ARRIVAL_TIME_TAG = 0x28;

/**
 * ScanResponse{1: status, 2: key, 3: repeated Value, 4: next_sequence} with Value{1: sequence, 2: value, 3: timestamp_ms,
 * 4: repeated headers, 5: arrival_time_ms}. Attributes are fields 3 and 4 as they were stored.
 */
export function encodeScanProtobuf(key: Uint8Array, records: ScanColumns): Uint8Array {
  const { count, sequences, sources, starts, ends, nextSequence, times, attributeLengths } = records;
  let size = STATUS_FIELD.length + 1 + varintSize(key.length) + key.length;
  if (nextSequence !== 0) size += 1 + varintSize(nextSequence);
  for (let i = 0; i < count; i++) {
    const inner = valueSize(sequences[i]!, ends[i]! - starts[i]!, times?.[i] ?? 0, attributeLengths?.[i] ?? 0);
    size += 1 + varintSize(inner) + inner;
  }
  const out = Buffer.allocUnsafe(size);
  out.set(STATUS_FIELD, 0);
  let at = STATUS_FIELD.length;
  out[at++] = KEY_TAG;
  at = putVarint(out, at, key.length);
  out.set(key, at);
  at += key.length;
  for (let i = 0; i < count; i++) {
    const time = times?.[i] ?? 0;
    const attributeLength = attributeLengths?.[i] ?? 0;
    at = putValueHead(out, at, sequences[i]!, ends[i]! - starts[i]!, time, attributeLength);
    at = copyRange(out, at, sources[i]!, starts[i]!, ends[i]!);
    if (attributeLength > 0) at = copyRange(out, at, sources[i]!, starts[i]! - attributeLength, starts[i]!);
    if (time !== 0) {
      out[at++] = ARRIVAL_TIME_TAG;
      at = putVarint(out, at, time);
    }
  }
  if (nextSequence !== 0) {
    out[at++] = NEXT_SEQUENCE_TAG;
    putVarint(out, at, nextSequence);
  }
  return out;
}

function valueSize(sequence: number, length: number, time: number, attributeLength: number): number {
  const sequenceSize = sequence === 0 ? 0 : 1 + varintSize(sequence);
  const timeSize = time === 0 ? 0 : 1 + varintSize(time);
  return sequenceSize + timeSize + attributeLength + (length === 0 ? 0 : 1 + varintSize(length) + length);
}

/** Everything of one `values` field up to the value's bytes. */
function putValueHead(
  out: Uint8Array,
  at: number,
  sequence: number,
  length: number,
  time: number,
  attributeLength: number,
): number {
  out[at++] = VALUES_TAG;
  at = putVarint(out, at, valueSize(sequence, length, time, attributeLength));
  if (sequence !== 0) {
    out[at++] = SEQUENCE_TAG;
    at = putVarint(out, at, sequence);
  }
  if (length !== 0) {
    out[at++] = VALUE_TAG;
    at = putVarint(out, at, length);
  }
  return at;
}

function copyRange(out: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  if (end - start > 32) out.set(source.subarray(start, end), at);
  else for (let i = start; i < end; i++) out[at + i - start] = source[i]!;
  return at + end - start;
}
