import { lowerBound } from '../lower-bound.ts';
import { allPresent, FLOAT } from '../value.ts';

/** By step, the samples of a window as an index interval [first, last). */
export interface Windows {
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly timestamps: Float64Array;
  readonly rangeMs: number;
  /** By step, the right (inclusive) end of the window; the left end, `rangeMs` earlier, is exclusive. */
  readonly endsMs: Float64Array;
  /** By step, FLOAT where the window holds enough samples for the function to have a result. */
  readonly present: Uint8Array;
  /** Steps with a result lie in [from, to). */
  readonly from: number;
  readonly to: number;
  /** All steps in [from, to) have a result. */
  readonly isOneStretch: boolean;
  /** The most samples that any one window holds. */
  readonly widest: number;
  /** For one series only: nothing derived from the timestamps is worth keeping, and the indexes may be overwritten. */
  readonly single: boolean;
}

/** Index arrays to be written to instead of new ones. */
export type WindowIndexes = Pick<Windows, 'first' | 'last'>;

export function windowIndexes(count: number): WindowIndexes {
  return { first: new Int32Array(count), last: new Int32Array(count) };
}

/**
 * Finds every window by two pointers; `endsMs` ascends.
 * @param minSamples what the function needs, 1 or 2
 * @param scratch for the windows of a single series
 */
export function windowsOf(
  timestamps: Float64Array,
  endsMs: Float64Array,
  rangeMs: number,
  minSamples = 1,
  scratch?: WindowIndexes,
): Windows {
  const count = endsMs.length;
  const { first, last } = scratch ?? windowIndexes(count);
  let low = count === 0 ? 0 : lowerBound(timestamps, endsMs[0]! - rangeMs);
  let high = low;
  for (let step = 0; step < count; step++) {
    const end = endsMs[step]!;
    const start = end - rangeMs;
    while (low < timestamps.length && timestamps[low]! <= start) low++;
    if (high < low) high = low;
    while (high < timestamps.length && timestamps[high]! <= end) high++;
    first[step] = low;
    last[step] = high;
  }
  return {
    first,
    last,
    timestamps,
    rangeMs,
    endsMs,
    ...holding(minSamples, first, last),
    single: scratch !== undefined,
  };
}

/** What windows [first, last) with at least so many samples are like. */
export function holding(
  minSamples: number,
  first: Int32Array,
  last: Int32Array,
): Pick<Windows, 'present' | 'from' | 'to' | 'isOneStretch' | 'widest'> {
  const count = first.length;
  let from = count;
  let to = 0;
  let steps = 0;
  let widest = 0;
  for (let i = 0; i < count; i++) {
    const samples = last[i]! - first[i]!;
    if (samples > widest) widest = samples;
    if (samples < minSamples) continue;
    if (steps === 0) from = i;
    to = i + 1;
    steps++;
  }
  if (steps === 0) from = 0;
  const isOneStretch = steps === to - from;
  if (steps === count) return { present: allPresent(count), from, to, isOneStretch, widest };
  const present = new Uint8Array(count);
  if (isOneStretch) present.fill(FLOAT, from, to);
  else for (let i = from; i < to; i++) if (last[i]! - first[i]! >= minSamples) present[i] = FLOAT;
  return { present, from, to, isOneStretch, widest };
}
