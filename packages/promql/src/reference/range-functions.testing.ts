import { onLine } from './select.testing.ts';
import { showFixed } from './text.testing.ts';
import { compensatedSum, compensatedVariance, fail, mean, type Point, quantile } from './value.testing.ts';

/** What a range function sees of one series. */
export interface Window {
  readonly points: readonly Point[];
  readonly startMs: number;
  readonly endMs: number;
  /** Evaluation time, which `@` and `offset` do not move. */
  readonly evalMs: number;
  readonly parameters: readonly number[];
}

type RangeFunction = (window: Window) => number | undefined;

function values({ points }: Window): number[] {
  return points.map(({ value }) => value);
}

/** Increase or difference over the window, extrapolated to its edges. */
function extrapolated(window: Window, isCounter: boolean, isRate: boolean): number | undefined {
  const { points, startMs, endMs } = window;
  if (points.length < 2) return undefined;
  const first = points[0]!;
  const last = points.at(-1)!;
  let difference = last.value - first.value;
  if (isCounter) {
    for (let i = 1; i < points.length; i++) {
      if (points[i]!.value < points[i - 1]!.value) difference += points[i - 1]!.value;
    }
  }
  const sampled = (last.timeMs - first.timeMs) / 1000;
  const average = sampled / (points.length - 1);
  let toStart = (first.timeMs - startMs) / 1000;
  let toEnd = (endMs - last.timeMs) / 1000;
  if (toStart >= average * 1.1) toStart = average / 2;
  if (isCounter && difference > 0 && first.value >= 0) {
    const toZero = sampled * (first.value / difference);
    if (toZero < toStart) toStart = toZero;
  }
  if (toEnd >= average * 1.1) toEnd = average / 2;
  let factor = (sampled + toStart + toEnd) / sampled;
  if (isRate) factor /= (endMs - startMs) / 1000;
  return difference * factor;
}

function lastTwo({ points }: Window, isRate: boolean): number | undefined {
  if (points.length < 2) return undefined;
  const [before, last] = points.slice(-2) as [Point, Point];
  if (!isRate) return last.value - before.value;
  const increase = last.value < before.value ? last.value : last.value - before.value;
  return increase / ((last.timeMs - before.timeMs) / 1000);
}

function countPairs({ points }: Window, counts: (before: number, after: number) => boolean): number {
  let count = 0;
  for (let i = 1; i < points.length; i++) if (counts(points[i - 1]!.value, points[i]!.value)) count++;
  return count;
}

function differs(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b));
}

/** The latest extreme (or earliest, where equal ones do not replace it); NaN gives way to anything. */
function extremeTime({ points }: Window, beats: (challenger: number, best: number) => boolean): number {
  let best = points[0]!;
  for (const point of points.slice(1)) if (beats(point.value, best.value) || Number.isNaN(best.value)) best = point;
  return best.timeMs / 1000;
}

function extreme(window: Window, beats: (challenger: number, best: number) => boolean): number {
  let best = window.points[0]!.value;
  for (const { value } of window.points) if (beats(value, best) || Number.isNaN(best)) best = value;
  return best;
}

/** Least squares, x in seconds from `originMs`. */
function line(points: readonly Point[], originMs: number): { slope: number; intercept: number } {
  const first = points[0]!.value;
  if (points.every(({ value }) => value === first)) {
    return Number.isFinite(first) ? { slope: 0, intercept: first } : { slope: Number.NaN, intercept: Number.NaN };
  }
  const n = points.length;
  const xs = points.map(({ timeMs }) => (timeMs - originMs) / 1000);
  const ys = points.map(({ value }) => value);
  const sumX = compensatedSum(xs);
  const sumY = compensatedSum(ys);
  const covariance = compensatedSum(xs.map((x, i) => x * ys[i]!)) - (sumX * sumY) / n;
  const varianceX = compensatedSum(xs.map((x) => x * x)) - (sumX * sumX) / n;
  const slope = covariance / varianceX;
  return { slope, intercept: sumY / n - (slope * sumX) / n };
}

function smoothing({ points, parameters }: Window): number | undefined {
  const [sf, tf] = parameters as [number, number];
  if (sf <= 0 || sf >= 1) fail(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${showFixed(sf)}`);
  if (tf <= 0 || tf >= 1) fail(`invalid trend factor. Expected: 0 < tf < 1, got: ${showFixed(tf)}`);
  if (points.length < 2) return undefined;
  let smoothed = points[0]!.value;
  let trend = points[1]!.value - smoothed;
  let before = 0;
  for (let i = 1; i < points.length; i++) {
    if (i > 1) trend = tf * (smoothed - before) + (1 - tf) * trend;
    const next = sf * points[i]!.value + (1 - sf) * (smoothed + trend);
    before = smoothed;
    smoothed = next;
  }
  return smoothed;
}

/** Area from the first to the last sample: rectangles as high as the earlier sample, or the later one, or trapezoids. */
function area({ points, parameters: [strategy] }: Window): number {
  const parts: number[] = [];
  for (const [i, { timeMs, value }] of points.entries()) {
    if (i === 0) continue;
    const seconds = (timeMs - points[i - 1]!.timeMs) / 1000;
    const [before, after] = [points[i - 1]!.value, value].map((height) => (Number.isNaN(height) ? 0 : height)) as [
      number,
      number,
    ];
    if (strategy === 0) parts.push(before * seconds);
    else if (strategy === 1) parts.push(after * seconds);
    else {
      const mean = before / 2 + after / 2;
      const [larger, smaller] = Math.abs(before) >= Math.abs(after) ? [before, after] : [after, before];
      const lost = Math.abs(mean) === Infinity ? 0 : larger / 2 - mean + smaller / 2;
      parts.push(mean * seconds, lost * seconds);
    }
  }
  return compensatedSum(parts);
}

/** Functions of one range vector; the ones that have an answer for a single sample are never given none. */
export const rangeFunctions: Readonly<Record<string, RangeFunction>> = {
  rate: (window) => extrapolated(window, true, true),
  increase: (window) => extrapolated(window, true, false),
  delta: (window) => extrapolated(window, false, false),
  irate: (window) => lastTwo(window, true),
  idelta: (window) => lastTwo(window, false),
  deriv: ({ points }) => (points.length < 2 ? undefined : line(points, points[0]!.timeMs).slope),
  predict_linear: ({ points, evalMs, parameters }) => {
    if (points.length < 2) return undefined;
    const { slope, intercept } = line(points, evalMs);
    return slope * parameters[0]! + intercept;
  },
  double_exponential_smoothing: smoothing,
  integral: area,
  changes: (window) => countPairs(window, differs),
  resets: (window) => countPairs(window, (before, after) => after < before),
  avg_over_time: (window) => mean(values(window)),
  sum_over_time: (window) => compensatedSum(values(window)),
  count_over_time: (window) => window.points.length,
  last_over_time: (window) => window.points.at(-1)!.value,
  first_over_time: (window) => window.points[0]!.value,
  present_over_time: () => 1,
  max_over_time: (window) => extreme(window, (a, b) => a > b),
  min_over_time: (window) => extreme(window, (a, b) => a < b),
  stddev_over_time: (window) => Math.sqrt(compensatedVariance(values(window))),
  stdvar_over_time: (window) => compensatedVariance(values(window)),
  quantile_over_time: (window) => quantile(window.parameters[0]!, values(window)),
  mad_over_time: (window) => {
    if (values(window).some(Number.isNaN)) return Number.NaN;
    const median = quantile(0.5, values(window));
    return quantile(
      0.5,
      values(window).map((value) => Math.abs(value - median)),
    );
  },
  ts_of_first_over_time: (window) => window.points[0]!.timeMs / 1000,
  ts_of_last_over_time: (window) => window.points.at(-1)!.timeMs / 1000,
  ts_of_max_over_time: (window) => extremeTime(window, (a, b) => a >= b),
  ts_of_min_over_time: (window) => extremeTime(window, (a, b) => a <= b),
};

/** `anchored`: from the last sample at or before the window's start to the last one in it, without extrapolation. */
export function anchored(func: string, window: Window): number | undefined {
  const { points, startMs, endMs } = window;
  const anchor = points.findLastIndex((point) => point.timeMs <= startMs);
  const used = points.slice(Math.max(0, anchor));
  if (!used.some((point) => point.timeMs > startMs)) return undefined;
  if (func === 'changes' || func === 'resets') return rangeFunctions[func]!({ ...window, points: used });
  return edgeToEdge(func, used, startMs, endMs);
}

/** `smoothed`: between the values interpolated at the window's edges. */
export function smoothed(func: string, { points, startMs, endMs }: Window): number | undefined {
  if (points[0]!.timeMs > endMs || points.at(-1)!.timeMs <= startMs) return undefined;
  const isCounter = func !== 'delta';
  const before = points.findLast((point) => point.timeMs <= startMs);
  const after = points.find((point) => point.timeMs >= endMs);
  const inside = points.filter((point) => point.timeMs > startMs && point.timeMs < endMs);
  const used: Point[] = [...inside];
  if (before !== undefined) {
    const next = points.find((point) => point.timeMs > startMs);
    used.unshift({
      timeMs: startMs,
      value: next === undefined ? before.value : between(before, next, startMs, isCounter),
    });
  }
  if (after !== undefined) {
    const previous = points.findLast((point) => point.timeMs < endMs);
    used.push({
      timeMs: endMs,
      value: previous === undefined ? after.value : between(previous, after, endMs, isCounter),
    });
  }
  return used.length === 0 ? undefined : edgeToEdge(func, used, startMs, endMs);
}

/** A counter that was reset in between started again from zero. */
function between(a: Point, b: Point, timeMs: number, isCounter: boolean): number {
  if (a.timeMs === timeMs) return a.value;
  if (b.timeMs === timeMs) return b.value;
  return onLine(isCounter && b.value < a.value ? { ...a, value: 0 } : a, b, timeMs);
}

function edgeToEdge(func: string, points: readonly Point[], startMs: number, endMs: number): number {
  let beforeResets = 0;
  if (func !== 'delta') {
    for (let i = 1; i < points.length; i++)
      if (points[i]!.value < points[i - 1]!.value) beforeResets += points[i - 1]!.value;
  }
  const result = points.at(-1)!.value - points[0]!.value + beforeResets;
  return func === 'rate' ? result / ((endMs - startMs) / 1000) : result;
}
