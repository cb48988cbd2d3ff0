import { lowerBound } from '../select.ts';
import { ABSENT, allPresent, FLOAT } from '../value.ts';

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
}

/** Finds every window by two pointers; `endsMs` ascends. @param minSamples what the function needs, 1 or 2 */
export function windowsOf(timestamps: Float64Array, endsMs: Float64Array, rangeMs: number, minSamples = 1): Windows {
  const count = endsMs.length;
  const first = new Int32Array(count);
  const last = new Int32Array(count);
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
  return { first, last, timestamps, rangeMs, endsMs, present: holding(minSamples, first, last) };
}

/** By step, FLOAT where the interval [first, last) has at least so many samples. */
export function holding(minSamples: number, first: Int32Array, last: Int32Array): Uint8Array {
  const present = new Uint8Array(first.length);
  for (let i = 0; i < present.length; i++) if (last[i]! - first[i]! >= minSamples) present[i] = FLOAT;
  return present.includes(ABSENT) ? present : allPresent(present.length);
}

/** The most samples that any one window holds. */
export function widestWindow(windows: Windows): number {
  let widest = 0;
  for (let i = 0; i < windows.first.length; i++) widest = Math.max(widest, windows.last[i]! - windows.first[i]!);
  return widest;
}
