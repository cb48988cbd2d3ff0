import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Labels, labelsKey, type Matcher } from '@opendata/promql';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, useDatabases } from './db.testing.ts';
import type { TimeSeriesDb } from './db.ts';

const HOUR = 3_600_000;
const ALL: Matcher[] = [{ name: '__name__', type: '=~', value: '.+' }];

const { newFolder, openDb } = useDatabases();

type Write = { labels: Labels; timestampMs: number; value: number }[];

function bodyOf(write: Write): Uint8Array {
  return snappyCompress(
    encodeWriteRequest({
      series: write.map(({ labels, timestampMs, value }) => ({ labels, samples: [{ timestampMs, value }] })),
    }),
  );
}

async function contents(db: TimeSeriesDb, startMs = -1e15, endMs = 1e15): Promise<Map<string, [number, number][]>> {
  const series = await db.select({ matchers: ALL, startMs, endMs });
  return new Map(
    series.map(({ labels, timestamps, values }) => [
      labelsKey(labels),
      Array.from(timestamps, (timestamp, i): [number, number] => [timestamp, values[i]!]),
    ]),
  );
}

const writeArbitrary: fc.Arbitrary<Write> = fc.array(
  fc.record({
    labels: fc
      .tuple(fc.constantFrom('up', 'errors', 'temperature'), fc.constantFrom('a', 'b', 'c'))
      .map(([name, job]): Labels => ['__name__', name, 'job', job]),
    timestampMs: fc.tuple(fc.nat(3), fc.nat(40)).map(([hours, steps]) => NOW - hours * HOUR - steps * 90_000),
    value: fc.double({ noDefaultInfinity: false, noNaN: true }),
  }),
  { maxLength: 30 },
);

describe('TimeSeriesDb', () => {
  it('holds what a map holds, over restarts', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: writeArbitrary },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const config = newFolder();
        let db = await openDb(config);
        const model = new Map<string, Map<number, number>>();
        for (const action of [...steps, 'restart' as const]) {
          if (action === 'restart') {
            await db.close();
            db = await openDb(config);
          } else {
            const { group, samples } = db.remoteWrite(bodyOf(action));
            expect(samples).toBe(action.length);
            await db.committed(group);
            for (const { labels, timestampMs, value } of action) {
              const key = labelsKey(labels);
              if (!model.has(key)) model.set(key, new Map());
              model.get(key)!.set(timestampMs, value);
            }
          }
          const expected = new Map(
            [...model].map(([key, samples]) => [key, [...samples].sort((a, b) => a[0] - b[0])] as const),
          );
          expect(await contents(db)).toEqual(expected);
        }
        await db.close();
      }),
      { numRuns: 12 },
    );
  });

  it('shares the timestamps of series that were scraped together', async () => {
    const db = await openDb({ type: 'InMemory' });
    for (let i = 0; i < 30; i++) {
      const timestampMs = NOW - 10 * HOUR + i * 15_000;
      const labels = ['a', 'b', 'c'].map((job): Labels => ['__name__', 'up', 'job', job]);
      db.remoteWrite(bodyOf(labels.map((l) => ({ labels: l, timestampMs, value: i }))));
    }
    const series = await db.select({ matchers: ALL, startMs: NOW - 20 * HOUR, endMs: NOW });
    expect(series.length).toBe(3);
    expect(series[0]!.timestamps).toBe(series[1]!.timestamps);
    expect(series[0]!.timestamps).toBe(series[2]!.timestamps);
    expect(series[0]!.timestamps.length).toBe(30);
  });

  it('stores nothing of a request that is refused', async () => {
    const db = await openDb({ type: 'InMemory' }, { retentionMs: 24 * HOUR });
    const good = { labels: ['__name__', 'good'], timestampMs: NOW, value: 1 };
    const refuse = (bad: Write[number], message: string) =>
      expect(() => db.remoteWrite(bodyOf([good, bad]))).toThrow(message);
    refuse({ labels: ['a', 'b'], timestampMs: NOW, value: 1 }, 'series without a metric name');
    refuse(
      { labels: ['__name__', 'm', 'a', 'b', 'a', 'b'], timestampMs: NOW, value: 1 },
      'label name "a" is not unique',
    );
    refuse({ ...good, timestampMs: NOW + 11 * 60_000 }, 'more than 10 minutes in the future');
    refuse({ ...good, timestampMs: NOW - 25 * HOUR }, 'older than the retention');
    refuse({ ...good, timestampMs: -9e15 }, 'out of range');
    expect(await contents(db)).toEqual(new Map());
    expect(db.refusedSamples).toBe(10);
    const range = { matcherSets: [], startMs: -1e15, endMs: 1e15 };
    expect(await db.labelNames(range)).toEqual([]);
    expect(await db.labelValues('__name__', range)).toEqual([]);
    expect(await db.series(range)).toEqual([]);
  });

  it('takes a request that spans windows as a whole, also where it is larger than the budget of the journal', async () => {
    const config = newFolder();
    const { path } = config.object_store;
    const settings_path = join(path, 'slatedb.yaml');
    writeFileSync(settings_path, 'max_unflushed_bytes: 65536\n');
    const small = { ...config, settings_path };
    let db = await openDb(small);
    const write = (name: string, count: number): Write =>
      Array.from({ length: count }, (_, i) => ({
        labels: ['__name__', `${name}_${i}`, 'padding', `${Math.imul(i + 1, 0x9e3779b1)}`.repeat(3)],
        timestampMs: NOW - (i % 2) * HOUR,
        value: i,
      }));
    await db.committed(db.remoteWrite(bodyOf(write('large', 4000))).group);
    await db.committed(db.remoteWrite(bodyOf(write('small', 4))).group);
    const before = await contents(db);
    expect(before.size).toBe(4004);
    await db.close();
    db = await openDb(small);
    expect(await contents(db)).toEqual(before);
  });

  it('takes samples of many windows in one request, but not of any number', async () => {
    const db = await openDb({ type: 'InMemory' });
    const hours = (count: number): Write =>
      Array.from({ length: count }, (_, i) => ({ labels: ['__name__', 'm'], timestampMs: NOW - i * HOUR, value: i }));
    const exemplar = { labels: ['trace_id', 'x'], value: 1, timestampMs: NOW };
    const withExemplar = hours(2049).map(({ labels, ...sample }, i) => ({
      labels,
      samples: [sample],
      exemplars: i === 0 ? [exemplar] : [],
    }));
    const message = 'samples of more than 2048 windows of 3600 s in one request';
    expect(() => db.remoteWrite(bodyOf(hours(2049)))).toThrow(message);
    expect(() => db.remoteWrite(snappyCompress(encodeWriteRequest({ series: withExemplar })))).toThrow(message);
    expect(await contents(db)).toEqual(new Map());
    expect(db.stats().windows).toBe(0);
    await db.committed(db.remoteWrite(bodyOf(hours(2048))).group);
    expect(db.stats().windows).toBe(2048);
  });

  it('refuses writes while the head is over its budget', async () => {
    const db = await openDb({ type: 'InMemory' }, { headBudgetBytes: 1000 });
    const write = bodyOf([{ labels: ['__name__', 'm'], timestampMs: NOW, value: 1 }]);
    expect(() => db.remoteWrite(write)).toThrow("the head's memory budget is used up");
    expect(await contents(db)).toEqual(new Map());
  });

  it('drops windows that are older than the retention, for good', async () => {
    const config = newFolder();
    let db = await openDb(config);
    const write = [1, 3, 5].map((hours) => ({
      labels: ['__name__', 'm'],
      timestampMs: NOW - hours * HOUR,
      value: hours,
    }));
    await db.committed(db.remoteWrite(bodyOf(write)).group);
    await db.close();
    db = await openDb(config, { retentionMs: 2 * HOUR });
    expect(db.stats().windows).toBe(1);
    await db.close();
    db = await openDb(config);
    expect([...(await contents(db)).values()]).toEqual([[[NOW - HOUR, 1]]]);
    // A late sample opens a dropped window again, on another lane.
    await db.committed(
      db.remoteWrite(bodyOf([{ labels: ['__name__', 'm'], timestampMs: NOW - 5 * HOUR, value: 7 }])).group,
    );
    await db.close();
    db = await openDb(config);
    expect([...(await contents(db)).values()]).toEqual([
      [
        [NOW - 5 * HOUR, 7],
        [NOW - HOUR, 1],
      ],
    ]);
  });

  it('answers label names, values and series within a time range', async () => {
    const db = await openDb({ type: 'InMemory' });
    const at = (hours: number, ...labels: string[]) => ({ labels, timestampMs: NOW - hours * HOUR, value: 1 });
    db.remoteWrite(
      bodyOf([
        at(0, '__name__', 'new', 'job', 'x', 'zone', '1'),
        at(9, '__name__', 'old', 'job', 'y', 'disk', 'sda'),
        at(9, '__name__', 'old', 'job', 'x', 'disk', 'sdb'),
      ]),
    );
    const recent = { matcherSets: [], startMs: NOW - HOUR, endMs: NOW };
    const all = { ...recent, startMs: NOW - 20 * HOUR };
    expect(await db.labelNames(recent)).toEqual(['__name__', 'job', 'zone']);
    expect(await db.labelNames(all)).toEqual(['__name__', 'disk', 'job', 'zone']);
    expect(await db.labelValues('job', recent)).toEqual(['x']);
    expect(await db.labelValues('job', all)).toEqual(['x', 'y']);
    const matched = { ...all, matcherSets: [[{ name: 'disk', type: '=' as const, value: 'sdb' }]] };
    expect(await db.labelNames(matched)).toEqual(['__name__', 'disk', 'job']);
    expect(await db.labelValues('job', matched)).toEqual(['x']);
    expect(await db.series(matched)).toEqual([['__name__', 'old', 'disk', 'sdb', 'job', 'x']]);
    expect((await db.series(all)).length).toBe(3);
  });
});
