import type { ScanColumns } from '@opendata/wire';
import type { LogSelection } from '../selection.ts';
import { noSequenceEnd, type Query } from './query.ts';

const defaultLimit = 32;
const defaultTimeoutMs = 30_000;
/** The longest time that a timer can take, 24 days; more counts as that. */
const longestTimeoutMs = 0x7fff_ffff;

/** Which records of those selected are asked for. */
export interface RecordRange {
  readonly start: number;
  readonly end: number;
  readonly limit: number;
  readonly last: number | undefined;
  readonly startTimeMs: number | undefined;
}

/** @throws HttpError 400 */
export function recordRange(query: Query): RecordRange {
  const last = query.has('tail') ? query.integer('tail', 0, noSequenceEnd) : undefined;
  return {
    start: query.integer('start_seq', 0, noSequenceEnd),
    end: query.integer('end_seq', noSequenceEnd, noSequenceEnd),
    limit: query.integer('limit', last ?? defaultLimit, noSequenceEnd),
    last,
    startTimeMs: query.has('start_time_ms') ? query.integer('start_time_ms', 0, noSequenceEnd) : undefined,
  };
}

/** @throws HttpError 400 */
export function followTimeoutMs(query: Query): number {
  return query.integer('timeout_ms', defaultTimeoutMs, longestTimeoutMs);
}

/** `key` and `prefix`, each any number of times, also with `_b64`; none of them means everything. @throws HttpError 400 */
export function selectionOf(query: Query): LogSelection {
  const keys = query.every('key');
  const prefixes = query.every('prefix');
  return keys.length === 0 && prefixes.length === 0 ? {} : { keys, prefixes };
}

/** The reference's answer has no times, and clients of it may read nothing else. */
export function withoutTimes(page: ScanColumns): ScanColumns {
  const { count, sequences, sources, starts, ends, attributeLengths, keySources, keyStarts, keyEnds } = page;
  const keys = { keySources, keyStarts, keyEnds };
  return { count, sequences, sources, starts, ends, attributeLengths, ...keys, nextSequence: page.nextSequence };
}

/** An answer about one key does not repeat it. */
export function withoutKeys(page: ScanColumns): ScanColumns {
  const { count, sequences, sources, starts, ends, times, attributeLengths, nextSequence } = page;
  return { count, sequences, sources, starts, ends, times, attributeLengths, nextSequence };
}
