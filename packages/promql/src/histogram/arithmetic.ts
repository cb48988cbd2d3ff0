import type { CounterResetHint, FloatHistogram } from '../histogram.ts';
import { usesCustomBuckets } from './bounds.ts';
import {
  combineBuckets,
  commonBounds,
  fromSparse,
  reduceBounds,
  reduceResolution,
  type SparseBuckets,
  type SparseHistogram,
  sameBounds,
  toSparse,
} from './sparse.ts';
import { alignZeroBuckets } from './zero-bucket.ts';

/** What an addition or subtraction gives, and what a user should be told about it. */
export interface CombinedHistogram {
  readonly histogram: FloatHistogram;
  /** One side was known to be a counter reset and the other known not to be. */
  readonly counterResetCollision: boolean;
  /** Custom buckets with different bounds were reduced to the bounds that both have. */
  readonly boundsReconciled: boolean;
}

/** Sum of two histograms, or `undefined` where one has exponential and the other custom buckets. */
export function addHistograms(a: FloatHistogram, b: FloatHistogram): CombinedHistogram | undefined {
  return combineHistograms(a, b, (x, y) => x + y);
}

/** `a - b`, a gauge; `undefined` where one has exponential and the other custom buckets. */
export function subtractHistograms(a: FloatHistogram, b: FloatHistogram): CombinedHistogram | undefined {
  const combined = combineHistograms(a, b, (x, y) => x - y);
  return combined && { ...combined, histogram: { ...combined.histogram, counterResetHint: 'gauge' } };
}

function combineHistograms(
  a: FloatHistogram,
  b: FloatHistogram,
  combine: (a: number, b: number) => number,
): CombinedHistogram | undefined {
  const aligned = alignHistograms(toSparse(a), toSparse(b));
  if (aligned === undefined) return undefined;
  const { left, right, boundsReconciled } = aligned;
  const { hint, collision } = combineHints(left.counterResetHint, right.counterResetHint);
  return {
    histogram: fromSparse({
      schema: left.schema,
      counterResetHint: hint,
      zeroThreshold: left.zeroThreshold,
      zeroCount: combine(left.zeroCount, right.zeroCount),
      count: combine(left.count, right.count),
      sum: combine(left.sum, right.sum),
      positive: combineBuckets(left.positive, right.positive, combine),
      negative: combineBuckets(left.negative, right.negative, combine),
      customValues: left.customValues,
    }),
    counterResetCollision: collision,
    boundsReconciled,
  };
}

/** Two histograms brought to one schema, one zero threshold, one list of bounds; `undefined` where that cannot be. */
export function alignHistograms(
  a: SparseHistogram,
  b: SparseHistogram,
): { left: SparseHistogram; right: SparseHistogram; boundsReconciled: boolean } | undefined {
  if (usesCustomBuckets(a.schema) !== usesCustomBuckets(b.schema)) return undefined;
  if (usesCustomBuckets(a.schema)) {
    if (sameBounds(a.customValues, b.customValues)) return { left: a, right: b, boundsReconciled: false };
    const common = commonBounds(a.customValues, b.customValues);
    return { left: reduceBounds(a, common), right: reduceBounds(b, common), boundsReconciled: true };
  }
  const schema = Math.min(a.schema, b.schema);
  // In this order: at a lower resolution, the zero bucket would have to grow to a coarser bound.
  const [left, right] = alignZeroBuckets(a, b);
  return { left: reduceResolution(left, schema), right: reduceResolution(right, schema), boundsReconciled: false };
}

/** Counter reset hint of a sum or difference. */
export function combineHints(
  a: CounterResetHint,
  b: CounterResetHint,
): { readonly hint: CounterResetHint; readonly collision: boolean } {
  if (a === b) return { hint: a, collision: false };
  if (a === 'gauge' || b === 'gauge') return { hint: 'gauge', collision: false };
  return { hint: 'unknown', collision: a !== 'unknown' && b !== 'unknown' };
}

/**
 * All counts and the sum times `factor`; a negative factor makes a gauge. Custom buckets have no zero bucket, not even
 * one of NaN.
 */
export function scaleHistogram(histogram: FloatHistogram, factor: number): FloatHistogram {
  return {
    ...histogram,
    counterResetHint: factor < 0 ? 'gauge' : histogram.counterResetHint,
    zeroCount: usesCustomBuckets(histogram.schema) ? 0 : histogram.zeroCount * factor,
    count: histogram.count * factor,
    sum: histogram.sum * factor,
    positiveBuckets: histogram.positiveBuckets.map((count) => count * factor),
    negativeBuckets: histogram.negativeBuckets.map((count) => count * factor),
  };
}

/** All counts and the sum divided by `divisor`; division by zero leaves no buckets. */
export function divideHistogram(histogram: FloatHistogram, divisor: number): FloatHistogram {
  const divided: FloatHistogram = {
    ...histogram,
    counterResetHint: divisor < 0 ? 'gauge' : histogram.counterResetHint,
    zeroCount: usesCustomBuckets(histogram.schema) ? 0 : histogram.zeroCount / divisor,
    count: histogram.count / divisor,
    sum: histogram.sum / divisor,
  };
  if (divisor === 0) {
    const none = new Float64Array(0);
    return { ...divided, positiveSpans: [], positiveBuckets: none, negativeSpans: [], negativeBuckets: none };
  }
  return {
    ...divided,
    positiveBuckets: histogram.positiveBuckets.map((count) => count / divisor),
    negativeBuckets: histogram.negativeBuckets.map((count) => count / divisor),
  };
}

/** The same histogram without empty buckets and without spans of length 0. */
export function compactHistogram(histogram: FloatHistogram): FloatHistogram {
  return fromSparse(toSparse(histogram));
}

/** The same observations in a coarser standard schema. */
export function histogramAtSchema(histogram: FloatHistogram, schema: number): FloatHistogram {
  return schema < histogram.schema && !usesCustomBuckets(histogram.schema)
    ? fromSparse(reduceResolution(toSparse(histogram), schema))
    : histogram;
}

/** Whether both say the same, whatever their spans; the counter reset hint is not compared. NaN equals NaN. */
export function histogramsEqual(a: FloatHistogram, b: FloatHistogram): boolean {
  if (a.schema !== b.schema || !Object.is(a.count, b.count) || !Object.is(a.sum, b.sum)) return false;
  if (usesCustomBuckets(a.schema) && !sameBounds(a.customValues, b.customValues)) return false;
  if (a.zeroThreshold !== b.zeroThreshold || !Object.is(a.zeroCount, b.zeroCount)) return false;
  const left = toSparse(a);
  const right = toSparse(b);
  return sameBuckets(left.positive, right.positive) && sameBuckets(left.negative, right.negative);
}

function sameBuckets(a: SparseBuckets, b: SparseBuckets): boolean {
  return combineBuckets(a, b, (x, y) => (Object.is(x, y) || x === y ? 0 : 1)).counts.every((differs) => differs === 0);
}
