import { exp2, log2 } from '../go-exponentials.ts';
import type { FloatHistogram } from '../histogram.ts';
import { usesCustomBuckets } from './bounds.ts';
import { type Bucket, biasedZeroBucket, bucketList, isZeroBucket } from './bucket-list.ts';

/** Where a quantile falls: its bucket, the observations up to that bucket's end, and how many are wanted. */
interface QuantileBucket {
  readonly bucket: Bucket | undefined;
  readonly count: number;
  readonly wanted: number;
  /** Counted from the lowest bucket on. */
  readonly forward: boolean;
}

function quantileBucket(q: number, histogram: FloatHistogram): QuantileBucket {
  const forward = Number.isNaN(histogram.sum) || q < 0.5;
  const wanted = (forward ? q : 1 - q) * histogram.count;
  const buckets = bucketList(histogram);
  if (!forward) buckets.reverse();
  let bucket: Bucket | undefined;
  let count = 0;
  for (const candidate of buckets) {
    bucket = candidate;
    if (candidate.count === 0) continue;
    count += candidate.count;
    if (count >= wanted) break;
  }
  return { bucket, count, wanted, forward };
}

/** The one finite bound of a custom bucket that has no other, or none above zero; no value in it can be told. */
function onlyBound({ lower, upper }: Bucket): number | undefined {
  if (lower === Number.NEGATIVE_INFINITY) return upper <= 0 ? upper : undefined;
  return upper === Number.POSITIVE_INFINITY ? lower : undefined;
}

/** Whether the `q`-quantile is the bound of a custom bucket that is open on one side. */
export function isQuantileAtOpenBucket(q: number, histogram: FloatHistogram): boolean {
  if (!usesCustomBuckets(histogram.schema)) return false;
  const { bucket } = quantileBucket(q, histogram);
  return bucket !== undefined && onlyBound(bucket) !== undefined;
}

/**
 * The `q`-quantile of the observations, interpolated within its bucket: on a logarithmic scale in exponential buckets,
 * linearly in custom buckets and in the zero bucket. NaN observations count as larger than all others.
 */
export function histogramQuantile(q: number, histogram: FloatHistogram): number {
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (Number.isNaN(q) || histogram.count === 0 || Number.isNaN(histogram.count)) return Number.NaN;
  const hasNaN = Number.isNaN(histogram.sum);
  const found = quantileBucket(q, histogram);
  const { wanted, forward } = found;
  let { bucket } = found;
  // Without a bucket the extremes are nowhere in it, and whatever else there is wanted is at zero.
  if (bucket === undefined) return hasNaN || !(Math.min(0, histogram.count) < wanted) ? Number.NaN : 0;
  if (usesCustomBuckets(histogram.schema)) {
    const bound = onlyBound(bucket);
    if (bound !== undefined) return bound;
    if (bucket.lower === Number.NEGATIVE_INFINITY) bucket = { ...bucket, lower: 0 };
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    bucket = biased(bucket, histogram);
  }
  const count = Math.min(found.count, histogram.count);
  if (count < wanted) return hasNaN ? Number.NaN : bucket.upper;
  const rank = forward ? wanted - (count - bucket.count) : count - wanted;
  const fraction = rank / bucket.count;
  const { lower, upper } = bucket;
  if (usesCustomBuckets(histogram.schema) || isZeroBucket(bucket)) return lower + (upper - lower) * fraction;
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction);
  return -exp2(logUpper + (logLower - logUpper) * (1 - fraction));
}

/** Buckets count here that are stored, be they empty. */
function biased(bucket: Bucket, { positiveBuckets, negativeBuckets }: FloatHistogram): Bucket {
  return biasedZeroBucket(bucket, positiveBuckets.length > 0, negativeBuckets.length > 0);
}

/** Estimated fraction of the observations between `lower` and `upper`; NaN observations are in no interval. */
export function histogramFraction(lower: number, upper: number, histogram: FloatHistogram): number {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const buckets = bucketList(histogram);
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const limit = Number.isNaN(histogram.sum) ? total : histogram.count;
  const rankOf = (value: number): number => Math.min(rankBelow(value, buckets, histogram) ?? limit, limit);
  return (rankOf(upper) - rankOf(lower)) / histogram.count;
}

/** Estimated number of observations below `value`; `undefined` where all buckets are. */
function rankBelow(value: number, buckets: readonly Bucket[], histogram: FloatHistogram): number | undefined {
  let rank = 0;
  for (const stored of buckets) {
    const bucket = effectiveBucket(stored, histogram);
    if (bucket.lower >= value) return rank;
    if (bucket.upper > value) return rank + bucket.count * fractionBelow(value, bucket, histogram);
    rank += bucket.count;
  }
  return undefined;
}

/** A first custom bucket that ends above zero is taken to start there. */
function effectiveBucket(bucket: Bucket, histogram: FloatHistogram): Bucket {
  if (usesCustomBuckets(histogram.schema)) {
    return bucket.lower === Number.NEGATIVE_INFINITY && bucket.upper > 0 ? { ...bucket, lower: 0 } : bucket;
  }
  return isZeroBucket(bucket) ? biased(bucket, histogram) : bucket;
}

/** Fraction of a bucket's observations that lie below a value inside it. */
function fractionBelow(value: number, bucket: Bucket, histogram: FloatHistogram): number {
  const { lower, upper } = bucket;
  if (usesCustomBuckets(histogram.schema) || isZeroBucket(bucket)) {
    if (lower === Number.NEGATIVE_INFINITY) return 1;
    if (upper === Number.POSITIVE_INFINITY) return 0;
    return (value - lower) / (upper - lower);
  }
  return logarithmicFraction(value, lower, upper);
}

/** The same of an exponential bucket. */
export function logarithmicFraction(value: number, lower: number, upper: number): number {
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  const logValue = log2(Math.abs(value));
  return value > 0 ? (logValue - logLower) / (logUpper - logLower) : 1 - (logValue - logUpper) / (logLower - logUpper);
}

/** Estimated variance of the observations: each bucket's stand for its middle, geometric where it is exponential. */
export function histogramVariance(histogram: FloatHistogram): number {
  const mean = histogram.sum / histogram.count;
  let variance = 0;
  let compensation = 0;
  for (const bucket of bucketList(histogram)) {
    if (bucket.count === 0) continue;
    const delta = middleOf(bucket, histogram) - mean;
    const term = bucket.count * delta * delta;
    const total = variance + term;
    compensation += Math.abs(variance) >= Math.abs(term) ? variance - total + term : term - total + variance;
    variance = total;
  }
  return (variance + (Number.isFinite(compensation) ? compensation : 0)) / histogram.count;
}

function middleOf({ lower, upper }: Bucket, histogram: FloatHistogram): number {
  if (usesCustomBuckets(histogram.schema)) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const middle = Math.sqrt(upper * lower);
  return upper < 0 ? -middle : middle;
}
