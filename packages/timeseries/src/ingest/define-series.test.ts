import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';
import type { TimeSeriesDb } from '../db.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import type { SampleColumns } from './head-writer.ts';

const { newFolder, openDb } = useDatabases();
const HOUR_MS = 3_600_000;
const MANY = 10_000;

function samplesOf(db: TimeSeriesDb, count: number, timestampMs: number, value = 1): SampleColumns {
  return {
    series: Uint32Array.from({ length: count }, (_, i) => db.seriesId(encodeLabels(['__name__', 'm', 'i', String(i)]))),
    timestamps: new Float64Array(count).fill(timestampMs),
    values: new Float64Array(count).fill(value),
    count,
  };
}

/** Everything that shows series, over a range that is longer than the window. */
async function seen(db: TimeSeriesDb): Promise<readonly number[]> {
  const matchers = [{ name: '__name__', type: '=', value: 'm' } as const];
  const range = { startMs: NOW - 2 * HOUR_MS, endMs: NOW + 2 * HOUR_MS };
  const labels = { matcherSets: [], ...range };
  const [all, newest, series, names, values] = await Promise.all([
    db.select({ matchers, ...range }),
    db.select({ matchers, ...range, newestOnly: true }),
    db.series({ ...labels, matcherSets: [matchers] }),
    db.labelNames(labels),
    db.labelValues('i', labels),
  ]);
  return [all, newest, series, names, values].map(({ length }) => length);
}

it('gives many series their places in turns, where nobody sees them until they have samples', async () => {
  const db = await openDb(newFolder());
  let isDone = false;
  let turns = 0;
  const samples = samplesOf(db, MANY, NOW);
  const defined = db.defineSeries(samples).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await nextTurn();
    turns++;
  }
  await defined;
  expect(turns).toBeGreaterThan(1);
  expect(db.stats().windows).toBe(1);
  expect(await seen(db)).toEqual([0, 0, 0, 0, 0]);
  await db.committed(db.append({ ...samples, count: 3 }));
  expect(await seen(db)).toEqual([3, 3, 3, 2, 3]);
});

it('keeps the order of places in the journal, whatever is written meanwhile', async () => {
  const config = newFolder();
  const before = await openDb(config);
  const samples = samplesOf(before, MANY, NOW);
  const defined = before.defineSeries(samples);
  const other = before.seriesId(encodeLabels(['__name__', 'other']));
  const values = Float64Array.of(7);
  before.append({ series: Uint32Array.of(other), timestamps: Float64Array.of(NOW), values, count: 1 });
  await defined;
  await before.committed(before.append({ ...samples, series: samples.series.toReversed() }));
  await before.close();
  const db = await openDb(config);
  expect(await seen(db)).toEqual([MANY, MANY, MANY, 2, MANY]);
});

it('starts again and seals where series have got no samples', async () => {
  const config = newFolder();
  const before = await openDb(config);
  await before.defineSeries(samplesOf(before, MANY, NOW));
  await before.flush();
  await before.close();
  const db = await openDb(config);
  expect([db.stats().windows, await seen(db)]).toEqual([1, [0, 0, 0, 0, 0]]);
  expect(await db.seal('all')).toEqual({ sealedBlocks: 0, sealedSamples: 0 });
  expect([db.stats().windows, await seen(db)]).toEqual([0, [0, 0, 0, 0, 0]]);
  const samples = samplesOf(db, MANY, NOW + 1);
  await db.defineSeries(samples);
  await db.committed(db.append({ ...samples, count: 5 }));
  await db.seal('all');
  expect(await seen(db)).toEqual([5, 5, 5, 2, 5]);
});

it('leaves to the write what is of several windows, or cannot be stored', async () => {
  const db = await openDb(newFolder());
  const samples = samplesOf(db, MANY, NOW);
  samples.timestamps[5] = NOW - HOUR_MS;
  await db.defineSeries(samples);
  samples.timestamps.fill(NOW + HOUR_MS);
  await db.defineSeries(samples);
  expect(db.stats().windows).toBe(0);
});
