import type { FloatHistogram } from '../histogram.ts';
import { usesCustomBuckets } from './bounds.ts';
import { type Bucket, biasedZeroBucket, isZeroBucket, storedBuckets } from './bucket-list.ts';
import { fractionBelow } from './quantile.ts';
import { fromSparse, NO_BUCKETS, type SparseBuckets, toSparse } from './sparse.ts';

/** What a cut leaves of a bucket: its count and the value that its observations are taken to have. */
interface Remainder {
  readonly count: number;
  readonly middle: number;
}

const nothing: Remainder = { count: 0, middle: 0 };

/**
 * The histogram without the observations above (`keep: 'below'`, the operator `</`) or below (`keep: 'above'`, `>/`)
 * the cutoff. The bucket that the cutoff falls into is interpolated as for quantiles; count and sum are estimated anew
 * from what remains. Where nothing is cut, the histogram is returned as it is. A cutoff of NaN leaves nothing but a zero
 * bucket of NaN.
 */
export function trimHistogram(histogram: FloatHistogram, cutoff: number, keep: 'below' | 'above'): FloatHistogram {
  let cut = false;
  let count = 0;
  let sum = 0;
  const sparse = toSparse(histogram);
  const remaining = (bucket: Bucket): number => {
    const rest = remainder(bucket, histogram, cutoff, keep);
    if (rest.count !== bucket.count) cut = true;
    count += rest.count;
    if (rest.count !== 0) sum += rest.count * rest.middle;
    return rest.count;
  };
  const list = storedBuckets(histogram);
  const negativeCount = sparse.negative.indices.length;
  const hasZero = !usesCustomBuckets(histogram.schema) && histogram.zeroCount !== 0;
  // In this order, from zero outwards, the sum comes out as in Prometheus to the last bit.
  const positive = Float64Array.from(list.slice(negativeCount + (hasZero ? 1 : 0)), remaining);
  const negative = Float64Array.from(list.slice(0, negativeCount).reverse(), remaining);
  const zeroCount = hasZero ? remaining(list[negativeCount]!) : histogram.zeroCount;
  if (!cut) return histogram;
  return fromSparse({
    ...sparse,
    zeroCount,
    count,
    sum,
    positive: withCounts(sparse.positive, positive),
    negative: withCounts(sparse.negative, negative),
  });
}

function withCounts(buckets: SparseBuckets, counts: Float64Array): SparseBuckets {
  return buckets.indices.length === 0 ? NO_BUCKETS : { indices: buckets.indices, counts };
}

function remainder(stored: Bucket, histogram: FloatHistogram, cutoff: number, keep: 'below' | 'above'): Remainder {
  const custom = usesCustomBuckets(histogram.schema);
  if (Number.isNaN(cutoff) && (custom || !isZeroBucket(stored))) return nothing;
  if (custom && stored.upper === Number.POSITIVE_INFINITY) return remainderOfLast(stored, cutoff, keep);
  if (custom && stored.lower === Number.NEGATIVE_INFINITY && (stored.upper <= 0 || (keep === 'above' && cutoff < 0))) {
    return remainderOfFirst(stored, cutoff, keep);
  }
  const bucket = effective(stored, histogram, custom);
  const { lower, upper } = bucket;
  if (keep === 'below' ? cutoff >= upper : cutoff <= lower) {
    return { count: bucket.count, middle: middle(lower, upper, bucket, custom) };
  }
  if (keep === 'below' ? cutoff <= lower : cutoff >= upper) return nothing;
  const below = fractionBelow(cutoff, bucket, histogram);
  if (keep === 'below') return { count: bucket.count * below, middle: middle(lower, cutoff, bucket, custom) };
  const above =
    !custom && isZeroBucket(stored)
      ? bucket.count * ((upper - cutoff) / (upper - lower))
      : bucket.count - bucket.count * below;
  return { count: above, middle: middle(cutoff, upper, bucket, custom) };
}

function effective(bucket: Bucket, histogram: FloatHistogram, custom: boolean): Bucket {
  if (custom) return bucket.lower === Number.NEGATIVE_INFINITY ? { ...bucket, lower: 0 } : bucket;
  return isZeroBucket(bucket)
    ? biasedZeroBucket(bucket, isPopulated(histogram.positiveBuckets), isPopulated(histogram.negativeBuckets))
    : bucket;
}

function isPopulated(counts: Float64Array): boolean {
  return counts.some((count) => count !== 0);
}

/** The last custom bucket has no upper bound: it cannot be cut, only kept from its start or dropped. */
function remainderOfLast(bucket: Bucket, cutoff: number, keep: 'below' | 'above'): Remainder {
  const { lower, count } = bucket;
  if (keep === 'below') return cutoff === Number.POSITIVE_INFINITY ? { count, middle: lower } : nothing;
  if (cutoff === Number.NEGATIVE_INFINITY) return { count, middle: lower };
  if (lower === Number.NEGATIVE_INFINITY || cutoff === Number.POSITIVE_INFINITY) return nothing;
  return { count, middle: Math.max(lower, cutoff) };
}

/**
 * So it is with a first custom bucket that ends at or below zero, and with any first one that would be cut below zero:
 * otherwise it is taken to start there.
 */
function remainderOfFirst(bucket: Bucket, cutoff: number, keep: 'below' | 'above'): Remainder {
  const { upper, count } = bucket;
  if (keep === 'above') return cutoff === Number.NEGATIVE_INFINITY ? { count, middle: upper } : nothing;
  if (cutoff === Number.NEGATIVE_INFINITY) return nothing;
  return { count, middle: Math.min(upper, cutoff) };
}

function middle(lower: number, upper: number, bucket: Bucket, custom: boolean): number {
  if (custom || isZeroBucket(bucket)) return (lower + upper) / 2;
  const geometric = Math.sqrt(lower * upper);
  return upper <= 0 ? -geometric : geometric;
}
