import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, type Storage, type StorageConfig, silentLogger } from '@opendata/storage';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb, type TimeSeriesDbOptions } from './db.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 0, 1, 12);
const ALL = { matchers: [], startMs: -1e15, endMs: 1e15 };

const folders: string[] = [];
const open: TimeSeriesDb[] = [];

afterEach(async () => {
  for (const db of open.splice(0)) await db.close().catch(() => undefined);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): StorageConfig {
  const path = mkdtempSync(join(tmpdir(), 'timeseries-blocks-'));
  folders.push(path);
  return { type: 'SlateDb', path: 'ts', object_store: { type: 'Local', path } };
}

async function openDb(
  config: StorageConfig,
  options: Partial<TimeSeriesDbOptions> = {},
  wrap: (storage: Storage) => Storage = (storage) => storage,
): Promise<TimeSeriesDb> {
  const storage = wrap(await openStorage(config, { logger: silentLogger }));
  const db = await TimeSeriesDb.open({ storage, logger: silentLogger, now: () => NOW, graceMs: 0, ...options });
  open.push(db);
  return db;
}

/** One sample of each of some series. */
function bodyOf(timestampMs: number, seriesCount = 1, traceId?: string): Uint8Array {
  const exemplars = traceId === undefined ? [] : [{ labels: ['trace_id', traceId], value: 1, timestampMs }];
  return snappyCompress(
    encodeWriteRequest({
      series: Array.from({ length: seriesCount }, (_, i) => ({
        labels: ['__name__', 'm', 'id', String(i)],
        samples: [{ timestampMs, value: i }],
        exemplars,
      })),
    }),
  );
}

const timesOf = async (db: TimeSeriesDb): Promise<number[]> => {
  const [series] = await db.select({ ...ALL, matchers: [{ name: 'id', type: '=', value: '0' }] });
  return [...(series?.timestamps ?? [])].map((timestamp) => NOW - timestamp);
};

describe('blocks of a database', () => {
  it('keep exemplars over seals, merges and restarts', async () => {
    const config = newFolder();
    let db = await openDb(config);
    const exemplars = async () =>
      (await db.exemplars([[]], -1e15, 1e15)).flatMap((series) => series.exemplars.map(({ labels }) => labels[1]));
    db.remoteWrite(bodyOf(NOW - 5 * HOUR_MS, 1, 'first'));
    await db.seal('all');
    db.remoteWrite(bodyOf(NOW - 4 * HOUR_MS, 1, 'second'));
    await db.seal('complete');
    expect(db.stats()).toMatchObject({ blocks: 1, samples: 0 });
    db.remoteWrite(bodyOf(NOW, 1, 'third'));
    expect(await exemplars()).toEqual(['first', 'second', 'third']);
    await db.close();
    db = await openDb(config);
    expect(await exemplars()).toEqual(['first', 'second', 'third']);
  });

  it('hide nothing from reads while they are written, merged and replace each other', async () => {
    const db = await openDb(newFolder());
    const seriesCount = 3000;
    let samples = 0;
    for (const hours of [30, 31, 33, 37, 40, 41]) {
      db.remoteWrite(bodyOf(NOW - hours * HOUR_MS, seriesCount));
      samples++;
      let isSealing = true;
      const sealing = db.seal('complete').finally(() => {
        isSealing = false;
      });
      while (isSealing) {
        const found = await db.select(ALL);
        expect(found).toHaveLength(seriesCount);
        expect(found.every(({ timestamps }) => timestamps.length === samples)).toBe(true);
        expect(await db.series({ matcherSets: [], startMs: -1e15, endMs: 1e15 })).toHaveLength(seriesCount);
      }
      await sealing;
    }
    expect(db.stats()).toMatchObject({ samples: 0, blockSamples: samples * seriesCount });
  });

  it('go when all of their samples are past the retention, and reads end exactly there', async () => {
    const config = newFolder();
    let now = NOW;
    const db = await openDb(config, { retentionMs: 3 * HOUR_MS, now: () => now });
    for (const hours of [0.5, 1.5, 2.5]) db.remoteWrite(bodyOf(NOW - hours * HOUR_MS));
    await db.seal('all');
    expect(await timesOf(db)).toEqual([2.5 * HOUR_MS, 1.5 * HOUR_MS, 0.5 * HOUR_MS]);
    now = NOW + HOUR_MS;
    expect(await timesOf(db)).toEqual([1.5 * HOUR_MS, 0.5 * HOUR_MS]);
    now = NOW + 4 * HOUR_MS;
    expect(await timesOf(db)).toEqual([]);
    await db.close();
    const later = await openDb(config, { retentionMs: 3 * HOUR_MS, now: () => now });
    expect(later.stats()).toMatchObject({ blocks: 0, blockBytes: 0 });
  });

  it('go oldest first where they are over the size', async () => {
    const config = newFolder();
    const db = await openDb(config);
    for (const hours of [30, 60, 90]) {
      db.remoteWrite(bodyOf(NOW - hours * HOUR_MS, 500));
      await db.seal('complete');
    }
    const { blockBytes } = db.stats();
    expect(db.stats()).toMatchObject({ blocks: 3 });
    await db.close();
    const limited = await openDb(config, { retentionBytes: Math.ceil(blockBytes * 0.7) });
    expect(limited.stats()).toMatchObject({ blocks: 2 });
    expect(await timesOf(limited)).toEqual([60 * HOUR_MS, 30 * HOUR_MS]);
  });

  it('that are damaged are reported with their place, and the others are still read', async () => {
    const config = newFolder();
    let db = await openDb(config);
    for (const hours of [30, 60]) {
      db.remoteWrite(bodyOf(NOW - hours * HOUR_MS, 200));
      await db.seal('complete');
    }
    const before = db.stats().blocks;
    await db.close();
    // As the storage answers for a page whose checksum is wrong.
    db = await openDb(config, {}, (storage) => {
      const [damaged] = storage.blocks.list();
      const blocks = Object.create(storage.blocks) as typeof storage.blocks;
      blocks.list = () => storage.blocks.list();
      blocks.publish = (...args) => storage.blocks.publish(...args);
      blocks.create = (...args) => storage.blocks.create(...args);
      blocks.remove = (...args) => storage.blocks.remove(...args);
      blocks.readPages = async (block, first, count, signal) => {
        const pages = await storage.blocks.readPages(block, first, count, signal);
        if (block !== damaged!.id) return pages;
        return pages.map((page) => {
          const changed = page.slice();
          changed[0] = 9;
          return changed;
        });
      };
      return { ...storage, blocks };
    });
    expect(db.stats().blocks).toBe(before);
    await expect(db.select(ALL)).rejects.toThrow(/^block \d+, page \d+: damaged page at byte 0: unknown version 9/);
    expect(await timesUpTo(db, NOW - 40 * HOUR_MS)).toEqual([60 * HOUR_MS]);
  });
});

async function timesUpTo(db: TimeSeriesDb, endMs: number): Promise<number[]> {
  const [series] = await db.select({ ...ALL, endMs });
  return [...series!.timestamps].map((timestamp) => NOW - timestamp);
}
