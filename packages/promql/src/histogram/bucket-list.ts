import type { FloatHistogram } from '../histogram.ts';
import { customBound, exponentialBound, usesCustomBuckets } from './bounds.ts';
import { type SparseBuckets, toSparse } from './sparse.ts';

/** A bucket with its bounds. */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
  readonly count: number;
}

/**
 * All buckets in ascending order of their bounds; empty ones only where stored. Buckets end where the zero bucket
 * begins, which is among them if it has observations.
 */
export function bucketList(histogram: FloatHistogram): Bucket[] {
  if (usesCustomBuckets(histogram.schema)) return storedBuckets(histogram);
  const edge = histogram.zeroThreshold;
  const buckets: Bucket[] = [];
  for (const bucket of storedBuckets(histogram)) {
    if (isZeroBucket(bucket)) {
      if (bucket.count > 0) buckets.push(bucket);
    } else if (bucket.lower > 0 && bucket.lower < edge) buckets.push({ ...bucket, lower: edge });
    else if (bucket.upper < 0 && bucket.upper > -edge) buckets.push({ ...bucket, upper: -edge });
    else buckets.push(bucket);
  }
  return buckets;
}

/** All buckets as stored, in ascending order of their bounds; the zero bucket unless its count is 0. */
export function storedBuckets(histogram: FloatHistogram): Bucket[] {
  const { positive, negative, schema, customValues, zeroCount, zeroThreshold } = toSparse(histogram);
  const buckets: Bucket[] = [];
  if (usesCustomBuckets(schema)) {
    for (let i = 0; i < positive.indices.length; i++) {
      const index = positive.indices[i]!;
      buckets.push({
        lower: customBound(index - 1, customValues),
        upper: customBound(index, customValues),
        lowerInclusive: index === 0,
        upperInclusive: true,
        count: positive.counts[i]!,
      });
    }
    return buckets;
  }
  for (const bucket of outwardBuckets(negative, schema).reverse()) {
    buckets.push({
      lower: -bucket.upper,
      upper: -bucket.lower,
      lowerInclusive: true,
      upperInclusive: false,
      count: bucket.count,
    });
  }
  if (zeroCount !== 0) {
    buckets.push({
      lower: -zeroThreshold,
      upper: zeroThreshold,
      lowerInclusive: true,
      upperInclusive: true,
      count: zeroCount,
    });
  }
  buckets.push(...outwardBuckets(positive, schema));
  return buckets;
}

function outwardBuckets({ indices, counts }: SparseBuckets, schema: number): Bucket[] {
  return indices.map((index, i) => ({
    lower: exponentialBound(index - 1, schema),
    upper: exponentialBound(index, schema),
    lowerInclusive: false,
    upperInclusive: true,
    count: counts[i]!,
  }));
}

export function isZeroBucket(bucket: Bucket): boolean {
  return bucket.lower <= 0 && bucket.upper >= 0;
}

/**
 * The zero bucket as observations are assumed to lie in it: where the histogram has observations on one side of zero
 * only, it is taken to reach from zero to that side.
 */
export function biasedZeroBucket(bucket: Bucket, hasPositive: boolean, hasNegative: boolean): Bucket {
  if (hasPositive && !hasNegative) return { ...bucket, lower: 0 };
  if (hasNegative && !hasPositive) return { ...bucket, upper: 0 };
  return bucket;
}
