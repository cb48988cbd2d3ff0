import type { Labels } from '../labels.ts';

/** One float sample. */
export interface Point {
  readonly timeMs: number;
  readonly value: number;
}

/** A series as the reference reads it: objects, staleness told apart beforehand. */
export interface ReferenceSeries {
  readonly labels: Labels;
  readonly points: readonly (Point & { readonly stale: boolean })[];
}

/** One element of an instant vector. */
export interface Element {
  readonly labels: Labels;
  readonly value: number;
  /** The metric name is to go at the end of the query. */
  readonly dropName: boolean;
  /** Its place among the series over all times: which of equals are taken first. */
  readonly order: number;
}

/** One element of a range vector. */
export interface Range {
  readonly labels: Labels;
  readonly points: readonly Point[];
  readonly dropName: boolean;
  readonly order: number;
}

/** The windows of a range vector at one time, with what surrounds them for anchored and smoothed selectors. */
export interface RangeVector {
  readonly ranges: readonly Range[];
  /** The window is (startMs, endMs]. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The times at which the expression being evaluated is evaluated: the query's own, or those of a subquery. */
export interface Frame {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface ReferenceQuery extends Frame {
  readonly text: string;
  readonly series: readonly ReferenceSeries[];
  readonly lookbackMs: number;
  readonly noStepSubqueryIntervalMs: number;
  /** Position by text: the last one evaluated is shown. */
  readonly warnings: Map<string, string>;
  readonly infos: Map<string, string>;
}

/** A query that fails, and what Prometheus would call that. */
export class ReferenceFailure extends Error {
  readonly kind: 'execution' | 'bad_data';
  /** Other messages that say the same of other series: which ones are met first depends on the order of series. */
  readonly others: readonly string[];

  constructor(message: string, kind: 'execution' | 'bad_data', others: readonly string[] = []) {
    super(message);
    this.kind = kind;
    this.others = others;
  }
}

export function fail(message: string, kind: 'execution' | 'bad_data' = 'execution'): never {
  throw new ReferenceFailure(message, kind);
}

/** Every sum that Prometheus compensates, done the same way: Neumaier's variant of Kahan's. */
export function compensatedSum(values: readonly number[]): number {
  let sum = 0;
  let compensation = 0;
  for (const value of values) {
    const next = sum + value;
    if (!Number.isFinite(next)) compensation = 0;
    else compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return Number.isFinite(sum) ? sum + compensation : sum;
}

/**
 * The sum divided by the number, as long as the sum does not overflow. From the value on that would make it, the mean
 * itself is kept and each value moves it. Both are compensated.
 */
export function mean(values: readonly number[]): number {
  let sum = values[0]!;
  let compensation = 0;
  let overflowed = false;
  const add = (value: number): void => {
    const next = sum + value;
    if (next === Infinity || next === -Infinity) compensation = 0;
    else compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  };
  for (const [before, value] of values.entries()) {
    if (before === 0) continue;
    if (!overflowed && Math.abs(sum + value) !== Infinity) {
      add(value);
      continue;
    }
    if (!overflowed) {
      overflowed = true;
      sum /= before;
      compensation /= before;
    }
    const share = before / (before + 1);
    sum *= share;
    compensation *= share;
    add(value / (before + 1));
  }
  return overflowed ? sum + compensation : sum / values.length + compensation / values.length;
}

/** Variance by Welford's recurrence. */
export function variance(values: readonly number[]): number {
  let average = 0;
  let squares = 0;
  for (const [i, value] of values.entries()) {
    const delta = value - average;
    average += delta / (i + 1);
    squares += delta * (value - average);
  }
  return squares / values.length;
}

/** The same with compensated sums. */
export function compensatedVariance(values: readonly number[]): number {
  const means: number[] = [];
  const squares: number[] = [];
  for (const [i, value] of values.entries()) {
    const delta = value - compensatedSum(means);
    means.push(delta / (i + 1));
    squares.push(delta * (value - compensatedSum(means)));
  }
  return compensatedSum(squares) / values.length;
}

/** Quantile with linear interpolation between ranks; NaN counts as smallest. */
export function quantile(q: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const sorted = [...values].sort((a, b) =>
    Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(b)) - Number(Number.isNaN(a)) : a - b || 0,
  );
  const rank = q * (sorted.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - lower;
  if (weight === 0) return sorted[lower]!;
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}
