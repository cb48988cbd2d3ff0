import { detectReset, type FloatHistogram, isStaleMarker } from '@opendata/promql';
import { isHistogramMarker } from './histogram-store.ts';
import type { WindowHead } from './window-head.ts';

/** Whether one of the windows has histograms of the series. */
export function hasHistograms(windows: readonly WindowHead[], series: number): boolean {
  return windows.some((window) => window.histograms?.has(window.slotOf(series)) ?? false);
}

/**
 * The histograms that stand in the columns of a series, by index, with the counter reset hints that Prometheus' chunks
 * would give: of two successive ones the later says whether counters fell in between.
 * @param windows in order of time; of one window, in order of their lanes
 */
export function readHistograms(
  windows: readonly WindowHead[],
  series: number,
  timestamps: Float64Array,
  values: Float64Array,
): (FloatHistogram | undefined)[] {
  const histograms: (FloatHistogram | undefined)[] = new Array(timestamps.length).fill(undefined);
  let previous: FloatHistogram | undefined;
  for (let i = 0; i < timestamps.length; i++) {
    const stored = isHistogramMarker(values, i) ? find(windows, series, timestamps[i]!) : undefined;
    const histogram = stored && withHint(stored, previous);
    histograms[i] = histogram;
    previous = histogram;
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
