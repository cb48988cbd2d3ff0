import { formatGeneral } from '../engine/format.ts';
import { almostEqual } from '../engine/functions/classic-histograms.ts';
import { isStaleMarker } from '../engine/staleness.ts';
import type { SparseBuckets } from '../histogram/sparse.ts';
import { toSparse } from '../histogram/sparse.ts';
import type { FloatHistogram } from '../histogram.ts';
import type { Point } from './script.ts';

const TOLERANCE = 1e-6;

const same = (a: number, b: number) => almostEqual(a, b, TOLERANCE);

/** A sample as it came out of a query. */
export interface ActualPoint {
  readonly value: number;
  readonly stale: boolean;
  readonly histogram: FloatHistogram | undefined;
}

export function pointAt(
  values: Float64Array,
  histograms: readonly (FloatHistogram | undefined)[] | undefined,
  index: number,
): ActualPoint {
  const histogram = histograms?.[index];
  return { value: values[index]!, stale: histogram === undefined && isStaleMarker(values, index), histogram };
}

/** What differs between an expected and an actual point; `undefined` where nothing does. */
export function comparePoints(expected: NonNullable<Point>, actual: ActualPoint): string | undefined {
  if (expected.kind === 'float') {
    if (actual.histogram !== undefined)
      return `expected float ${expected.value}, got histogram ${show(actual.histogram)}`;
    if (expected.stale !== actual.stale)
      return `expected ${expected.stale ? 'stale' : expected.value}, got ${actual.value}`;
    return same(expected.value, actual.value) ? undefined : `expected ${expected.value}, got ${actual.value}`;
  }
  if (actual.histogram === undefined)
    return `expected histogram ${show(expected.histogram)}, got float ${actual.value}`;
  return sameHistograms(expected.histogram, actual.histogram, expected.hintGiven)
    ? undefined
    : `expected histogram ${show(expected.histogram)}, got ${show(actual.histogram)}`;
}

function sameHistograms(a: FloatHistogram, b: FloatHistogram, withHint: boolean): boolean {
  const x = toSparse(a);
  const y = toSparse(b);
  return (
    x.schema === y.schema &&
    (!withHint || a.counterResetHint === b.counterResetHint) &&
    same(x.zeroThreshold, y.zeroThreshold) &&
    same(x.zeroCount, y.zeroCount) &&
    same(x.count, y.count) &&
    same(x.sum, y.sum) &&
    x.customValues.length === y.customValues.length &&
    x.customValues.every((bound, i) => bound === y.customValues[i]) &&
    sameBuckets(x.positive, y.positive) &&
    sameBuckets(x.negative, y.negative)
  );
}

/** Empty buckets do not count. */
function sameBuckets(a: SparseBuckets, b: SparseBuckets): boolean {
  const filled = ({ indices, counts }: SparseBuckets) =>
    Array.from(indices, (index, i) => [index, counts[i]!] as const).filter(([, count]) => count !== 0);
  const x = filled(a);
  const y = filled(b);
  return x.length === y.length && x.every(([index, count], i) => index === y[i]![0] && same(count, y[i]![1]));
}

function show(histogram: FloatHistogram): string {
  const { schema, count, sum, zeroCount, zeroThreshold, customValues, counterResetHint } = histogram;
  const { positive, negative } = toSparse(histogram);
  const buckets = ({ indices, counts }: SparseBuckets) =>
    Array.from(indices, (index, i) => `${index}=${formatGeneral(counts[i]!)}`).join(' ');
  return (
    `{{schema:${schema} count:${count} sum:${sum} z_bucket:${zeroCount} z_bucket_w:${zeroThreshold} ` +
    `buckets:[${buckets(positive)}] n_buckets:[${buckets(negative)}] custom_values:[${[...customValues].join(' ')}] ` +
    `hint:${counterResetHint}}}`
  );
}
