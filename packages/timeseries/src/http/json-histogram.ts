import { bucketList, type FloatHistogram } from '@opendata/promql';
import { formatValue } from './json-numbers.ts';

/**
 * A native histogram as Prometheus' API has it: count, sum and the buckets that are not empty, in ascending order, as
 * `[boundaries, lower, upper, count]`. Boundaries: 0 open on the left, 1 on the right, 2 on both sides, 3 on none.
 */
export function histogramJson(histogram: FloatHistogram): string {
  const buckets: string[] = [];
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of bucketList(histogram)) {
    if (count === 0) continue;
    const boundaries = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
    buckets.push(`[${boundaries},"${formatValue(lower)}","${formatValue(upper)}","${formatValue(count)}"]`);
  }
  const list = buckets.length > 0 ? `,"buckets":[${buckets.join(',')}]` : '';
  return `{"count":"${formatValue(histogram.count)}","sum":"${formatValue(histogram.sum)}"${list}}`;
}
