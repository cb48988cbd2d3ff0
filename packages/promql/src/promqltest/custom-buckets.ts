import type { FloatHistogram } from '../histogram.ts';
import { type Labels, labelsFromEntries, labelsKey, labelValue, METRIC_NAME } from '../labels.ts';
import type { MemorySeries, Sample } from './memory-source.ts';
import { parseFloatText } from './parse-number.ts';
import type { SeriesDescription } from './script.ts';

interface Parts {
  readonly buckets: Map<number, number>;
  sum: number | undefined;
  count: number | undefined;
}

/** Classic histograms (`_bucket`, `_sum`, `_count`) as native ones with custom buckets, under the base name. */
export function toCustomBuckets(descriptions: readonly SeriesDescription[], stepMs: number): MemorySeries[] {
  return partsOf(descriptions, stepMs).map(({ labels, byTime }) => {
    const samples = new Map<number, Sample>();
    for (const [timestampMs, parts] of byTime) {
      const histogram = toHistogram(parts);
      samples.set(timestampMs, { timestampMs, value: 0, stale: false, histogram, startMs: 0 });
    }
    return { labels, samples };
  });
}

interface Base {
  readonly labels: Labels;
  readonly byTime: Map<number, Parts>;
}

/** What there is of each classic histogram at each time. */
function partsOf(descriptions: readonly SeriesDescription[], stepMs: number): Base[] {
  const bases = new Map<string, Base>();
  for (const { labels, points } of descriptions) {
    const match = /^(.*)_(bucket|sum|count)$/.exec(labelValue(labels, METRIC_NAME));
    if (match === null) continue;
    const bound = labelValue(labels, 'le');
    if (match[2] === 'bucket' && bound === '') continue;
    const base = baseLabels(labels, match[1]!);
    const key = labelsKey(base);
    let known = bases.get(key);
    if (known === undefined) bases.set(key, (known = { labels: base, byTime: new Map() }));
    for (const [i, point] of points.entries()) {
      if (point?.kind !== 'float') continue;
      let parts = known.byTime.get(i * stepMs);
      if (parts === undefined) {
        parts = { buckets: new Map(), sum: undefined, count: undefined };
        known.byTime.set(i * stepMs, parts);
      }
      if (match[2] === 'bucket') parts.buckets.set(parseFloatText(bound) ?? Number.NaN, point.value);
      else parts[match[2] as 'sum' | 'count'] = point.value;
    }
  }
  return [...bases.values()];
}

/** Why classic histograms cannot be native ones, if there are any such: counts that are negative or fall. */
export function whyNotConverted(descriptions: readonly SeriesDescription[], stepMs: number): string | undefined {
  for (const { labels, byTime } of partsOf(descriptions, stepMs)) {
    for (const [timestampMs, { buckets, count }] of byTime) {
      const place = `${labelValue(labels, METRIC_NAME)} at ${timestampMs / 1000}`;
      const bounds = [...buckets.keys()].sort((a, b) => a - b);
      const counts = bounds.map((bound) => buckets.get(bound)!);
      if (counts.some((one) => one < 0) || (count ?? 0) < 0) return `${place}: a count is negative`;
      if (counts.some((one, i) => one < counts[i - 1]!)) return `${place}: bucket counts are not cumulative`;
      if (count === undefined && counts.length === 0) return `${place}: there is no count`;
      const last = bounds.at(-1) === Number.POSITIVE_INFINITY ? counts.at(-1)! : count;
      if ((count ?? counts.at(-1)) !== last && last !== undefined) return `${place}: the counts are not the same`;
      if (Number.isNaN(count ?? counts.at(-1)!)) return `${place}: the count is NaN`;
    }
  }
  return undefined;
}

function baseLabels(labels: Labels, name: string): Labels {
  const entries: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] !== 'le') entries.push([labels[i]!, labels[i] === METRIC_NAME ? name : labels[i + 1]!]);
  }
  return labelsFromEntries(entries);
}

function toHistogram({ buckets, sum, count }: Parts): FloatHistogram {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const total = count ?? (bounds.length === 0 ? 0 : buckets.get(bounds.at(-1)!)!);
  const finite = bounds.filter((bound) => bound !== Infinity);
  const counts: number[] = [];
  let before = 0;
  for (const bound of finite) {
    counts.push(buckets.get(bound)! - before);
    before = buckets.get(bound)!;
  }
  counts.push(total - before);
  return {
    schema: -53,
    counterResetHint: 'unknown',
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum: sum ?? 0,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: Float64Array.from(counts),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: Float64Array.from(finite),
  };
}
