import { compareStrings, type Labels, labelsKey, type Matcher } from '@opendata/promql';
import { encodeWriteRequest, encodeWriteRequest2, snappyCompress } from '@opendata/wire';
import fc from 'fast-check';
import { expect } from 'vitest';
import { NOW } from './db.testing.ts';
import type { TimeSeriesDb } from './db.ts';

const HOUR_MS = 3_600_000;
const STALE = new Float64Array(new Uint32Array([2, 0x7ff00000]).buffer)[0]!;

/** A float by its bits, so that staleness markers and other NaNs are told apart; or the count of a histogram. */
export type Sample = { readonly float: number } | { readonly count: number; readonly isGauge: boolean };
export interface Write {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly sample: Sample;
  /** When the counter began to count, or 0. */
  readonly startMs: number;
}

const histogramOf = ({ count, isGauge }: { count: number; isGauge: boolean }) => ({
  schema: 1,
  counterResetHint: isGauge ? ('gauge' as const) : ('unknown' as const),
  zeroThreshold: 0.001,
  zeroCount: 0,
  count,
  sum: count * 2,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: Float64Array.of(count),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
});

/** Writes with starts need remote write 2.0. */
export function write(db: TimeSeriesDb, writes: readonly Write[]): number {
  if (writes.every(({ startMs }) => startMs === 0)) return db.remoteWrite(bodyOf(writes)).group;
  const series = writes.map(({ labels, timestampMs, sample, startMs: startTimestampMs }) =>
    'float' in sample
      ? { labels, samples: [{ timestampMs, value: sample.float, startTimestampMs }] }
      : { labels, samples: [], histograms: [{ timestampMs, histogram: histogramOf(sample), startTimestampMs }] },
  );
  const { group, faults } = db.remoteWrite2(snappyCompress(encodeWriteRequest2(series)));
  expect(faults).toEqual([]);
  return group;
}

function bodyOf(writes: readonly Write[]): Uint8Array {
  const series = writes.map(({ labels, timestampMs, sample }) =>
    'float' in sample
      ? { labels, samples: [{ timestampMs, value: sample.float }] }
      : { labels, samples: [], histograms: [{ timestampMs, histogram: histogramOf(sample) }] },
  );
  return snappyCompress(encodeWriteRequest({ series }));
}

const bits = (value: number): string => Buffer.from(Float64Array.of(value).buffer).toString('hex');
const shown = (sample: Sample, startMs: number): string =>
  ('float' in sample ? bits(sample.float) : `histogram of ${sample.count}${sample.isGauge ? ', gauge' : ''}`) +
  (startMs === 0 ? '' : ` from ${startMs}`);

export const writeArbitrary: fc.Arbitrary<Write> = fc.record({
  labels: fc
    .tuple(
      fc.constantFrom('up', 'latency_bucket', 'temperature'),
      fc.constantFrom('a', 'ä', ''),
      fc.constantFrom('+Inf', '1', '0.5', ''),
    )
    .map(
      ([name, job, le]): Labels => [
        '__name__',
        name,
        ...(job === '' ? [] : ['job', job]),
        ...(le === '' ? [] : ['le', le]),
        'zone',
        'z',
      ],
    ),
  timestampMs: fc.tuple(fc.nat(7), fc.nat(20)).map(([hours, steps]) => NOW - hours * HOUR_MS - steps * 170_000),
  sample: fc.oneof(
    { weight: 6, arbitrary: fc.oneof(fc.nat(50), fc.double(), fc.constant(STALE)).map((float) => ({ float })) },
    { weight: 1, arbitrary: fc.record({ count: fc.nat(9), isGauge: fc.boolean() }) },
  ),
  startMs: fc.constant(0),
});

/** A request; in some, samples say when their counters began to count. */
export const requestArbitrary: fc.Arbitrary<Write[]> = fc
  .tuple(
    fc.array(writeArbitrary, { minLength: 1, maxLength: 25 }),
    fc.oneof(
      fc.constant([]),
      fc.array(fc.constantFrom(0, NOW - 30 * HOUR_MS, NOW - 30 * HOUR_MS + 1, 1), { minLength: 1 }),
    ),
  )
  .map(([writes, starts]) => writes.map((one, i) => ({ ...one, startMs: starts[i % starts.length] ?? 0 })));

export interface Read {
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
}
export const readArbitrary: fc.Arbitrary<Read> = fc
  .record({
    matchers: fc.constantFrom<readonly Matcher[]>(
      [],
      [{ name: '__name__', type: '=', value: 'up' }],
      [
        { name: 'le', type: '!=', value: '' },
        { name: 'le', type: '=~', value: '0.*|\\+Inf' },
      ],
      [{ name: 'job', type: '!~', value: 'a|b' }],
      [
        { name: 'job', type: '=', value: '' },
        { name: 'zone', type: '=~', value: '.+' },
      ],
      [
        { name: 'job', type: '=~', value: 'a|ä|x' },
        { name: 'le', type: '!=', value: '1' },
      ],
    ),
    a: fc.nat(9 * 60),
    b: fc.nat(9 * 60),
  })
  .map(({ matchers, a, b }) => ({
    matchers,
    startMs: NOW - Math.max(a, b) * 60_000,
    endMs: NOW - Math.min(a, b) * 60_000,
  }));

/** Series by labels, then samples by time. */
export class Model {
  readonly series = new Map<string, { readonly labels: Labels; readonly samples: Map<number, string> }>();

  write(writes: readonly Write[]): void {
    // Within a request a histogram stays where there is a float of the same time.
    const ordered = [...writes].sort((a, b) => Number('count' in a.sample) - Number('count' in b.sample));
    for (const { labels, timestampMs, sample, startMs } of ordered) {
      const key = labelsKey(labels);
      const known = this.series.get(key);
      const text = shown(sample, startMs);
      if (known === undefined) this.series.set(key, { labels, samples: new Map([[timestampMs, text]]) });
      else known.samples.set(timestampMs, text);
    }
  }

  read({ matchers, startMs, endMs }: Read): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const [key, { labels, samples }] of this.series) {
      if (!matchers.every((matcher) => isMatch(matcher, labels))) continue;
      const own = [...samples].filter(([t]) => t >= startMs && t <= endMs).sort((x, y) => x[0] - y[0]);
      if (own.length > 0)
        found.set(
          key,
          own.map(([t, sample]) => `${NOW - t}: ${sample}`),
        );
    }
    return found;
  }
}

function isMatch({ name, type, value }: Matcher, labels: Labels): boolean {
  const at = labels.findIndex((text, i) => i % 2 === 0 && text === name);
  const own = at < 0 ? '' : labels[at + 1]!;
  const equal = type.includes('~') ? new RegExp(`^(?:${value})$`).test(own) : own === value;
  return type.startsWith('!') ? !equal : equal;
}

export async function readDb(db: TimeSeriesDb, read: Read, newestOnly = false): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { labels, timestamps, values, histograms, startTimestamps, ascendingCount = 0 } of await db.select({
    ...read,
    newestOnly,
  })) {
    const rising = values.subarray(0, ascendingCount);
    expect(rising.every((value, i) => value >= (i === 0 ? -Infinity : rising[i - 1]!))).toBe(true);
    expect(found.has(labelsKey(labels))).toBe(false);
    const samples = Array.from(timestamps, (t, i): string => {
      const histogram = histograms?.[i];
      const isGauge = histogram?.counterResetHint === 'gauge';
      const sample = histogram === undefined ? { float: values[i]! } : { count: histogram.count, isGauge };
      return `${NOW - t}: ${shown(sample, startTimestamps?.[i] ?? 0)}`;
    });
    found.set(labelsKey(labels), newestOnly ? samples.slice(-1) : samples);
  }
  return found;
}

export const sorted = <T>(entries: Iterable<[string, T]>): [string, T][] =>
  [...entries].sort((a, b) => compareStrings(a[0], b[0]));

export async function expectReads(db: TimeSeriesDb, model: Model, read: Read): Promise<void> {
  const expected = model.read(read);
  expect(sorted(await readDb(db, read))).toEqual(sorted(expected));
  const newest = [...expected].map(([key, samples]): [string, string[]] => [key, samples.slice(-1)]);
  expect(sorted(await readDb(db, read, true))).toEqual(sorted(newest));
  const request = { matcherSets: [read.matchers], startMs: read.startMs, endMs: read.endMs };
  // A series that has samples before and after the range, and none in it, may be told.
  const keys = new Set((await db.series(request)).map(labelsKey));
  for (const key of expected.keys()) expect(keys).toContain(key);
}

export async function expectLabels(db: TimeSeriesDb, model: Model): Promise<void> {
  const labels = [...model.series.values()].map((series) => series.labels);
  const names = new Set(labels.flatMap((own) => own.filter((_, i) => i % 2 === 0)));
  const everything = { matcherSets: [], startMs: -1e15, endMs: 1e15 };
  expect(await db.labelNames(everything)).toEqual([...names].sort(compareStrings));
  expect((await db.series(everything)).map(labelsKey).sort()).toEqual(labels.map(labelsKey).sort());
  for (const [name, matcherSets] of [
    ['le', []],
    ['job', [[{ name: '__name__', type: '=', value: 'up' }]]],
  ] as const) {
    const matching = labels.filter((own) => matcherSets.length === 0 || isMatch(matcherSets[0]![0], own));
    const values = matching.map((own) => own[own.indexOf(name) + 1]!).filter((_, i) => matching[i]!.includes(name));
    const found = await db.labelValues(name, { ...everything, matcherSets });
    expect(found).toEqual([...new Set(values)].sort(compareStrings));
  }
}
