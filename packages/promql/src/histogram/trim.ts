import type { FloatHistogram } from '../histogram.ts';
import { customBound, exponentialBound, usesCustomBuckets } from './bounds.ts';
import { logarithmicFraction } from './quantile.ts';
import { fromSparse, NO_BUCKETS, type SparseBuckets, toSparse } from './sparse.ts';

/** What a cut leaves of a bucket: its count and the value that its observations are taken to have. */
interface Remainder {
  readonly count: number;
  readonly middle: number;
}

/** A bucket that is to be cut. */
interface CutBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** On a linear scale rather than a logarithmic one. */
  readonly isCustom: boolean;
}

const nothing: Remainder = { count: 0, middle: 0 };

/** A cutoff and the side of it that is kept. */
interface Cut {
  readonly cutoff: number;
  readonly keep: 'below' | 'above';
}

/**
 * The histogram without the observations above (`keep: 'below'`, the operator `</`) or below (`keep: 'above'`, `>/`)
 * the cutoff. The bucket that the cutoff falls into is interpolated as for quantiles; count and sum are estimated anew
 * from what remains. Where nothing is cut, the histogram is returned as it is. A zero bucket of less than nothing, which
 * a difference can have, is not cut and not counted.
 */
export function trimHistogram(histogram: FloatHistogram, cutoff: number, keep: 'below' | 'above'): FloatHistogram {
  const cut: Cut = { cutoff, keep };
  const { schema, customValues } = histogram;
  const sparse = toSparse(histogram);
  const isCustom = usesCustomBuckets(schema);
  let isCut = false;
  let count = 0;
  let sum = 0;
  const keepOf = (before: number, rest: Remainder): number => {
    count += rest.count;
    sum += rest.middle * rest.count;
    if (rest.count !== before) isCut = true;
    return rest.count;
  };
  const boundOf = (index: number) => (isCustom ? customBound(index, customValues) : exponentialBound(index, schema));
  const trimmed = ({ indices, counts }: SparseBuckets, sign: 1 | -1): Float64Array =>
    Float64Array.from(counts, (before, i) => {
      if (before === 0) return 0;
      const [inner, outer] = [sign * boundOf(indices[i]! - 1), sign * boundOf(indices[i]!)];
      const bucket = { lower: Math.min(inner, outer), upper: Math.max(inner, outer), count: before, isCustom };
      return keepOf(before, remainder(bucket, cut, sign));
    });
  // In this order, from zero outwards, the sum comes out as in Prometheus to the last bit.
  const positive = trimmed(sparse.positive, 1);
  const negative = trimmed(sparse.negative, -1);
  const zeroCount =
    histogram.zeroCount > 0 ? keepOf(histogram.zeroCount, zeroRemainder(histogram, cut)) : histogram.zeroCount;
  if (!isCut) return histogram;
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

function remainder(bucket: CutBucket, cut: Cut, sign: 1 | -1): Remainder {
  const { lower, upper, count, isCustom } = bucket;
  const { cutoff, keep } = cut;
  if (keep === 'below' ? upper <= cutoff : lower >= cutoff)
    return { count, middle: middle(lower, upper, isCustom, sign) };
  if (!(keep === 'below' ? lower < cutoff : upper > cutoff)) return nothing;
  if (lower === Number.NEGATIVE_INFINITY) return openBelow(bucket, cut);
  if (upper === Number.POSITIVE_INFINITY) return openAbove(bucket, cut);
  const below = isCustom ? (cutoff - lower) / (upper - lower) : logarithmicFraction(cutoff, lower, upper);
  if (keep === 'below') return { count: count * below, middle: middle(lower, cutoff, isCustom, sign) };
  return { count: count - count * below, middle: middle(cutoff, upper, isCustom, sign) };
}

/** A bucket without a lower bound is taken to start at zero if it ends above; if not, nothing inside of it can be told. */
function openBelow({ upper, count }: CutBucket, { cutoff, keep }: Cut): Remainder {
  const ends = upper !== Number.POSITIVE_INFINITY;
  if (keep === 'below') {
    if (cutoff > 0 && upper > 0 && ends) return { count: (count * cutoff) / upper, middle: cutoff / 2 };
    return upper <= 0 ? { count, middle: cutoff } : nothing;
  }
  if (cutoff >= 0 && ends) return { count: count * (1 - cutoff / upper), middle: (cutoff + upper) / 2 };
  return nothing;
}

/** A bucket without an upper bound cannot be cut: it is dropped, or kept as if all were at the cutoff. */
function openAbove({ lower, count }: CutBucket, { cutoff, keep }: Cut): Remainder {
  return keep === 'above' && cutoff >= lower ? { count, middle: cutoff } : nothing;
}

/** The zero bucket reaches to the side on which there are observations, to both if there are on none. */
function zeroRemainder(histogram: FloatHistogram, { cutoff, keep }: Cut): Remainder {
  const { zeroCount: count, zeroThreshold } = histogram;
  const [hasPositive, hasNegative] = [histogram.positiveBuckets, histogram.negativeBuckets].map(isPopulated);
  const lower = hasPositive && !hasNegative ? 0 : -zeroThreshold;
  const upper = hasNegative && !hasPositive ? 0 : zeroThreshold;
  const isBelow = cutoff <= lower;
  if (isBelow || cutoff >= upper) {
    return isBelow === (keep === 'above') ? { count, middle: (lower + upper) / 2 } : nothing;
  }
  return keep === 'below'
    ? { count: count * ((cutoff - lower) / (upper - lower)), middle: (lower + cutoff) / 2 }
    : { count: count * ((upper - cutoff) / (upper - lower)), middle: (cutoff + upper) / 2 };
}

function isPopulated(counts: Float64Array): boolean {
  return counts.some((count) => count !== 0);
}

function middle(lower: number, upper: number, isCustom: boolean, sign: 1 | -1): number {
  const isOpenBelow = !Number.isFinite(lower) && !Number.isNaN(lower);
  const isOpenAbove = !Number.isFinite(upper) && !Number.isNaN(upper);
  if (isOpenBelow) {
    if (isOpenAbove) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (isOpenAbove) return lower;
  return isCustom ? (lower + upper) / 2 : sign * Math.sqrt(Math.abs(lower * upper));
}
