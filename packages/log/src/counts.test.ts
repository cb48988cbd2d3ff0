import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, type Storage } from '@opendata/storage';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { silentLogger } from './logger.ts';
import { openLogOn } from './open-log.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'counts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function storageIn(path: string): Promise<Storage> {
  const storage = await openStorage(
    { type: 'SlateDb', path: 'data', object_store: { type: 'Local', path } },
    { logger: silentLogger },
  );
  onTestFinished(() => storage.close());
  return storage;
}

const pagesRead = (storage: Storage): number =>
  storage.metrics().find(({ name }) => name === 'storage_page_cache_misses_total')!.samples[0]!.value;

it('counts exactly where the records of a key are in many pages of the directory', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.nat(4), { minLength: 20, maxLength: 60 }),
    fc.array(fc.tuple(fc.nat(70), fc.nat(70)), { minLength: 20, maxLength: 20 }),
    async (names, ranges) => {
      const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
      const log = await openLogOn(storage);
      // Keys so long that a directory page has three entries, values so large that each has a page of its own.
      const key = (name: number) => Buffer.from('k'.repeat(20_000) + String(name));
      for (const name of names) await log.append([{ key: key(name), value: Buffer.alloc(70_000) }]);
      log.sealActive();
      await log.sealed();
      for (const [start, end] of ranges) {
        for (let name = 0; name < 6; name++) {
          const expected = names.filter((each, i) => each === name && i >= start && i < end).length;
          expect(await log.count(key(name), { start, end })).toBe(expected);
        }
      }
      await log.close();
      await storage.close();
    },
  );
  await fc.assert(property, { numRuns: 8 });
});

it('counts without reading a page, after a seal and after a restart', async () => {
  const keys = 6000;
  /** Two segments with two pages of the directory and one of the filter. */
  const indexPages = 6;
  const folder = newFolder();
  const first = await storageIn(folder);
  const key = (n: number) => Buffer.from(`key-${n}`);
  const countAll = async (log: { count(key: Uint8Array): Promise<number> }): Promise<number> => {
    let count = 0;
    for (let n = 0; n < keys; n++) count += await log.count(key(n));
    return count;
  };
  const log = await openLogOn(first);
  for (let round = 0; round < 2; round++) {
    await log.append(Array.from({ length: keys }, (_, n) => ({ key: key(n), value: Buffer.alloc(10) })));
    log.sealActive();
    await log.sealed();
  }
  expect(await countAll(log)).toBe(2 * keys);
  expect(pagesRead(first)).toBe(0);
  await log.close();
  await first.close();
  const second = await storageIn(folder);
  const again = await openLogOn(second);
  onTestFinished(() => again.close());
  await vi.waitUntil(() => pagesRead(second) === indexPages, { timeout: 60_000 });
  expect(await countAll(again)).toBe(2 * keys);
  expect(pagesRead(second)).toBe(indexPages);
});
