import { type Labels, labelsKey, labelValue } from '../labels.ts';
import { keepLabels } from './aggregate.testing.ts';
import type { Element } from './value.testing.ts';

interface Bucket {
  readonly upper: number;
  readonly count: number;
}

export interface ClassicHistogram {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly buckets: readonly Bucket[];
}

/** Puts the buckets of each histogram together. @param malformed is told of what has no usable `le` */
export function classicHistograms(
  vector: readonly Element[],
  malformed: (element: Element) => void,
): ClassicHistogram[] {
  const byLabels = new Map<string, { labels: Labels; dropName: boolean; buckets: Bucket[] }>();
  for (const element of vector) {
    const upper = parseBound(labelValue(element.labels, 'le'));
    if (upper === undefined) {
      malformed(element);
      continue;
    }
    const key = labelsKey(keepLabels(element.labels, (name) => name !== 'le'));
    let histogram = byLabels.get(key);
    if (histogram === undefined) {
      const labels = keepLabels(element.labels, (name) => name !== 'le');
      byLabels.set(key, (histogram = { labels, dropName: true, buckets: [] }));
    }
    histogram.buckets.push({ upper, count: element.value });
  }
  return [...byLabels.values()];
}

function parseBound(text: string): number | undefined {
  if (/^[+]?inf(inity)?$/i.test(text)) return Infinity;
  if (/^-inf(inity)?$/i.test(text)) return -Infinity;
  const bound = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Infinity;
  return Number.isFinite(bound) ? bound : undefined;
}

/** Ascending, equal bounds added together. */
function sorted(buckets: readonly Bucket[]): { upper: number; count: number }[] {
  const merged: { upper: number; count: number }[] = [];
  for (const { upper, count } of [...buckets].sort((a, b) => (a.upper === b.upper ? 0 : a.upper - b.upper))) {
    const last = merged.at(-1);
    if (last !== undefined && last.upper === upper) last.count += count;
    else merged.push({ upper, count });
  }
  return merged;
}

/** Counts are made to rise. */
function repaired(buckets: readonly Bucket[]): Bucket[] {
  const merged = sorted(buckets);
  for (let i = 1; i < merged.length; i++) {
    const before = merged[i - 1]!.count;
    const bucket = merged[i]!;
    if (bucket.count === before) continue;
    // An infinite count is not near to any other.
    const tiny = Math.abs(bucket.count - before) <= 1e-12 * Math.min(Math.abs(bucket.count + before), Number.MAX_VALUE);
    if (tiny || bucket.count < before) bucket.count = before;
  }
  return merged;
}

export function classicQuantile(q: number, all: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const buckets = repaired(all);
  if (buckets.at(-1)!.upper !== Infinity) return Number.NaN;
  if (buckets.length < 2) return Number.NaN;
  const observations = buckets.at(-1)!.count;
  if (observations === 0) return Number.NaN;
  let rank = q * observations;
  let i = buckets.slice(0, -1).findIndex(({ count }) => count >= rank);
  if (i < 0) i = buckets.length - 1;
  if (i === buckets.length - 1) return buckets.at(-2)!.upper;
  if (i === 0 && buckets[0]!.upper <= 0) return buckets[0]!.upper;
  let lower = 0;
  const { upper } = buckets[i]!;
  let count = buckets[i]!.count;
  if (i > 0) {
    lower = buckets[i - 1]!.upper;
    count -= buckets[i - 1]!.count;
    rank -= buckets[i - 1]!.count;
  }
  return lower + (upper - lower) * (rank / count);
}

/** Share of observations between two values. */
export function classicFraction(low: number, high: number, all: readonly Bucket[]): number {
  const buckets = sorted(all);
  if (buckets.at(-1)?.upper !== Infinity) return Number.NaN;
  const observations = buckets.at(-1)!.count;
  if (observations === 0 || Number.isNaN(low) || Number.isNaN(high)) return Number.NaN;
  if (low >= high) return 0;
  // Of buckets that do not ascend no more is below a value than there is.
  const below = (value: number) => Math.min(rankOf(value, buckets), observations);
  return (below(high) - below(low)) / observations;
}

/** How many observations are at or below a value, by interpolation. */
function rankOf(value: number, buckets: readonly Bucket[]): number {
  for (const [i, { upper, count }] of buckets.entries()) {
    if (value >= upper) continue;
    const before = i === 0 ? 0 : buckets[i - 1]!.count;
    const lower = i > 0 ? buckets[i - 1]!.upper : upper > 0 ? 0 : -Infinity;
    if (value <= lower) return before;
    if (lower === -Infinity) return count;
    return before + ((count - before) * (value - lower)) / (upper - lower);
  }
  return buckets.at(-1)!.count;
}
