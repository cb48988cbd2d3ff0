import { lowerBound } from '../select.ts';
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
    present: holding(minSamples, first, last),
    single: scratch !== undefined,
  };
}

/** By step, FLOAT where the interval [first, last) has at least so many samples. */
export function holding(minSamples: number, first: Int32Array, last: Int32Array): Uint8Array {
  let complete = true;
  for (let i = 0; i < first.length; i++) if (last[i]! - first[i]! < minSamples) complete = false;
  if (complete) return allPresent(first.length);
  const present = new Uint8Array(first.length);
  for (let i = 0; i < present.length; i++) if (last[i]! - first[i]! >= minSamples) present[i] = FLOAT;
  return present;
}

/** The most samples that any one window holds. */
export function widestWindow(windows: Windows): number {
  let widest = 0;
  const { first, last } = windows;
  for (let i = 0; i < first.length; i++) if (last[i]! - first[i]! > widest) widest = last[i]! - first[i]!;
  return widest;
}
