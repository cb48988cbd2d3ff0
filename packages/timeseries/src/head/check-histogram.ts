import type { FloatHistogram, Span } from '@opendata/promql';
import { InvalidSampleError } from './errors.ts';

const CUSTOM_BUCKETS_SCHEMA = -53;

/**
 * @param isFloat whether its counts were floats, which need not add up
 * @throws InvalidSampleError where the histogram cannot be one that was observed
 */
export function checkHistogram(histogram: FloatHistogram, isFloat: boolean): void {
  checkBuckets(histogram);
  if (!isFloat) checkCount(histogram);
}

function checkBuckets(histogram: FloatHistogram): void {
  const { schema, positiveSpans, positiveBuckets, negativeSpans, negativeBuckets, customValues } = histogram;
  checkSide('positive', positiveSpans, positiveBuckets);
  checkSide('negative', negativeSpans, negativeBuckets);
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    if (histogram.zeroCount !== 0 || negativeBuckets.length > 0 || negativeSpans.length > 0) {
      throw invalid('custom buckets: must not have zero or negative buckets');
    }
    for (let i = 0; i < customValues.length; i++) {
      const bound = customValues[i]!;
      if (!Number.isFinite(bound) || (i > 0 && bound <= customValues[i - 1]!)) {
        throw invalid('histogram custom bounds must be finite and in strictly increasing order');
      }
    }
    let last = 0;
    for (const { offset, length } of positiveSpans) last += offset + length;
    if (last > customValues.length + 1 || (positiveSpans[0]?.offset ?? 0) < 0) {
      throw invalid(`histogram needs ${last} buckets, its custom bounds give ${customValues.length + 1}`);
    }
    return;
  }
  if (schema < -4 || schema > 8) {
    throw invalid(`invalid schema ${schema}: valid are -4 to 8, and -53 for custom buckets`);
  }
  if (customValues.length > 0) throw invalid('histogram with exponential schema must not have custom bounds');
  if (histogram.zeroCount < 0) throw invalid(`zero bucket has observation count of ${histogram.zeroCount}`);
}

/** Observations of NaN are in no bucket, and make the sum NaN. */
function checkCount({ count, sum, zeroCount, positiveBuckets, negativeBuckets }: FloatHistogram): void {
  let inBuckets = zeroCount;
  for (const bucket of positiveBuckets) inBuckets += bucket;
  for (const bucket of negativeBuckets) inBuckets += bucket;
  if (Number.isNaN(sum) ? inBuckets <= count : inBuckets === count) return;
  const rule = Number.isNaN(sum)
    ? 'should be at least the number of observations found in the buckets'
    : 'should equal the number of observations found in the buckets (in absence of NaN)';
  throw invalid(
    `${inBuckets} observations found in buckets, but the Count field is ${count}: histogram's observation count ${rule}`,
  );
}

function checkSide(side: string, spans: readonly Span[], buckets: Float64Array): void {
  for (let i = 1; i < spans.length; i++) {
    if (spans[i]!.offset < 0) throw invalid(`${side} side: span number ${i + 1} with offset ${spans[i]!.offset}`);
  }
  const negative = buckets.findIndex((count) => count < 0);
  if (negative >= 0) {
    throw invalid(`${side} side: bucket number ${negative + 1} has observation count of ${buckets[negative]}`);
  }
}

function invalid(message: string): InvalidSampleError {
  return new InvalidSampleError(`invalid native histogram: ${message}`);
}
