import { lowerBound } from '../select.ts';

/** By step, the samples of a window as an index interval [first, last). */
export interface Windows {
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly timestamps: Float64Array;
  readonly rangeMs: number;
  /** By step, the right (inclusive) end of the window; the left end, `rangeMs` earlier, is exclusive. */
  readonly endsMs: Float64Array;
}

/** Finds every window by two pointers; `endsMs` ascends. */
export function windowsOf(timestamps: Float64Array, endsMs: Float64Array, rangeMs: number): Windows {
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
  return { first, last, timestamps, rangeMs, endsMs };
}

/** The most samples that any one window holds. */
export function widestWindow(windows: Windows): number {
  let widest = 0;
  for (let i = 0; i < windows.first.length; i++) widest = Math.max(widest, windows.last[i]! - windows.first[i]!);
  return widest;
}
