import { quote } from '../../go-strings.ts';
import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  histogramAtSchema,
  histogramsEqual,
  scaleHistogram,
  subtractHistograms,
} from '../../histogram/arithmetic.ts';
import { usesCustomBuckets } from '../../histogram/bounds.ts';
import { detectReset } from '../../histogram/counter-reset.ts';
import { createHistogramSum } from '../../histogram/sum.ts';
import type { FloatHistogram } from '../../histogram.ts';
import { mixedBuckets, mixedFloatsAndHistograms } from '../annotations.ts';
import { hintsConflict, seenHint } from '../reset-hints.ts';
import type { RangeSeries } from '../value.ts';
import { coverage, coverageFromStart, startedAnew, startsInside } from './start-times.ts';

/** Where a range function says what is wrong with its input. */
export interface RangeNotes {
  readonly name: string;
  warn(message: string): void;
  info(message: string): void;
  ignoredHistograms(): void;
}

/** The samples [from, to) of a series, at least one of them a histogram. */
export interface MixedWindow {
  readonly series: RangeSeries;
  readonly from: number;
  readonly to: number;
  readonly floatCount: number;
  readonly endMs: number;
  readonly rangeMs: number;
  readonly notes: RangeNotes;
}

export type MixedWindowFunction = (window: MixedWindow) => number | FloatHistogram | undefined;

/** Functions that have a meaning for histograms; all others see the floats only. */
export const histogramWindowFunctions: ReadonlyMap<string, MixedWindowFunction> = new Map<string, MixedWindowFunction>([
  ['avg_over_time', (window) => aggregate(window)?.mean()],
  ['changes', (window) => countTransitions(window, (a, b) => !histogramsEqual(b, a), floatChanged)],
  ['count_over_time', ({ from, to }) => to - from],
  ['delta', (window) => extrapolated(window, false, false)],
  ['first_over_time', ({ series, from }) => sampleAt(series, from)],
  ['idelta', (window) => instant(window, false)],
  ['increase', (window) => extrapolated(window, true, false)],
  ['irate', (window) => instant(window, true)],
  ['last_over_time', ({ series, to }) => sampleAt(series, to - 1)],
  ['present_over_time', () => 1],
  ['rate', (window) => extrapolated(window, true, true)],
  ['resets', countResets],
  ['sum_over_time', (window) => aggregate(window)?.sum()],
  ['ts_of_first_over_time', ({ series, from }) => series.timestamps[from]! / 1000],
  ['ts_of_last_over_time', ({ series, to }) => series.timestamps[to - 1]! / 1000],
]);

function sampleAt({ values, histograms }: RangeSeries, index: number): number | FloatHistogram {
  return histograms![index] ?? values[index]!;
}

function countResets(window: MixedWindow): number {
  const { series, from, to } = window;
  let count = countTransitions(
    window,
    (a, b) => detectReset(b, a),
    (a, b) => b < a,
  );
  for (let i = from + 1; i < to; i++) {
    const [before, after] = [series.histograms![i - 1], series.histograms![i]];
    if (before === undefined || after === undefined || detectReset(after, before)) continue;
    if (startsAnewAt(series, i)) count++;
  }
  return count;
}

function startsAnewAt({ timestamps, startTimestamps }: RangeSeries, i: number): boolean {
  return startTimestamps !== undefined && startedAnew(timestamps, startTimestamps, i);
}

function floatChanged(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b));
}

/** Neighbours that differ; going from a float to a histogram or back always counts. */
function countTransitions(
  { series, from, to }: MixedWindow,
  histogramsDiffer: (before: FloatHistogram, after: FloatHistogram) => boolean,
  floatsDiffer: (before: number, after: number) => boolean,
): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) {
    const before = series.histograms![i - 1];
    const after = series.histograms![i];
    if (before !== undefined && after !== undefined) count += histogramsDiffer(before, after) ? 1 : 0;
    else if (before !== undefined || after !== undefined) count++;
    else if (floatsDiffer(series.values[i - 1]!, series.values[i]!)) count++;
  }
  return count;
}

function aggregate({ series, from, to, floatCount, notes }: MixedWindow) {
  if (floatCount > 0) {
    notes.warn(mixedFloatsAndHistograms(notes.name));
    return undefined;
  }
  const sum = createHistogramSum(series.histograms![from]!);
  let hints = seenHint(series.histograms![from]!);
  for (let i = from + 1; i < to; i++) {
    hints |= seenHint(series.histograms![i]!);
    if (!sum.add(series.histograms![i]!)) {
      notes.warn(mixedBuckets(notes.name));
      return undefined;
    }
  }
  if (hintsConflict(hints)) notes.warn('conflicting counter resets during histogram aggregation');
  if (sum.boundsReconciled) notes.info('mismatched custom buckets were reconciled during aggregation');
  return sum;
}

export function notCounter({ name }: RangeNotes): string {
  return `this native histogram metric is not a counter: ${quote(name)}`;
}

export function notGauge({ name }: RangeNotes): string {
  return `this native histogram metric is not a gauge: ${quote(name)}`;
}

/** `irate` and `idelta`: the last two samples. */
function instant({ series, from, to, notes }: MixedWindow, isRate: boolean): FloatHistogram | number | undefined {
  if (to - from < 2) return undefined;
  const last = series.histograms![to - 1];
  const before = series.histograms![to - 2];
  const seconds = (series.timestamps[to - 1]! - series.timestamps[to - 2]!) / 1000;
  if (last === undefined && before === undefined) {
    const [a, b] = [series.values[to - 2]!, series.values[to - 1]!];
    return isRate ? (b < a ? b : b - a) / seconds : b - a;
  }
  if (last === undefined || before === undefined) {
    notes.warn(mixedFloatsAndHistograms(notes.name));
    return undefined;
  }
  const gauges = [last, before].filter((histogram) => histogram.counterResetHint === 'gauge').length;
  if (isRate && gauges > 0) notes.warn(notCounter(notes));
  if (!isRate && gauges < 2) notes.warn(notGauge(notes));
  let result = last;
  if (!isRate || !(detectReset(last, before) || startsAnewAt(series, to - 1))) {
    const difference = subtractHistograms(last, before);
    if (difference === undefined) {
      notes.warn(mixedBuckets(notes.name));
      return undefined;
    }
    if (difference.boundsReconciled) notes.info('mismatched custom buckets were reconciled during subtraction');
    result = difference.histogram;
  }
  result = compactHistogram({ ...result, counterResetHint: 'gauge' });
  return isRate ? divideHistogram(result, seconds) : result;
}

/** `rate`, `increase` and `delta`. */
function extrapolated(window: MixedWindow, isCounter: boolean, isRate: boolean): FloatHistogram | undefined {
  const { series, from, to, floatCount, endMs, rangeMs, notes } = window;
  if (floatCount > 0) {
    notes.warn(mixedFloatsAndHistograms(notes.name));
    return undefined;
  }
  const { timestamps, startTimestamps: starts } = series;
  const startMs = endMs - rangeMs;
  const fromZero = isCounter && starts !== undefined && startsInside(timestamps, starts, from, startMs);
  if (to - from < 2 && !fromZero) return undefined;
  const histograms = series.histograms!.slice(from, to) as FloatHistogram[];
  const anew = histograms.map((_, i) => i > 0 && isCounter && startsAnewAt(series, from + i));
  if (fromZero) {
    histograms.unshift(emptied(histograms[0]!));
    anew.unshift(false);
  }
  const difference = histogramDifference(histograms, isCounter, notes, anew);
  if (difference === undefined) return undefined;
  const covered = fromZero
    ? coverageFromStart(timestamps, starts, from, to - 1, endMs)
    : coverage(timestamps, from, to - 1, startMs, endMs);
  if (isCounter && !fromZero && difference.count > 0 && histograms[0]!.count >= 0) {
    covered.toStartS = Math.min(covered.toStartS, covered.sampledS * (histograms[0]!.count / difference.count));
  }
  const factor = (covered.sampledS + covered.toStartS + covered.toEndS) / covered.sampledS;
  return scaleHistogram(difference, isRate ? factor / (rangeMs / 1000) : factor);
}

/**
 * Last minus first, for counters plus what was reached before each reset; a gauge.
 * @param anew by histogram, whether its start timestamp tells of a reset before it
 */
function histogramDifference(
  histograms: readonly FloatHistogram[],
  isCounter: boolean,
  notes: RangeNotes,
  anew: readonly boolean[],
): FloatHistogram | undefined {
  const last = histograms.at(-1)!;
  let previous = histograms[0]!;
  const isGauge = ({ counterResetHint }: FloatHistogram) => counterResetHint === 'gauge';
  if (isCounter && (anew[1] || detectReset(histograms[1]!, previous))) previous = emptied(histograms[1]!);
  const custom = usesCustomBuckets(previous.schema);
  const relevant = isCounter ? histograms.slice(1) : [last];
  const differs = (histogram: FloatHistogram) => usesCustomBuckets(histogram.schema) !== custom;
  // Of a mix within the window Prometheus tells nothing else; of one at its end also whether either end is a gauge.
  const noted = differs(last) ? [histograms[0]!, last] : relevant.some(differs) ? [] : histograms;
  if (isCounter && noted.some(isGauge)) notes.warn(notCounter(notes));
  if (relevant.some(differs)) {
    notes.warn(mixedBuckets(notes.name));
    return undefined;
  }
  const schema = Math.min(previous.schema, ...relevant.map((histogram) => histogram.schema));
  const difference = subtractHistograms(histogramAtSchema(last, schema), previous);
  if (difference === undefined) return undefined;
  if (difference.boundsReconciled) notes.info('mismatched custom buckets were reconciled during subtraction');
  let result = difference.histogram;
  if (isCounter) {
    for (const [i, current] of histograms.entries()) {
      if (i === 0) continue;
      if (anew[i] || detectReset(current, previous)) {
        const sum = addHistograms(result, previous);
        if (sum === undefined) return undefined;
        if (sum.boundsReconciled) notes.info('mismatched custom buckets were reconciled during addition');
        result = sum.histogram;
      }
      previous = current;
    }
  } else if (!isGauge(histograms[0]!) || !isGauge(last)) notes.warn(notGauge(notes));
  return compactHistogram({ ...result, counterResetHint: 'gauge' });
}

/** Nothing observed, in the layout of another histogram. */
function emptied(like: FloatHistogram): FloatHistogram {
  const none = new Float64Array(0);
  return {
    ...like,
    counterResetHint: 'unknown',
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    positiveBuckets: none,
    negativeSpans: [],
    negativeBuckets: none,
  };
}
