import type { FloatHistogram, Span } from '@opendata/promql';
import type { OtlpBuckets, OtlpExponentialPoint, OtlpHistogramPoint } from '@opendata/wire';
import { InvalidSampleError } from '../head/errors.ts';

const CUSTOM_BUCKETS_SCHEMA = -53;
const MIN_SCHEMA = -4;
const MAX_SCHEMA = 8;
/** What OTLP's zero bucket stands for where the sender does not say. */
const DEFAULT_ZERO_THRESHOLD = 1e-128;
/** Up to this many empty buckets are written out rather than begin another span. */
const MAX_GAP = 2;
const NONE = new Float64Array(0);

/** The histogram without a sum has the sum 0. @throws InvalidSampleError for a scale below -4 */
export function exponentialHistogram(point: OtlpExponentialPoint): FloatHistogram {
  const { scale, count, sum = 0, zeroCount, zeroThreshold } = point;
  if (scale < MIN_SCHEMA) {
    throw new InvalidSampleError(
      `cannot convert exponential to native histogram: scale must be >= ${MIN_SCHEMA}, was ${scale}`,
    );
  }
  const schema = Math.min(scale, MAX_SCHEMA);
  const positive = layout(point.positive, scale - schema);
  const negative = layout(point.negative, scale - schema);
  return {
    schema,
    counterResetHint: 'unknown',
    zeroThreshold: zeroThreshold > 0 ? zeroThreshold : DEFAULT_ZERO_THRESHOLD,
    zeroCount,
    count,
    sum,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: NONE,
  };
}

/** A histogram with explicit bounds as a native one with custom buckets. @throws InvalidSampleError */
export function customBucketsHistogram({ count, sum = 0, bucketCounts, bounds }: OtlpHistogramPoint): FloatHistogram {
  if (bucketCounts.length > 0 && bucketCounts.length !== bounds.length + 1) {
    throw new InvalidSampleError(`${bucketCounts.length} buckets do not go with ${bounds.length} bounds`);
  }
  // Without buckets, all observations are in the one that has no bounds.
  const counts = bucketCounts.length === 0 ? [count] : bucketCounts;
  const { spans, buckets } = layout({ offset: -1, counts }, 0);
  return {
    schema: CUSTOM_BUCKETS_SCHEMA,
    counterResetHint: 'unknown',
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum,
    positiveSpans: spans,
    positiveBuckets: buckets,
    negativeSpans: [],
    negativeBuckets: NONE,
    customValues: bucketCounts.length === 0 ? NONE : Float64Array.from(bounds),
  };
}

/** Spans and counts; OTLP numbers a bucket by its lower bound, Prometheus by its upper one. */
function layout({ offset, counts }: OtlpBuckets, scaleDown: number): { spans: Span[]; buckets: Float64Array } {
  const spans: { offset: number; length: number }[] = [];
  const buckets: number[] = [];
  let next = 0;
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const index = Math.floor((offset + i) / 2 ** scaleDown) + 1;
    const last = spans.at(-1);
    if (last !== undefined && index === next - 1) {
      buckets[buckets.length - 1]! += count;
      continue;
    }
    const gap = index - next;
    if (last === undefined || gap > MAX_GAP) spans.push({ offset: gap, length: 1 });
    else {
      for (let empty = 0; empty < gap; empty++) buckets.push(0);
      last.length += gap + 1;
    }
    buckets.push(count);
    next = index + 1;
  }
  return { spans, buckets: Float64Array.from(buckets) };
}
