import type { CounterResetHint, FloatHistogram } from '../histogram.ts';
import { alignHistograms, combineHints, divideHistogram } from './arithmetic.ts';
import { fromSparse, type SparseBuckets, type SparseHistogram, toSparse } from './sparse.ts';

/** A running, compensated sum of histograms, and what should be said about it. */
export interface HistogramSum {
  /** @returns false, and adds nothing, where one has exponential and the other custom buckets. */
  add(histogram: FloatHistogram): boolean;
  readonly histogramCount: number;
  /** A known reset was added to a known continuation. */
  readonly counterResetCollision: boolean;
  readonly boundsReconciled: boolean;
  sum(): FloatHistogram;
  /** Arithmetic mean, without overflow on the way. */
  mean(): FloatHistogram;
}

/**
 * Sums histograms field by field and bucket by bucket with Neumaier's compensation. For the mean, everything is summed
 * a second time scaled down by 2^-64 once the plain sum overflows.
 */
export function createHistogramSum(first: FloatHistogram): HistogramSum {
  const all: FloatHistogram[] = [first];
  let hint: CounterResetHint = first.counterResetHint;
  let counterResetCollision = false;
  let boundsReconciled = false;
  let total = toSparse(first);
  let compensation = zeroed(total);

  const accumulate = (histogram: FloatHistogram): boolean => {
    const aligned = alignHistograms(total, toSparse(histogram));
    if (aligned === undefined) return false;
    const alignedCompensation = alignHistograms(compensation, aligned.left)!.left;
    if (aligned.boundsReconciled) boundsReconciled = true;
    [total, compensation] = compensatedAdd(aligned.left, alignedCompensation, aligned.right);
    return true;
  };

  return {
    add(histogram) {
      if (!accumulate(histogram)) return false;
      all.push(histogram);
      const combined = combineHints(hint, histogram.counterResetHint);
      hint = combined.hint;
      counterResetCollision ||= combined.collision;
      return true;
    },
    get histogramCount() {
      return all.length;
    },
    get counterResetCollision() {
      return counterResetCollision;
    },
    get boundsReconciled() {
      return boundsReconciled;
    },
    // A single one has lost nothing: a sum of -0 stays that.
    sum: () => ({ ...fromSparse(all.length === 1 ? total : plus(total, compensation)), counterResetHint: hint }),
    mean() {
      if (all.length === 1) return { ...fromSparse(total), counterResetHint: hint };
      const plain = plus(total, compensation);
      if (!overflowed(plain) || all.some((histogram) => overflowed(toSparse(histogram)))) {
        // As for floats: both are divided before they are added.
        const part = (histogram: SparseHistogram) => toSparse(divideHistogram(fromSparse(histogram), all.length));
        return { ...fromSparse(plus(part(total), part(compensation))), counterResetHint: hint };
      }
      const scaled = createHistogramSum(scaledDown(first));
      for (const histogram of all.slice(1)) scaled.add(scaledDown(histogram));
      return { ...divideHistogram(scaled.sum(), all.length * scale), counterResetHint: hint };
    },
  };
}

const scale = 2 ** -64;

function scaledDown(histogram: FloatHistogram): FloatHistogram {
  return divideHistogram(histogram, 1 / scale);
}

function overflowed(histogram: SparseHistogram): boolean {
  const isInfinite = (value: number): boolean => Math.abs(value) === Number.POSITIVE_INFINITY;
  return (
    isInfinite(histogram.count) ||
    isInfinite(histogram.sum) ||
    isInfinite(histogram.zeroCount) ||
    histogram.positive.counts.some(isInfinite) ||
    histogram.negative.counts.some(isInfinite)
  );
}

function zeroed(histogram: SparseHistogram): SparseHistogram {
  const empty = (buckets: SparseBuckets): SparseBuckets => ({
    indices: buckets.indices,
    counts: new Float64Array(buckets.indices.length),
  });
  return {
    ...histogram,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positive: empty(histogram.positive),
    negative: empty(histogram.negative),
  };
}

/** What `sum + increment` lost to rounding; 0 once the sum is infinite. */
function lostTo(sum: number, increment: number): number {
  const total = sum + increment;
  if (!Number.isFinite(total)) return 0;
  return Math.abs(sum) >= Math.abs(increment) ? sum - total + increment : increment - total + sum;
}

function compensate(sum: number, compensation: number, increment: number): number {
  return Number.isFinite(sum + increment) ? compensation + lostTo(sum, increment) : 0;
}

function compensatedAdd(
  total: SparseHistogram,
  compensation: SparseHistogram,
  increment: SparseHistogram,
): [SparseHistogram, SparseHistogram] {
  const positive = addBuckets(total.positive, compensation.positive, increment.positive);
  const negative = addBuckets(total.negative, compensation.negative, increment.negative);
  return [
    {
      ...total,
      zeroCount: total.zeroCount + increment.zeroCount,
      count: total.count + increment.count,
      sum: total.sum + increment.sum,
      positive: positive[0],
      negative: negative[0],
    },
    {
      ...total,
      zeroCount: compensate(total.zeroCount, compensation.zeroCount, increment.zeroCount),
      count: compensate(total.count, compensation.count, increment.count),
      sum: compensate(total.sum, compensation.sum, increment.sum),
      positive: positive[1],
      negative: negative[1],
    },
  ];
}

function addBuckets(
  total: SparseBuckets,
  compensation: SparseBuckets,
  increment: SparseBuckets,
): [SparseBuckets, SparseBuckets] {
  const indices = union(union(total.indices, compensation.indices), increment.indices);
  const sums = new Float64Array(indices.length);
  const lost = new Float64Array(indices.length);
  const totalAt = reader(total);
  const compensationAt = reader(compensation);
  const incrementAt = reader(increment);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    const sum = totalAt(index);
    const value = incrementAt(index);
    sums[i] = sum + value;
    lost[i] = compensate(sum, compensationAt(index), value);
  }
  return [
    { indices, counts: sums },
    { indices, counts: lost },
  ];
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === b.length && a.every((index, i) => index === b[i])) return a;
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

/** Count at an index, for ascending calls. */
function reader(buckets: SparseBuckets): (index: number) => number {
  let next = 0;
  return (index) => {
    while (next < buckets.indices.length && buckets.indices[next]! < index) next++;
    return buckets.indices[next] === index ? buckets.counts[next]! : 0;
  };
}

function plus(total: SparseHistogram, compensation: SparseHistogram): SparseHistogram {
  const add = (a: number, b: number): number => (Number.isFinite(b) ? a + b : a);
  const addCounts = (a: SparseBuckets, b: SparseBuckets): SparseBuckets => {
    const compensationAt = reader(b);
    return { indices: a.indices, counts: a.counts.map((count, i) => add(count, compensationAt(a.indices[i]!))) };
  };
  return {
    ...total,
    zeroCount: add(total.zeroCount, compensation.zeroCount),
    count: add(total.count, compensation.count),
    sum: add(total.sum, compensation.sum),
    positive: addCounts(total.positive, compensation.positive),
    negative: addCounts(total.negative, compensation.negative),
  };
}
