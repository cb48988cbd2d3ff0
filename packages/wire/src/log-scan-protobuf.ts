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
const RECORD_KEY_TAG = 0x32;
const SHORT_COPY_BYTES = 32;

/** An answer to a scan, to be written piece by piece. */
export interface ScanParts {
  readonly sizeBytes: number;
  readonly parts: Iterable<Uint8Array>;
}

/**
 * ScanResponse{1: status, 2: key, 3: repeated Value, 4: next_sequence} with Value{1: sequence, 2: value, 3: timestamp_ms,
 * 4: repeated headers, 5: arrival_time_ms, 6: key}. Attributes are fields 3 and 4 as they were stored. Without `key`
 * each record has its own.
 */
export function encodeScanProtobuf(key: Uint8Array | undefined, records: ScanColumns): Uint8Array {
  const [whole] = encodeScanProtobufParts(key, records, Number.POSITIVE_INFINITY).parts;
  return whole!;
}

/** The message in pieces of about `partBytes`, made one by one as they are asked for, and its size in bytes. */
export function encodeScanProtobufParts(
  key: Uint8Array | undefined,
  records: ScanColumns,
  partBytes: number,
): ScanParts {
  const { count, nextSequence } = records;
  let sizeBytes = STATUS_FIELD.length;
  if (key !== undefined) sizeBytes += 1 + varintSize(key.length) + key.length;
  if (nextSequence !== 0) sizeBytes += 1 + varintSize(nextSequence);
  const valueSizes = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const inner = valueSize(records, i);
    valueSizes[i] = inner;
    sizeBytes += 1 + varintSize(inner) + inner;
  }
  return { sizeBytes, parts: partsOf(key, records, valueSizes, sizeBytes, partBytes) };
}

function* partsOf(
  key: Uint8Array | undefined,
  records: ScanColumns,
  valueSizes: Uint32Array,
  sizeBytes: number,
  partBytes: number,
): Generator<Uint8Array, void, undefined> {
  const { count, nextSequence } = records;
  let left = sizeBytes;
  let out = Buffer.allocUnsafe(Math.min(left, Math.max(partBytes, STATUS_FIELD.length)));
  out.set(STATUS_FIELD, 0);
  let at = STATUS_FIELD.length;
  if (key !== undefined) {
    const keyBytes = 1 + varintSize(key.length) + key.length;
    if (at + keyBytes > out.length) {
      yield out.subarray(0, at);
      left -= at;
      out = Buffer.allocUnsafe(Math.min(left, Math.max(partBytes, keyBytes)));
      at = 0;
    }
    out[at++] = KEY_TAG;
    at = putVarint(out, at, key.length);
    out.set(key, at);
    at += key.length;
  }
  for (let i = 0; i < count; i++) {
    // A part of infinite size is the whole message.
    if (out.length < left) {
      const inner = valueSizes[i]!;
      const needed = 1 + varintSize(inner) + inner;
      if (at + needed > out.length) {
        yield out.subarray(0, at);
        left -= at;
        out = Buffer.allocUnsafe(Math.min(left, Math.max(partBytes, needed)));
        at = 0;
      }
    }
    at = putValue(out, at, records, i, valueSizes[i]!);
  }
  if (nextSequence !== 0) {
    const needed = 1 + varintSize(nextSequence);
    if (at + needed > out.length) {
      yield out.subarray(0, at);
      out = Buffer.allocUnsafe(needed);
      at = 0;
    }
    out[at++] = NEXT_SEQUENCE_TAG;
    at = putVarint(out, at, nextSequence);
  }
  yield out.subarray(0, at);
}

function valueSize({ sequences, starts, ends, times, attributeLengths, keyStarts, keyEnds }: ScanColumns, i: number) {
  const sequence = sequences[i]!;
  const time = times?.[i] ?? 0;
  const length = ends[i]! - starts[i]!;
  let size = attributeLengths?.[i] ?? 0;
  if (sequence !== 0) size += 1 + varintSize(sequence);
  if (length !== 0) size += 1 + varintSize(length) + length;
  if (time !== 0) size += 1 + varintSize(time);
  if (keyStarts !== undefined) {
    const keyLength = keyEnds![i]! - keyStarts[i]!;
    size += 1 + varintSize(keyLength) + keyLength;
  }
  return size;
}

function putValue(out: Uint8Array, at: number, records: ScanColumns, i: number, sizeBytes: number): number {
  const { sequences, sources, starts, ends, times, attributeLengths, keySources, keyStarts, keyEnds } = records;
  const sequence = sequences[i]!;
  const time = times?.[i] ?? 0;
  const start = starts[i]!;
  const end = ends[i]!;
  out[at++] = VALUES_TAG;
  at = putVarint(out, at, sizeBytes);
  if (sequence !== 0) {
    out[at++] = SEQUENCE_TAG;
    at = putVarint(out, at, sequence);
  }
  if (end !== start) {
    out[at++] = VALUE_TAG;
    at = putVarint(out, at, end - start);
    at = copyRange(out, at, sources[i]!, start, end);
  }
  const attributeLength = attributeLengths?.[i] ?? 0;
  if (attributeLength > 0) at = copyRange(out, at, sources[i]!, start - attributeLength, start);
  if (time !== 0) {
    out[at++] = ARRIVAL_TIME_TAG;
    at = putVarint(out, at, time);
  }
  if (keySources !== undefined) {
    out[at++] = RECORD_KEY_TAG;
    at = putVarint(out, at, keyEnds![i]! - keyStarts![i]!);
    at = copyRange(out, at, keySources[i]!, keyStarts![i]!, keyEnds![i]!);
  }
  return at;
}

function copyRange(out: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  // A view of a Buffer costs twice one of its memory.
  if (end - start > SHORT_COPY_BYTES)
    out.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), at);
  else for (let i = start; i < end; i++) out[at + i - start] = source[i]!;
  return at + end - start;
}
