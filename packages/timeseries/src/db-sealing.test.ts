import { compareStrings, type Labels, labelsKey, type Matcher } from '@opendata/promql';
import { type BlockStore, openStorage, StorageError, silentLogger } from '@opendata/storage';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { NOW, useDatabases } from './db.testing.ts';
import { TimeSeriesDb } from './db.ts';

const HOUR_MS = 3_600_000;
const STALE = new Float64Array(new Uint32Array([2, 0x7ff00000]).buffer)[0]!;
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);

const { newFolder, openDb } = useDatabases({ graceMs: 0 });

/** A float by its bits, so that staleness markers and other NaNs are told apart; or the count of a histogram. */
type Sample = { readonly float: number } | { readonly count: number; readonly isGauge: boolean };
interface Write {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly sample: Sample;
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

function bodyOf(writes: readonly Write[]): Uint8Array {
  const series = writes.map(({ labels, timestampMs, sample }) =>
    'float' in sample
      ? { labels, samples: [{ timestampMs, value: sample.float }] }
      : { labels, samples: [], histograms: [{ timestampMs, histogram: histogramOf(sample) }] },
  );
  return snappyCompress(encodeWriteRequest({ series }));
}

const bits = (value: number): string => Buffer.from(Float64Array.of(value).buffer).toString('hex');
const shown = (sample: Sample): string =>
  'float' in sample ? bits(sample.float) : `histogram of ${sample.count}${sample.isGauge ? ', gauge' : ''}`;

const writeArbitrary: fc.Arbitrary<Write> = fc.record({
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
});

type Action = readonly Write[] | 'seal' | 'seal all' | 'forget' | 'restart';
const actionArbitrary: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.array(writeArbitrary, { minLength: 1, maxLength: 25 }) },
  { weight: 2, arbitrary: fc.constantFrom<Action>('seal', 'seal all') },
  { weight: 2, arbitrary: fc.constant<Action>('forget') },
  { weight: 1, arbitrary: fc.constant<Action>('restart') },
);

interface Read {
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
}
const readArbitrary: fc.Arbitrary<Read> = fc
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
class Model {
  readonly series = new Map<string, { readonly labels: Labels; readonly samples: Map<number, Sample> }>();

  write(writes: readonly Write[]): void {
    // Within a request a histogram stays where there is a float of the same time.
    const ordered = [...writes].sort((a, b) => Number('count' in a.sample) - Number('count' in b.sample));
    for (const { labels, timestampMs, sample } of ordered) {
      const key = labelsKey(labels);
      const known = this.series.get(key);
      if (known === undefined) this.series.set(key, { labels, samples: new Map([[timestampMs, sample]]) });
      else known.samples.set(timestampMs, sample);
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
          own.map(([t, sample]) => `${NOW - t}: ${shown(sample)}`),
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

async function readDb(db: TimeSeriesDb, read: Read, newestOnly = false): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { labels, timestamps, values, histograms, ascendingCount = 0 } of await db.select({
    ...read,
    newestOnly,
  })) {
    const rising = values.subarray(0, ascendingCount);
    expect(rising.every((value, i) => value >= (i === 0 ? -Infinity : rising[i - 1]!))).toBe(true);
    expect(found.has(labelsKey(labels))).toBe(false);
    const samples = Array.from(timestamps, (t, i): string => {
      const histogram = histograms?.[i];
      if (histogram === undefined) return `${NOW - t}: ${bits(values[i]!)}`;
      return `${NOW - t}: ${shown({ count: histogram.count, isGauge: histogram.counterResetHint === 'gauge' })}`;
    });
    found.set(labelsKey(labels), newestOnly ? samples.slice(-1) : samples);
  }
  return found;
}

const sorted = <T>(entries: Iterable<[string, T]>): [string, T][] =>
  [...entries].sort((a, b) => compareStrings(a[0], b[0]));

async function expectReads(db: TimeSeriesDb, model: Model, read: Read): Promise<void> {
  const expected = model.read(read);
  expect(sorted(await readDb(db, read))).toEqual(sorted(expected));
  const newest = [...expected].map(([key, samples]): [string, string[]] => [key, samples.slice(-1)]);
  expect(sorted(await readDb(db, read, true))).toEqual(sorted(newest));
  const request = { matcherSets: [read.matchers], startMs: read.startMs, endMs: read.endMs };
  // A series that has samples before and after the range, and none in it, may be told.
  const keys = new Set((await db.series(request)).map(labelsKey));
  for (const key of expected.keys()) expect(keys).toContain(key);
}

async function expectLabels(db: TimeSeriesDb, model: Model): Promise<void> {
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

describe('a database that seals', () => {
  it(
    'holds what a map holds, over seals, merges and restarts',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(actionArbitrary, { minLength: 1, maxLength: 14 }),
          fc.array(readArbitrary, { minLength: 4, maxLength: 8 }),
          async (actions, reads) => {
            const config = newFolder();
            let db = await openDb(config);
            const model = new Model();
            for (const [i, action] of actions.entries()) {
              if (action === 'restart') {
                await db.close();
                db = await openDb(config);
              } else if (action === 'seal' || action === 'seal all') {
                await db.seal(action === 'seal' ? 'complete' : 'all');
              } else if (action === 'forget') {
                await db.forgetSeries();
                await Promise.all([db.forgetSeries(), expectReads(db, model, reads[0]!)]);
                if (db.stats().windows === 0) expect(db.stats().series).toBe(0);
              } else {
                await db.committed(db.remoteWrite(bodyOf(action)).group);
                model.write(action);
              }
              await expectReads(db, model, reads[i % reads.length]!);
            }
            for (const read of reads) await expectReads(db, model, read);
            await expectLabels(db, model);
            await db.close();
          },
        ),
        { numRuns: RUNS },
      );
    },
    60_000 + RUNS * 2000,
  );

  it('goes on with sealing and merging after an error of the storage', async () => {
    let nowMs = NOW;
    const storage = await openStorage(newFolder(), { logger: silentLogger });
    let failures = 1;
    const { blocks } = storage;
    const failing: BlockStore = {
      list: () => blocks.list(),
      readPages: (...place) => blocks.readPages(...place),
      publish: (...block) => blocks.publish(...block),
      remove: (ids) => blocks.remove(ids),
      create(kind, options) {
        if (nowMs > NOW && failures-- > 0) throw new StorageError('internal', 'something went wrong');
        return blocks.create(kind, options);
      },
    };
    const parts = { storage: { ...storage, blocks: failing }, logger: silentLogger, now: () => nowMs, graceMs: 0 };
    const db = await TimeSeriesDb.open(parts);
    for (const value of [1, 2]) {
      const labels = ['__name__', 'up'];
      await db.committed(
        db.remoteWrite(bodyOf([{ labels, timestampMs: NOW + value, sample: { float: value } }])).group,
      );
      await db.seal('all');
    }
    expect(db.stats().blocks).toBe(2);
    nowMs += 2 * HOUR_MS;
    await vi.waitUntil(() => db.stats().blocks === 1, { timeout: 30_000 });
    expect(db.stats().sealing).toMatchObject({ merges: 1, failures: 1 });
    await db.close();
  }, 60_000);

  it('goes on with sealing while queries come all the time, and lets them in between', async () => {
    const db = await openDb(newFolder());
    const samples = Array.from({ length: 40_000 }, (_, i) => ({
      labels: ['__name__', 'm', 'i', String(i % 4000)],
      timestampMs: NOW - 2 * HOUR_MS + Math.floor(i / 4000) * 1000,
      sample: { float: i * 1.7 },
    }));
    for (let at = 0; at < samples.length; at += 4000) {
      await db.committed(db.remoteWrite(bodyOf(samples.slice(at, at + 4000))).group);
    }
    const found = new Set<number>();
    await vi.waitUntil(
      async () => {
        found.add((await db.select({ matchers: [], startMs: 0, endMs: NOW })).length);
        return db.stats().sealing.seals > 0;
      },
      { timeout: 100_000, interval: 1 },
    );
    expect([...found]).toEqual([4000]);
    expect(db.stats()).toMatchObject({ windows: 0, blockSamples: samples.length });
  }, 120_000);

  it('moves samples of complete windows out of memory and into blocks, which merge', async () => {
    const db = await openDb(newFolder());
    const write = (hoursAgo: number, value: number) =>
      db.committed(
        db.remoteWrite(
          bodyOf([{ labels: ['__name__', 'up'], timestampMs: NOW - hoursAgo * HOUR_MS, sample: { float: value } }]),
        ).group,
      );
    await write(0, 1);
    await write(2, 2);
    expect(await db.seal('complete')).toEqual({ sealedBlocks: 1, sealedSamples: 1 });
    expect(db.stats()).toMatchObject({ windows: 1, samples: 1, blocks: 1, blockSamples: 1 });
    await write(3, 3);
    await write(4, 4);
    // Both windows are of the same six hours.
    expect(await db.seal('complete')).toEqual({ sealedBlocks: 1, sealedSamples: 2 });
    expect(db.stats()).toMatchObject({ windows: 1, samples: 1, blocks: 1, blockSamples: 3 });
    await write(4, 5);
    expect(await db.seal('all')).toEqual({ sealedBlocks: 2, sealedSamples: 2 });
    expect(db.stats()).toMatchObject({ windows: 0, samples: 0 });
    const [series] = await db.select({ matchers: [], startMs: 0, endMs: NOW });
    expect([...series!.values]).toEqual([5, 3, 2, 1]);
    // Both ends fall between samples, and the range is empty.
    expect(await db.select({ matchers: [], startMs: NOW - HOUR_MS, endMs: NOW - 2.5 * HOUR_MS })).toEqual([]);
  });
});
