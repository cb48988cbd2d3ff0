import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Db, type ObjectStore } from '@slatedb/uniffi';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { crashImage } from './crash-image.testing.ts';
import type { Engine } from './engine.ts';
import { bytes } from './open-storage.testing.ts';
import { slateSettings } from './settings.ts';
import { resolveStore, type SlateTarget } from './slatedb.ts';
import { openSlateEngine } from './slatedb-engine.ts';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-table-'));
  store = resolveStore(at(''));
});
afterEach(async () => {
  vi.restoreAllMocks();
  store.dispose();
  await rm(folder, { recursive: true, force: true });
});

const at = (path: string): SlateTarget => ({ url: pathToFileURL(folder).href, path, env: {}, description: folder });

const open = (path: string, commitsPerTable: number): Promise<Engine> =>
  openSlateEngine(at(path), {
    settings: slateSettings({}).engine,
    deadlineMs: 10_000,
    openDeadlineMs: 10_000,
    memoryLimitBytes: 2 ** 30,
    commitsPerTable,
    blockCache: false,
    preflight: false,
    store,
  });

/** Those of the keys that are there when a crash has left `parts`. */
async function keysAfterCrash(
  image: string,
  keys: readonly Uint8Array[],
  parts?: readonly string[],
): Promise<Uint8Array[]> {
  await crashImage(join(folder, 'db'), join(folder, image), parts);
  const engine = await open(image, 1000);
  const found = await Promise.all(keys.map((key) => engine.get(key)));
  await engine.close();
  return keys.filter((_, index) => found[index] !== undefined);
}

it('ends a table between two batches, also where the next one is on its way already', async () => {
  const engine = await open('db', 1000);
  const keys = ['before', 'with', 'overlapping', 'behind'].map(bytes);
  const [before, last, overlapping, behind] = keys.map((key) => ({ key, value: bytes('value') }));
  await engine.write([before!]);
  const ending = engine.write([last!], { endsTable: true });
  await Promise.all([ending.then(() => engine.write([behind!])), engine.write([overlapping!])]);
  const tables = ['manifest', 'compactions', 'compacted'];
  let attempt = 0;
  await expect
    .poll(() => keysAfterCrash(`tables-${attempt++}`, keys, tables), { interval: 50 })
    .toEqual(keys.slice(0, 3));
  expect(await keysAfterCrash('everything', keys)).toEqual(keys);
  await engine.close();
});

it('loses nothing acknowledged by a crash while tables end, commit after commit', async () => {
  const engine = await open('db', 1);
  const keys = Array.from({ length: 120 }, (_, n) => bytes(`key-${n}`));
  const acknowledged: Uint8Array[] = [];
  const images: { readonly name: string; readonly acknowledged: number }[] = [];
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < keys.length) {
      const key = keys[next++]!;
      await engine.write(
        Array.from({ length: 40 }, (_, n) => ({ key: n === 0 ? key : bytes(`row-${n}`), value: key })),
      );
      acknowledged.push(key);
    }
  };
  const crashes = async (): Promise<void> => {
    while (acknowledged.length < keys.length) {
      const image = { name: `image-${images.length}`, acknowledged: acknowledged.length };
      await crashImage(join(folder, 'db'), join(folder, image.name));
      images.push(image);
    }
  };
  await Promise.all([writer(), writer(), crashes()]);
  await engine.close();
  const every = Math.ceil(images.length / 12);
  for (const { name, acknowledged: count } of images.filter((_, index) => index % every === 0)) {
    const image = await open(name, 1000);
    const found = await Promise.all(acknowledged.slice(0, count).map((key) => image.get(key)));
    await image.close();
    expect(found.filter((value) => value === undefined)).toEqual([]);
  }
});

it('puts nothing into a table that is being ended', async () => {
  const engine = await open('db', 2);
  const { write_with_options: put, flush_with_options: flushTable, flush: flushLog } = Db.prototype;
  const overlaps: string[] = [];
  let puts = 0;
  let ending: 'no' | 'asked' | 'yes' = 'no';
  let ended = 0;
  vi.spyOn(Db.prototype, 'write_with_options').mockImplementation(async function (this: Db, ...args) {
    if (ending !== 'no') overlaps.push('a batch is put into a table that is being ended');
    puts++;
    return put.apply(this, args).finally(() => puts--);
  });
  vi.spyOn(Db.prototype, 'flush_with_options').mockImplementation(async function (this: Db, ...args) {
    if (puts > 0) overlaps.push('a table is ended while a batch is put into it');
    ending = 'asked';
    return flushTable.apply(this, args);
  });
  vi.spyOn(Db.prototype, 'flush').mockImplementation(async function (this: Db) {
    if (ending !== 'asked') return flushLog.apply(this);
    ending = 'yes';
    await flushLog.apply(this);
    ending = 'no';
    ended++;
  });
  let left = 100;
  const writer = async (): Promise<void> => {
    while (left-- > 0) await engine.write([{ key: bytes(`key-${left}`), value: bytes('value') }]);
  };
  await Promise.all([writer(), writer()]);
  expect(overlaps).toEqual([]);
  expect(ended).toBeGreaterThan(5);
  await engine.close();
});
