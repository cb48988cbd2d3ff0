import { LogError } from '../errors.ts';
import type { ArrivalTimes } from '../head/arrival-times.ts';
import { VarintCursor, writeVarint } from '../varint.ts';

const version = 1;
/** Arrivals in one page; each takes 2 to 4 bytes as a rule. */
export const arrivalsPerPage = 16_384;
const longestPairBytes = 16;

/**
 * A page of arrivals from index `from` on: a version byte, then for each ms in which records arrived the number of the
 * first one and the time, both as the difference to the pair before (the first: to record 0 and `startTimeMs`).
 */
export function encodeTimePage(times: ArrivalTimes, from: number, startTimeMs: number): Uint8Array {
  const end = Math.min(times.count, from + arrivalsPerPage);
  const bytes = Buffer.allocUnsafe(1 + (end - from) * longestPairBytes);
  bytes[0] = version;
  let offset = 1;
  let record = 0;
  let timeMs = startTimeMs;
  for (let i = from; i < end; i++) {
    offset = writeVarint(bytes, offset, times.recordAt(i) - record);
    offset = writeVarint(bytes, offset, times.timeAt(i) - timeMs);
    record = times.recordAt(i);
    timeMs = times.timeAt(i);
  }
  return bytes.subarray(0, offset);
}

/** The first record of the page that arrived at `timeMs` or later, or -1. @throws LogError corrupt */
export function recordFromTime(bytes: Uint8Array, startTimeMs: number, timeMs: number): number {
  if (bytes[0] !== version) throw new LogError('corrupt', `time page of an unknown version: ${bytes[0]}`);
  const cursor = new VarintCursor();
  cursor.reset(bytes, 1, bytes.length);
  let record = 0;
  let current = startTimeMs;
  while (cursor.offset < cursor.end) {
    record += cursor.next();
    current += cursor.next();
    if (cursor.failed) throw new LogError('corrupt', 'time page is cut short');
    if (current >= timeMs) return record;
  }
  return -1;
}

/** The arrivals of a page: from each of `records` on, the time at the same index, ms since 1970. */
export interface TimePage {
  readonly records: Uint32Array;
  readonly timesMs: Float64Array;
}

/** @throws LogError corrupt */
export function decodeTimePage(bytes: Uint8Array, startTimeMs: number): TimePage {
  if (bytes[0] !== version) throw new LogError('corrupt', `time page of an unknown version: ${bytes[0]}`);
  const cursor = new VarintCursor();
  cursor.reset(bytes, 1, bytes.length);
  const records = new Uint32Array(arrivalsPerPage);
  const timesMs = new Float64Array(arrivalsPerPage);
  let count = 0;
  let record = 0;
  let timeMs = startTimeMs;
  while (cursor.offset < cursor.end && count < arrivalsPerPage) {
    record += cursor.next();
    timeMs += cursor.next();
    if (cursor.failed) throw new LogError('corrupt', 'time page is cut short');
    records[count] = record;
    timesMs[count++] = timeMs;
  }
  return { records: records.subarray(0, count), timesMs: timesMs.subarray(0, count) };
}
