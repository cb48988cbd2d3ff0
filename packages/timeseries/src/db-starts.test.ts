import { createEngine, type Matcher } from '@opendata/promql';
import { encodeWriteRequest2, snappyCompress } from '@opendata/wire';
import { expect, it } from 'vitest';
import { NOW, useDatabases } from './db.testing.ts';
import type { TimeSeriesDb } from './db.ts';
import { createOtlpReceiver } from './otlp/receiver.ts';
import { DEFAULT_OTLP_SETTINGS } from './otlp/settings.ts';
import { UnionReads } from './read/union-reads.ts';

const MINUTE_MS = 60_000;
const ALL: Matcher[] = [];
const { newFolder, openDb } = useDatabases({ graceMs: 0 });

function write(db: TimeSeriesDb, name: string, samples: readonly (readonly [number, number, number])[]): Promise<void> {
  const series = {
    labels: ['__name__', name],
    samples: samples.map(([timestampMs, value, startTimestampMs]) => ({ timestampMs, value, startTimestampMs })),
  };
  return db.committed(db.remoteWrite2(snappyCompress(encodeWriteRequest2([series]))).group);
}

async function startsOf(db: TimeSeriesDb): Promise<Record<string, number[]>> {
  const series = await db.select({ matchers: ALL, startMs: 0, endMs: NOW });
  return Object.fromEntries(series.map(({ labels, startTimestamps = [] }) => [labels[1]!, [...startTimestamps]]));
}

it('counters that started anew are told by their starts, in memory and in blocks', async () => {
  const config = newFolder();
  let db = await openDb(config);
  const at = (minutes: number): number => NOW - 120 * MINUTE_MS + minutes * MINUTE_MS;
  await write(db, 'restarted', [
    [at(0), 10, at(-60)],
    [at(1), 20, at(-60)],
    [at(2), 30, at(1) + 1],
    [at(3), 40, at(1) + 1],
  ]);
  await write(db, 'unknown', [[at(0), 1, 0]]);
  const increase = async (useStartTimestamps: boolean): Promise<number> => {
    const engine = createEngine({ useStartTimestamps, delayedNameRemoval: false });
    const { value } = await engine.instant(db, 'increase(restarted[5m])', at(3));
    return (value as readonly { readonly value: number }[])[0]!.value;
  };
  const before = [await increase(false), await increase(true)];
  expect(before[1]).toBeGreaterThan(before[0]!);
  const starts = { restarted: [at(-60), at(-60), at(1) + 1, at(1) + 1], unknown: [] };
  expect(await startsOf(db)).toEqual(starts);
  await db.close();
  db = await openDb(config);
  expect(await startsOf(db)).toEqual(starts);
  await db.seal('all');
  expect(db.stats()).toMatchObject({ blocks: 1, samples: 0 });
  expect(await startsOf(db)).toEqual(starts);
  expect([await increase(false), await increase(true)]).toEqual(before);
});

it('thousands of series with starts of their own are found again in a block', async () => {
  const db = await openDb({ type: 'InMemory' });
  const count = 12_000;
  const series = Array.from({ length: count }, (_, i) => ({
    labels: ['__name__', `m${i}`],
    samples: [{ timestampMs: NOW - 90 * MINUTE_MS, value: i, startTimestampMs: NOW - 200 * MINUTE_MS - i * 977 }],
  }));
  await db.committed(db.remoteWrite2(snappyCompress(encodeWriteRequest2(series))).group);
  await db.seal('all');
  const found = await startsOf(db);
  expect(Object.keys(found)).toHaveLength(count);
  for (let i = 0; i < count; i += 7) expect(found[`m${i}`]).toEqual([NOW - 200 * MINUTE_MS - i * 977]);
  const one = await db.select({
    matchers: [{ name: '__name__', type: '=', value: 'm11999' }],
    startMs: 0,
    endMs: NOW,
    newestOnly: true,
  });
  expect(one[0]!.startTimestamps).toEqual(Float64Array.of(NOW - 200 * MINUTE_MS - 11_999 * 977));
});

it('are those of each writer where several are read', async () => {
  const parts = [await openDb({ type: 'InMemory' }), await openDb({ type: 'InMemory' })];
  await write(parts[0]!, 'm', [[NOW - 3000, 1, 5000]]);
  await write(parts[1]!, 'm', [[NOW - 2000, 2, 7000]]);
  const [series] = await new UnionReads(parts).select({ matchers: ALL, startMs: 0, endMs: NOW });
  expect(series).toMatchObject({
    values: Float64Array.of(1, 2),
    startTimestamps: Float64Array.of(5000, 7000),
  });
});

it('of OTLP, counters have starts; gauges and deltas that are added up here have none', async () => {
  const db = await openDb({ type: 'InMemory' });
  const receiver = createOtlpReceiver({ settings: DEFAULT_OTLP_SETTINGS, now: () => NOW });
  const point = {
    startTimeUnixNano: `${NOW - 5 * MINUTE_MS}000000`,
    timeUnixNano: `${NOW - MINUTE_MS}000000`,
    asDouble: 1,
  };
  const sum = (name: string, aggregationTemporality: number, isMonotonic: boolean) => ({
    name,
    sum: { dataPoints: [point], aggregationTemporality, isMonotonic },
  });
  const histogram = { ...point, count: '1', sum: 2, bucketCounts: ['1', '0'], explicitBounds: [5] };
  const metrics = [
    sum('counter', 2, true),
    sum('updown', 2, false),
    sum('delta', 1, true),
    { name: 'level', gauge: { dataPoints: [point] } },
    { name: 'sizes', histogram: { dataPoints: [histogram], aggregationTemporality: 2 } },
  ];
  const body = Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }));
  expect(await receiver.receive(db, body, 'json')).toMatchObject({ rejected: 0 });
  const starts = await startsOf(db);
  const withStarts = Object.keys(starts).filter((name) => starts[name]!.length > 0);
  expect(withStarts.sort()).toEqual(['counter_total', 'sizes_bucket', 'sizes_count', 'sizes_sum']);
  expect(starts['counter_total']).toEqual([NOW - 5 * MINUTE_MS]);
});
