import { usesCustomBuckets } from '../histogram/bounds.ts';
import type { FloatHistogram } from '../histogram.ts';

/** Why a database would not store a histogram; `undefined` where it would. What a query gives need not be storable. */
export function whyNotStored(histogram: FloatHistogram): string | undefined {
  const { schema, count, zeroCount, zeroThreshold, positiveBuckets, negativeBuckets, customValues } = histogram;
  if (count < 0) return 'its count is negative';
  if (zeroCount < 0 || zeroThreshold < 0) return 'its zero bucket is negative';
  if (positiveBuckets.some((bucket) => bucket < 0) || negativeBuckets.some((bucket) => bucket < 0))
    return 'a bucket is negative';
  if (!usesCustomBuckets(schema)) {
    if (schema < -4 || schema > 8) return `there is no schema ${schema}`;
    return customValues.length === 0 ? undefined : 'only schema -53 has custom_values';
  }
  if (zeroCount !== 0 || zeroThreshold !== 0) return 'custom buckets have no zero bucket';
  if (negativeBuckets.length > 0) return 'custom buckets have no negative buckets';
  if (positiveBuckets.length > customValues.length + 1) return 'it has more buckets than custom_values give';
  const isAscending = customValues.every((bound, i) => i === 0 || bound > customValues[i - 1]!);
  if (!isAscending || !customValues.every(Number.isFinite)) return 'its custom_values do not ascend or are not finite';
  return undefined;
}
