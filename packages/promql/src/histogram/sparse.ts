import type { CounterResetHint, FloatHistogram, Span } from '../histogram.ts';
import { coarserIndex } from './bounds.ts';

/** Bucket counts by ascending index; the form in which histograms are computed with. */
export interface SparseBuckets {
  readonly indices: readonly number[];
  readonly counts: Float64Array;
}

export const NO_BUCKETS: SparseBuckets = { indices: [], counts: new Float64Array(0) };

/** A histogram with its buckets in the sparse form. */
export interface SparseHistogram {
  readonly schema: number;
  readonly counterResetHint: CounterResetHint;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positive: SparseBuckets;
  readonly negative: SparseBuckets;
  readonly customValues: Float64Array;
}

export function toSparse(histogram: FloatHistogram): SparseHistogram {
  return {
    schema: histogram.schema,
    counterResetHint: histogram.counterResetHint,
    zeroThreshold: histogram.zeroThreshold,
    zeroCount: histogram.zeroCount,
    count: histogram.count,
    sum: histogram.sum,
    positive: sparseBuckets(histogram.positiveSpans, histogram.positiveBuckets),
    negative: sparseBuckets(histogram.negativeSpans, histogram.negativeBuckets),
    customValues: histogram.customValues,
  };
}

/** Back to spans; empty buckets are dropped, as in a compacted histogram. */
export function fromSparse(sparse: SparseHistogram): FloatHistogram {
  const positive = toSpans(sparse.positive);
  const negative = toSpans(sparse.negative);
  return {
    schema: sparse.schema,
    counterResetHint: sparse.counterResetHint,
    zeroThreshold: sparse.zeroThreshold,
    zeroCount: sparse.zeroCount,
    count: sparse.count,
    sum: sparse.sum,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: sparse.customValues,
  };
}

function sparseBuckets(spans: readonly Span[], buckets: Float64Array): SparseBuckets {
  const indices: number[] = [];
  let index = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++) indices.push(index++);
  }
  return { indices, counts: buckets };
}

function toSpans({ indices, counts }: SparseBuckets): { spans: Span[]; buckets: Float64Array } {
  const spans: { offset: number; length: number }[] = [];
  const buckets: number[] = [];
  let next = 0;
  for (let i = 0; i < indices.length; i++) {
    if (counts[i] === 0) continue;
    const index = indices[i]!;
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: last === undefined ? index : index - next, length: 1 });
    buckets.push(counts[i]!);
    next = index + 1;
  }
  return { spans, buckets: Float64Array.from(buckets) };
}

/** Sums of buckets whose indices `map` sends to the same index; `map` must be monotonic. */
function mapBuckets(buckets: SparseBuckets, map: (index: number) => number): SparseBuckets {
  const indices: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < buckets.indices.length; i++) {
    const index = map(buckets.indices[i]!);
    if (indices.length > 0 && indices[indices.length - 1] === index) {
      counts[counts.length - 1] = counts[counts.length - 1]! + buckets.counts[i]!;
    } else {
      indices.push(index);
      counts.push(buckets.counts[i]!);
    }
  }
  return { indices, counts: Float64Array.from(counts) };
}

/** The same observations in a coarser standard schema; unchanged where `schema` is not coarser. */
export function reduceResolution(histogram: SparseHistogram, schema: number): SparseHistogram {
  if (schema >= histogram.schema) return histogram;
  const map = (index: number): number => coarserIndex(index, histogram.schema, schema);
  return {
    ...histogram,
    schema,
    positive: mapBuckets(histogram.positive, map),
    negative: mapBuckets(histogram.negative, map),
  };
}

/** Bucket by bucket `combine(a, b)`; a bucket that one side lacks counts 0 there. */
export function combineBuckets(
  a: SparseBuckets,
  b: SparseBuckets,
  combine: (a: number, b: number) => number,
): SparseBuckets {
  const indices: number[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.indices.length || j < b.indices.length) {
    const left = i < a.indices.length ? a.indices[i]! : Number.POSITIVE_INFINITY;
    const right = j < b.indices.length ? b.indices[j]! : Number.POSITIVE_INFINITY;
    indices.push(Math.min(left, right));
    counts.push(combine(left <= right ? a.counts[i]! : 0, right <= left ? b.counts[j]! : 0));
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return { indices, counts: Float64Array.from(counts) };
}

/** Index, among the bounds common to both, of the bucket that takes in each custom bucket of `bounds`. */
function customIndexMap(bounds: Float64Array, common: Float64Array): (index: number) => number {
  return (index) => {
    if (index >= bounds.length) return common.length;
    const upper = bounds[index]!;
    let target = 0;
    while (target < common.length && common[target]! < upper) target++;
    return target;
  };
}

/** Bounds that both lists have, ascending. */
export function commonBounds(a: Float64Array, b: Float64Array): Float64Array {
  const inB = new Set(b);
  return a.filter((bound) => inB.has(bound));
}

export function sameBounds(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** The same observations in custom buckets with fewer bounds. */
export function reduceBounds(histogram: SparseHistogram, common: Float64Array): SparseHistogram {
  if (sameBounds(histogram.customValues, common)) return histogram;
  return {
    ...histogram,
    customValues: common,
    positive: mapBuckets(histogram.positive, customIndexMap(histogram.customValues, common)),
  };
}
