import { exponentialBound } from './bounds.ts';
import type { SparseBuckets, SparseHistogram } from './sparse.ts';

/**
 * The zero bucket widened to at least `threshold`: buckets inside it are merged into it. Where the threshold falls into
 * a populated bucket, it grows to that bucket's far bound.
 */
export function widenZeroBucket(histogram: SparseHistogram, threshold: number): SparseHistogram {
  if (threshold <= histogram.zeroThreshold) return histogram;
  let wide = threshold;
  for (;;) {
    const reached = Math.max(
      populatedReach(histogram.positive, histogram.schema, wide),
      populatedReach(histogram.negative, histogram.schema, wide),
    );
    if (reached <= wide) break;
    wide = reached;
  }
  const [positive, positiveMerged] = withoutInner(histogram.positive, histogram.schema, wide);
  const [negative, negativeMerged] = withoutInner(histogram.negative, histogram.schema, wide);
  return {
    ...histogram,
    zeroThreshold: wide,
    zeroCount: histogram.zeroCount + positiveMerged + negativeMerged,
    positive,
    negative,
  };
}

/** Both histograms with one zero threshold. */
export function alignZeroBuckets(a: SparseHistogram, b: SparseHistogram): [SparseHistogram, SparseHistogram] {
  let [left, right] = [a, b];
  while (left.zeroThreshold !== right.zeroThreshold) {
    right = widenZeroBucket(right, left.zeroThreshold);
    left = widenZeroBucket(left, right.zeroThreshold);
  }
  return [left, right];
}

/** Far bound of the populated bucket that contains `threshold` inside, or 0. */
function populatedReach(buckets: SparseBuckets, schema: number, threshold: number): number {
  for (let i = 0; i < buckets.indices.length; i++) {
    const index = buckets.indices[i]!;
    if (exponentialBound(index - 1, schema) >= threshold) return 0;
    const upper = exponentialBound(index, schema);
    if (upper > threshold && buckets.counts[i] !== 0) return upper;
  }
  return 0;
}

function withoutInner(buckets: SparseBuckets, schema: number, threshold: number): [SparseBuckets, number] {
  let first = 0;
  let merged = 0;
  while (first < buckets.indices.length && exponentialBound(buckets.indices[first]! - 1, schema) < threshold) {
    merged += buckets.counts[first]!;
    first++;
  }
  if (first === 0) return [buckets, 0];
  return [{ indices: buckets.indices.slice(first), counts: buckets.counts.slice(first) }, merged];
}
