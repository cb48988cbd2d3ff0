import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
} from '../../histogram/arithmetic.ts';
import { usesCustomBuckets } from '../../histogram/bounds.ts';
import { detectReset } from '../../histogram/counter-reset.ts';
import type { FloatHistogram } from '../../histogram.ts';
import { mixedBuckets, mixedFloatsAndHistograms } from '../annotations.ts';
import type { Extension } from './extended.ts';
import { type MixedWindow, type MixedWindowFunction, notCounter, notGauge } from './histogram-windows.ts';

/**
 * The histogram at a share of the way from one to the next. A counter that was reset between them started again from
 * zero. `undefined` where their buckets are of different kinds.
 */
export function interpolateHistograms(
  before: FloatHistogram,
  after: FloatHistogram,
  share: number,
  isCounter: boolean,
  onReconciled?: (operation: 'addition' | 'subtraction') => void,
): FloatHistogram | undefined {
  if (usesCustomBuckets(before.schema) !== usesCustomBuckets(after.schema)) return undefined;
  if (isCounter && detectReset(after, before)) return scaleHistogram(after, share);
  const difference = subtractHistograms(after, before);
  if (difference?.boundsReconciled) onReconciled?.('subtraction');
  const sum = difference && addHistograms(before, scaleHistogram(difference.histogram, share));
  if (sum?.boundsReconciled) onReconciled?.('addition');
  return sum && { ...sum.histogram, counterResetHint: after.counterResetHint };
}

/** `rate`, `increase` and `delta` of histograms over anchored or smoothed windows. */
export function extendedHistogramRate(func: string, extension: Extension): MixedWindowFunction {
  const isCounter = func !== 'delta';
  return (window) => {
    const { series, floatCount, endMs, rangeMs, notes } = window;
    if (floatCount > 0) {
      notes.warn(mixedFloatsAndHistograms(notes.name));
      return undefined;
    }
    const startMs = endMs - rangeMs;
    const times = series.timestamps;
    const { from } = window;
    let to = window.to - 1;
    if (extension === 'smoothed') while (to > from && times[to - 1]! >= endMs) to--;
    const histograms = series.histograms as readonly FloatHistogram[];
    const used = histograms.slice(from, to + 1);
    const gauges = used.filter((histogram) => histogram.counterResetHint === 'gauge').length;
    if (isCounter && gauges > 0) notes.warn(notCounter(notes));
    const custom = usesCustomBuckets(used[0]!.schema);
    if (used.some((histogram) => usesCustomBuckets(histogram.schema) !== custom)) {
      notes.warn(mixedBuckets(notes.name));
      return undefined;
    }
    const bounds = [used[0]!, used.at(-1)!];
    if (!isCounter && bounds.some((histogram) => histogram.counterResetHint !== 'gauge')) notes.warn(notGauge(notes));
    const noteReconciled = (operation: 'addition' | 'subtraction') =>
      notes.info(`mismatched custom buckets were reconciled during ${operation}`);
    const between = (i: number, timeMs: number) => {
      const share = shareAt(window, i, timeMs);
      return interpolateHistograms(histograms[i]!, histograms[i + 1]!, share, isCounter, noteReconciled)!;
    };
    const interpolatesLeft = extension === 'smoothed' && times[from]! < startMs;
    const interpolatesRight = extension === 'smoothed' && to > 0 && times[to]! > endMs;
    const left = interpolatesLeft ? between(from, startMs) : histograms[from]!;
    const right = interpolatesRight ? between(to - 1, endMs) : histograms[to]!;
    const difference = subtractHistograms(right, left);
    if (difference === undefined) return undefined;
    if (difference.boundsReconciled) noteReconciled('subtraction');
    let result = difference.histogram;
    if (isCounter) {
      const first = times[from]! <= startMs ? from + 1 : from;
      const last = times[to]! >= endMs || !interpolatesRight ? to - 1 : to;
      const rest = histograms.slice(first, last + 1);
      const plus = (a: FloatHistogram, b: FloatHistogram) => {
        const sum = addHistograms(a, b)!;
        if (sum.boundsReconciled) noteReconciled('addition');
        return sum.histogram;
      };
      // Summed first: the zero bucket may grow otherwise in another order.
      const reached = reachedBeforeResets(left, rest, right, interpolatesLeft, first > to);
      if (reached.length > 0) result = plus(result, reached.reduce(plus));
    }
    result = compactHistogram({ ...result, counterResetHint: 'gauge' });
    return func === 'rate' ? divideHistogram(result, rangeMs / 1000) : result;
  };
}

function shareAt({ series }: MixedWindow, index: number, timeMs: number): number {
  const before = series.timestamps[index]!;
  return (timeMs - before) / (series.timestamps[index + 1]! - before);
}

/** What the counter had reached at each reset between the edges. Interpolation at the left edge has dealt with its own. */
function reachedBeforeResets(
  left: FloatHistogram,
  inner: readonly FloatHistogram[],
  right: FloatHistogram,
  leftInterpolated: boolean,
  nothingInside: boolean,
): FloatHistogram[] {
  const reached: FloatHistogram[] = [];
  if (nothingInside) return reached;
  let previous = left;
  for (const [i, current] of inner.entries()) {
    if (!(leftInterpolated && i === 0) && detectReset(current, previous)) reached.push(previous);
    previous = current;
  }
  if (!(leftInterpolated && inner.length === 0) && detectReset(right, previous)) reached.push(previous);
  return reached;
}
