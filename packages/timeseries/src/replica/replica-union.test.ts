import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '@opendata/promql';
import { openStorage, type StorageConfig, silentLogger } from '@opendata/storage';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb } from '../db.ts';
import { type FollowedReads, followAll } from './replica-union.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Sample {
  readonly labels: readonly string[];
  readonly timestampMs: number;
  readonly value: number;
}

function createFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'replica-union-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return (path: string): StorageConfig => ({ type: 'SlateDb', path, object_store: { type: 'Local', path: folder } });
}

async function openWriter(config: StorageConfig) {
  const storage = await openStorage(config, { logger: silentLogger });
  const db = await TimeSeriesDb.open({ storage, logger: silentLogger, now: () => NOW });
  cleanups.push(() => db.close());
  return {
    db,
    async write(samples: readonly Sample[]) {
      const series = samples.map(({ labels, timestampMs, value }) => ({
        labels: [...labels],
        samples: [{ timestampMs, value }],
        exemplars: [],
      }));
      db.remoteWrite(snappyCompress(encodeWriteRequest({ series })));
      await db.flush();
    },
  };
}

async function follow(config: StorageConfig, paths: readonly string[]): Promise<FollowedReads> {
  const replica = followAll({ storage: config, logger: silentLogger, refreshMs: 50, now: () => NOW }, paths);
  cleanups.push(() => replica.close());
  await replica.caughtUp;
  return replica;
}

const everything = { matcherSets: [], startMs: 0, endMs: NOW };
const only = (instance: string) => ['__name__', 'm', 'instance', instance];

describe('a replica of the databases of several writers', () => {
  it('reads them as one: series of each, and the samples of all for a series that several have', async () => {
    const at = createFolder();
    const [a, b] = [await openWriter(at('a')), await openWriter(at('b'))];
    const shared = ['__name__', 'm', 'instance', 'shared'];
    await a.write([
      { labels: only('a'), timestampMs: NOW, value: 1 },
      { labels: shared, timestampMs: NOW - 3 * MINUTE, value: 10 },
      { labels: shared, timestampMs: NOW - 2 * MINUTE, value: 11 },
    ]);
    await b.write([
      { labels: only('b'), timestampMs: NOW, value: 2 },
      { labels: ['__name__', 'other', 'zone', 'z'], timestampMs: NOW, value: 3 },
      { labels: shared, timestampMs: NOW - 2 * MINUTE, value: 999 },
      { labels: shared, timestampMs: NOW - MINUTE, value: 12 },
    ]);
    await b.db.seal('all');
    const replica = await follow(at('a'), ['b']);

    expect(await replica.labelValues('instance', everything)).toEqual(['a', 'b', 'shared']);
    expect(await replica.labelNames(everything)).toEqual(['__name__', 'instance', 'zone']);
    expect(await replica.series(everything)).toHaveLength(4);
    const [series, ...others] = await replica.select({
      matchers: [{ name: 'instance', type: '=', value: 'shared' }],
      startMs: 0,
      endMs: NOW,
    });
    expect(others).toEqual([]);
    // Of two samples with the same time that of the first path stays.
    expect([...series!.values]).toEqual([10, 11, 12]);

    const engine = createEngine({});
    const sum = await engine.instant(replica, 'sum(m)', NOW);
    expect(sum).toMatchObject({ value: [{ value: 1 + 2 + 12 }] });
    // In memory are those of the first only: the others are in blocks of two hours.
    expect(replica.stats()).toMatchObject({ series: 2, blocks: 2, blockSamples: 4 });
    expect(replica.headTimes().maxMs).toBe(NOW);
    expect((await replica.cardinality(10)).seriesByMetric).toEqual([{ name: 'm', value: 2 }]);
    expect((await replica.newestBlockCardinality(10))?.series).toBe(2);
  });

  it('follows each of them', async () => {
    const at = createFolder();
    const [a, b] = [await openWriter(at('a')), await openWriter(at('b'))];
    await a.write([{ labels: only('a'), timestampMs: NOW, value: 1 }]);
    const replica = await follow(at('a'), ['b']);
    await b.write([{ labels: only('b'), timestampMs: NOW, value: 2 }]);
    await expect.poll(() => replica.labelValues('instance', everything)).toEqual(['a', 'b']);
  });

  it('is not ready before it has caught up with all of them, and says with which', async () => {
    const at = createFolder();
    await openWriter(at('a'));
    const replica = followAll({ storage: at('a'), logger: silentLogger, refreshMs: 50, now: () => NOW }, ['b']);
    cleanups.push(() => replica.close());
    await expect.poll(() => replica.health().detail).toMatch(/^b: .*no database/);
    expect(replica.isCaughtUp).toBe(false);
    await openWriter(at('b'));
    await replica.caughtUp;
    expect(replica.health().state).toBe('ok');
    await replica.checkReadable();
  });

  it('has the metrics of each, with its path', async () => {
    const at = createFolder();
    await openWriter(at('a'));
    await openWriter(at('b'));
    const families = (await follow(at('a'), ['b'])).storageMetrics();
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
    const caughtUp = families.find(({ name }) => name === 'replica_caught_up');
    expect(caughtUp?.samples.map(({ labels, value }) => [labels['path'], value])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });
});
