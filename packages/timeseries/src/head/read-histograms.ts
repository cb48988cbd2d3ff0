import { detectReset, type FloatHistogram, isStaleMarker } from '@opendata/promql';
import { isHistogramMarker } from './histogram-store.ts';
import type { WindowHead } from './window-head.ts';

/** Whether one of the windows has histograms of the series. */
export function hasHistograms(windows: readonly WindowHead[], series: number): boolean {
  return windows.some((window) => window.histograms?.has(window.slotOf(series)) ?? false);
}

/** The histograms of a series as they are read: see `storedHistograms` and `withResetHints`. */
export function readHistograms(
  windows: readonly WindowHead[],
  series: number,
  timestamps: Float64Array,
  values: Float64Array,
): (FloatHistogram | undefined)[] {
  return withResetHints(storedHistograms(windows, series, timestamps, values));
}

/**
 * The histograms with the counter reset hints that Prometheus' chunks would give: of two successive ones the later says
 * whether counters fell in between.
 */
export function withResetHints(histograms: readonly (FloatHistogram | undefined)[]): (FloatHistogram | undefined)[] {
  let previous: FloatHistogram | undefined;
  return histograms.map((stored) => {
    previous = stored && withHint(stored, previous);
    return previous;
  });
}

/**
 * The histograms that stand in the columns of a series, by index, as they were sent.
 * @param windows in order of time; of one window, in order of their lanes
 */
export function storedHistograms(
  windows: readonly WindowHead[],
  series: number,
  timestamps: Float64Array,
  values: Float64Array,
): (FloatHistogram | undefined)[] {
  const histograms: (FloatHistogram | undefined)[] = new Array(timestamps.length).fill(undefined);
  for (let i = 0; i < timestamps.length; i++) {
    if (isHistogramMarker(values, i)) histograms[i] = find(windows, series, timestamps[i]!);
  }
  return histograms;
}

function find(windows: readonly WindowHead[], series: number, timestampMs: number): FloatHistogram | undefined {
  for (let i = windows.length - 1; i >= 0; i--) {
    const window = windows[i]!;
    if (timestampMs < window.startMs || timestampMs >= window.endMs) continue;
    const histogram = window.histograms?.get(window.slotOf(series), timestampMs - window.startMs);
    if (histogram !== undefined) return histogram;
  }
  return undefined;
}

function withHint(histogram: FloatHistogram, previous: FloatHistogram | undefined): FloatHistogram {
  const { counterResetHint } = histogram;
  if (counterResetHint === 'gauge' || counterResetHint === 'reset') return histogram;
  // The sender's word that there was no reset holds for its own sequence, of which a sample may be missing here.
  const unknown = counterResetHint === 'unknown' ? histogram : { ...histogram, counterResetHint: 'unknown' as const };
  if (previous === undefined || previous.counterResetHint === 'gauge') return unknown;
  return { ...unknown, counterResetHint: detectReset(unknown, previous) ? 'reset' : 'not_reset' };
}

/** Whether the sum of a histogram says that its series has ended. */
export function isStaleHistogram({ sum }: FloatHistogram): boolean {
  return Number.isNaN(sum) && isStaleMarker(Float64Array.of(sum), 0);
}
