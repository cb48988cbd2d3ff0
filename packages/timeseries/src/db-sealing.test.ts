import { type BlockStore, openStorage, StorageError, silentLogger } from '@opendata/storage';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { NOW, useDatabases } from './db.testing.ts';
import { TimeSeriesDb } from './db.ts';
import {
  expectLabels,
  expectReads,
  Model,
  readArbitrary,
  requestArbitrary,
  type Write,
  write,
} from './db-model.testing.ts';

const HOUR_MS = 3_600_000;
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);

const { newFolder, openDb } = useDatabases({ graceMs: 0 });

type Action = readonly Write[] | 'seal' | 'seal all' | 'forget' | 'restart';
const actionArbitrary: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: requestArbitrary },
  { weight: 2, arbitrary: fc.constantFrom<Action>('seal', 'seal all') },
  { weight: 2, arbitrary: fc.constant<Action>('forget') },
  { weight: 1, arbitrary: fc.constant<Action>('restart') },
);

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
                await db.committed(write(db, action));
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
      readAheadBytes: 0,
      list: () => blocks.list(),
      readPages: (...place) => blocks.readPages(...place),
      publish: (...block) => blocks.publish(...block),
      remove: (ids) => blocks.remove(ids),
      create(kind) {
        if (nowMs > NOW && failures-- > 0) throw new StorageError('internal', 'something went wrong');
        return blocks.create(kind);
      },
    };
    const parts = { storage: { ...storage, blocks: failing }, logger: silentLogger, now: () => nowMs, graceMs: 0 };
    const db = await TimeSeriesDb.open(parts);
    for (const value of [1, 2]) {
      const labels = ['__name__', 'up'];
      await db.committed(write(db, [{ labels, timestampMs: NOW + value, sample: { float: value }, startMs: 0 }]));
      await db.seal('all');
    }
    expect(db.stats().blocks).toBe(2);
    nowMs += 2 * HOUR_MS;
    await vi.waitUntil(() => db.stats().blocks === 1, { timeout: 60_000 });
    expect(db.stats().sealing).toMatchObject({ merges: 1, failures: 1 });
    await db.close();
  });

  it('goes on with sealing while queries come all the time, and lets them in between', async () => {
    const db = await openDb(newFolder());
    const samples = Array.from({ length: 40_000 }, (_, i) => ({
      labels: ['__name__', 'm', 'i', String(i % 4000)],
      timestampMs: NOW - 2 * HOUR_MS + Math.floor(i / 4000) * 1000,
      sample: { float: i * 1.7 },
      startMs: 0,
    }));
    for (let at = 0; at < samples.length; at += 4000) {
      await db.committed(write(db, samples.slice(at, at + 4000)));
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
  });

  it('moves samples of complete windows out of memory and into blocks, which merge', async () => {
    const db = await openDb(newFolder());
    const put = (hoursAgo: number, value: number) => {
      const sample = { labels: ['__name__', 'up'], timestampMs: NOW - hoursAgo * HOUR_MS, sample: { float: value } };
      return db.committed(write(db, [{ ...sample, startMs: 0 }]));
    };
    await put(0, 1);
    await put(2, 2);
    expect(await db.seal('complete')).toEqual({ sealedBlocks: 1, sealedSamples: 1 });
    expect(db.stats()).toMatchObject({ windows: 1, samples: 1, blocks: 1, blockSamples: 1 });
    await put(3, 3);
    await put(4, 4);
    // Both windows are of the same six hours.
    expect(await db.seal('complete')).toEqual({ sealedBlocks: 1, sealedSamples: 2 });
    expect(db.stats()).toMatchObject({ windows: 1, samples: 1, blocks: 1, blockSamples: 3 });
    await put(4, 5);
    expect(await db.seal('all')).toEqual({ sealedBlocks: 2, sealedSamples: 2 });
    expect(db.stats()).toMatchObject({ windows: 0, samples: 0 });
    const [series] = await db.select({ matchers: [], startMs: 0, endMs: NOW });
    expect([...series!.values]).toEqual([5, 3, 2, 1]);
    // Both ends fall between samples, and the range is empty.
    expect(await db.select({ matchers: [], startMs: NOW - HOUR_MS, endMs: NOW - 2.5 * HOUR_MS })).toEqual([]);
  });
});
