import type { WindowHead } from './window-head.ts';
import { hasSampleAt } from './window-times.ts';

/**
 * The starts of a series' samples, by index; `undefined` where none has one.
 * @param windows in order of time; of one window, in order of their lanes
 */
export function storedStarts(
  windows: readonly WindowHead[],
  series: number,
  timestamps: Float64Array,
): Float64Array | undefined {
  if (!windows.some((window) => window.startTimes?.has(window.slotOf(series)) ?? false)) return undefined;
  const starts = new Float64Array(timestamps.length);
  let isKnown = false;
  for (let i = 0; i < timestamps.length; i++) {
    const start = startAt(windows, series, timestamps[i]!);
    starts[i] = start;
    if (start !== 0) isKnown = true;
  }
  return isKnown ? starts : undefined;
}

/** Of the sample that counts: that of the last window which has one at the time. */
function startAt(windows: readonly WindowHead[], series: number, timestampMs: number): number {
  for (let i = windows.length - 1; i >= 0; i--) {
    const window = windows[i]!;
    if (timestampMs < window.startMs || timestampMs >= window.endMs) continue;
    const slot = window.slotOf(series);
    if (slot < 0 || !hasSampleAt(window, slot, timestampMs)) continue;
    return window.startTimes?.get(slot, timestampMs - window.startMs) ?? 0;
  }
  return 0;
}
