import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStorageError, openStorage, type StorageConfig, silentLogger } from '@opendata/storage';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb } from '../db.ts';
import { ReplicaDb } from './replica-db.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);
const days = 12;
const kept = 5;
const seriesCount = 20;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One sample a day of each series. */
function bodyOf(day: number): Uint8Array {
  const series = Array.from({ length: seriesCount }, (_, id) => ({
    labels: ['__name__', 'm', 'id', String(id)],
    samples: [{ timestampMs: NOW - (days - day) * DAY_MS, value: day }],
    exemplars: [],
  }));
  return snappyCompress(encodeWriteRequest({ series }));
}

/** A writer with a block a day, and a replica that has no pages in its caches. */
async function openBoth(removalGraceMs: number) {
  const folder = mkdtempSync(join(tmpdir(), 'replica-retention-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const config: StorageConfig = {
    type: 'SlateDb',
    path: 'ts',
    object_store: { type: 'Local', path: folder },
    page_cache_bytes: 0,
  };
  const storage = await openStorage(config, { logger: silentLogger, removalGraceMs });
  const writer = await TimeSeriesDb.open({ storage, logger: silentLogger, now: () => NOW, graceMs: 0 });
  cleanups.push(() => writer.close());
  for (let day = 0; day < days; day++) {
    writer.remoteWrite(bodyOf(day));
    await writer.seal('all');
  }
  const replica = new ReplicaDb({ storage: config, logger: silentLogger, refreshMs: 50, now: () => NOW });
  cleanups.push(() => replica.close());
  await replica.caughtUp;
  return { storage, replica };
}

/** The days that a read shows, the same for every series; or the code of the error that it ends with. */
async function readDays(replica: ReplicaDb): Promise<readonly number[] | string> {
  try {
    const found = await replica.select({
      matchers: [{ name: '__name__', type: '=', value: 'm' }],
      startMs: 0,
      endMs: NOW,
    });
    const shown = found.map(({ values }) => [...values]);
    for (const values of shown) expect(values).toEqual(shown[0]);
    expect(found.length === seriesCount || found.length === 0).toBe(true);
    return shown[0] ?? [];
  } catch (error) {
    if (isStorageError(error)) return error.code;
    throw error;
  }
}

describe('queries on a replica while the writer removes what is past the retention', () => {
  it.each([
    ['stay readable for a minute after the removal: every query is answered whole', 60_000],
    ['are gone at once from the store: a query is answered whole or with not_found, which is 503', 0],
  ])('whose blocks %s', async (_name, removalGraceMs) => {
    const { storage, replica } = await openBoth(removalGraceMs);
    let isDone = false;
    const outcomes: (readonly number[] | string)[] = [];
    const readers = Array.from({ length: 3 }, async () => {
      while (!isDone) {
        outcomes.push(await readDays(replica));
        await sleep(2);
      }
    });
    for (let removed = 0; removed < days - kept; removed++) {
      const oldest = [...storage.blocks.list()].sort((a, b) => a.id - b.id)[0]!;
      await storage.blocks.remove([oldest.id]);
      await storage.sweep();
      await sleep(40);
    }
    let last = await readDays(replica);
    while (last.length !== kept) {
      await sleep(20);
      last = await readDays(replica);
    }
    isDone = true;
    await Promise.all(readers);

    expect(last).toEqual([7, 8, 9, 10, 11]);
    for (const outcome of outcomes) {
      if (typeof outcome === 'string') {
        expect([removalGraceMs, outcome]).toEqual([0, 'not_found']);
        continue;
      }
      // The newest days, and nothing missing between them.
      expect(outcome).toEqual(Array.from({ length: outcome.length }, (_, i) => days - outcome.length + i));
    }
    expect(outcomes.filter((outcome) => outcome.length >= kept).length).toBeGreaterThan(0);
  });
});
