import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ObjectStore } from '@slatedb/uniffi';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { StorageConfig } from './config.ts';
import { crashImage } from './crash-image.testing.ts';
import type { Engine } from './engine.ts';
import { StorageError } from './errors.ts';
import { createFolderSync } from './folder-sync.ts';
import { silentLogger } from './logger.ts';
import type { WriteFault } from './memory-engine.testing.ts';
import { bytes, codeOf, recoverAll } from './open-storage.testing.ts';
import { slateSettings } from './settings.ts';
import { resolveStore, type SlateTarget } from './slatedb.ts';
import { openSlateEngine } from './slatedb-engine.ts';
import { openStorage, type Storage, startStorage } from './storage.ts';
import { commands, walk } from './storage-model.testing.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'storage-test-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function open(config: StorageConfig): Promise<Storage> {
  const storage = await openStorage(config, { logger: silentLogger, removalGraceMs: 0 });
  cleanups.push(() => storage.close().catch(() => undefined));
  return storage;
}

/** Sizes of the sorted files, in bytes. */
async function tables(folder: string): Promise<number[]> {
  const path = join(folder, 'data/test/compacted');
  const names = await readdir(path).catch(() => []);
  // Others are being written.
  const whole = names.filter((name) => name.endsWith('.sst'));
  return Promise.all(whole.map(async (name) => (await stat(join(path, name))).size));
}

const onFolder = (path: string, fsync = false): StorageConfig => ({
  type: 'SlateDb',
  path: 'data/test',
  object_store: { type: 'Local', path, fsync },
});

/** The engine with deaths between its operations. */
function withFaults(engine: Engine, faults: WriteFault[]): Engine {
  let dead: StorageError | undefined;
  const die = (): never => {
    throw (dead = new StorageError('internal', 'crashed', { details: { fatal: true } }));
  };
  return {
    ...engine,
    write: async (ops, options) => {
      if (dead !== undefined) throw dead;
      const fault = faults.shift();
      if (fault === 'crash-before') die();
      await engine.write(ops, options);
      if (fault === 'crash-after') die();
    },
  };
}

const openEngine = (target: SlateTarget, store: ObjectStore, tableBytes?: number): Promise<Engine> =>
  openSlateEngine(target, {
    settings: { ...slateSettings({}).engine, ...(tableBytes !== undefined && { l0_sst_size_bytes: tableBytes }) },
    deadlineMs: 10_000,
    openDeadlineMs: 10_000,
    memoryLimitBytes: 2 ** 30,
    commitsPerTable: tableBytes === undefined ? 5 : 1000,
    blockCache: false,
    preflight: false,
    store,
  });

it('writes two batches that overlap in their order, and refuses a third', async () => {
  const target = { url: 'memory:///', path: 'overlap', env: {}, description: 'memory' };
  const store = resolveStore(target);
  const engine = await openEngine(target, store);
  cleanups.push(async () => {
    await engine.close();
    store.dispose();
  });
  const key = bytes('key');
  const settled: number[] = [];
  const writes = [1, 2].map((n) =>
    engine.write([{ key, value: Uint8Array.of(n) }]).then(() => {
      settled.push(n);
    }),
  );
  expect(await codeOf(engine.write([{ key, value: Uint8Array.of(3) }]))).toBe('internal');
  await Promise.all(writes);
  expect(settled).toEqual([1, 2]);
  expect(await engine.get(key)).toEqual(Uint8Array.of(2));
});

it('does to a row what a batch says last of it, whatever its size', async () => {
  const target = { url: 'memory:///', path: 'order', env: {}, description: 'memory' };
  const store = resolveStore(target);
  const engine = await openEngine(target, store);
  cleanups.push(async () => {
    await engine.close();
    store.dispose();
  });
  const large = new Uint8Array(500_000).fill(1);
  const keys = ['deleted', 'smaller', 'larger'].map(bytes);
  const last = [undefined, bytes('small'), new Uint8Array(40_000).fill(2)];
  const ops = keys.flatMap((key, index) => [large, last[index]].map((value) => ({ key, value })));
  for (let batch = 0; batch < 10; batch++) await engine.write(ops);
  const found = await Promise.all(keys.map((key) => engine.get(key)));
  expect(found.map((value) => value?.length)).toEqual(last.map((value) => value?.length));
});

it('has a log of several tables in sorted files when it is open, so that nothing of it is lost by a crash', async () => {
  const folder = await temporaryFolder();
  const store = resolveStore({ url: pathToFileURL(folder).href, path: 'data', env: {}, description: folder });
  const openAt = (path: string, tableBytes: number): Promise<Engine> =>
    openEngine({ url: pathToFileURL(folder).href, path, env: {}, description: folder }, store, tableBytes);
  const crash = (path: string, image: string): Promise<void> => crashImage(join(folder, path), join(folder, image));
  const keys = Array.from({ length: 60 }, (_, n) => bytes(`key-${n}`));
  const first = await openAt('first', 2 ** 30);
  for (const key of keys) await first.write([{ key, value: new Uint8Array(300) }]);
  await crash('first', 'second');
  await first.close();
  const second = await openAt('second', 4096);
  const images = Array.from({ length: 12 }, (_, n) => `image-${n}`);
  for (const image of images) await crash('second', image);
  await second.close();
  for (const image of images) {
    const engine = await openAt(image, 4096);
    const values = await Promise.all(keys.map((key) => engine.get(key)));
    await engine.close();
    expect(values.filter((value) => value?.length === 300)).toHaveLength(keys.length);
  }
  store.dispose();
});

describe('SlateDB behind journal and blocks', () => {
  const faults: fc.Arbitrary<WriteFault[]> = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constant<WriteFault>('ok') },
      { weight: 1, arbitrary: fc.constantFrom<WriteFault>('crash-before', 'crash-after') },
    ),
    { maxLength: 20 },
  );

  it.each(['memory', 'folder'])('keeps what was acknowledged over crashes (%s)', async (kind) => {
    let run = 0;
    const folder = kind === 'folder' ? await temporaryFolder() : undefined;
    await fc.assert(
      fc.asyncProperty(commands, faults, async (steps, planned) => {
        const url = folder === undefined ? 'memory:///' : pathToFileURL(folder).href;
        const target = { url, path: `run-${run++}`, env: {}, description: kind };
        const store = resolveStore(target);
        const engines: Engine[] = [];
        const reopen = async (): Promise<Storage> => {
          const engine = await openEngine(target, store);
          engines.push(engine);
          return startStorage(withFaults(engine, planned), {
            logger: silentLogger,
            removalGraceMs: 0,
            commitIntervalMs: 0,
            commitTimeoutMs: 10_000,
            pageCacheBytes: 10_000,
            largeGroupBytes: 1,
            budgetBytes: 1_000_000,
          });
        };
        await walk(steps, { reopen });
        for (const engine of engines) await engine.close().catch(() => undefined);
        store.dispose();
      }),
      { numRuns: 12 },
    );
  });
});

describe('a storage on a folder', () => {
  it('is there again after a restart', async () => {
    const folder = await temporaryFolder();
    const first = await open(onFolder(folder));
    await recoverAll(first);
    for (let index = 0; index < 10; index++) first.journal.append(index % 2, bytes(`${index}`));
    const writer = first.blocks.create('test');
    for (let page = 0; page < 20; page++) await writer.writePage(new Uint8Array(50_000).fill(page));
    await first.blocks.publish(writer, { descriptor: bytes('d'), sealsLanes: [1] });
    await first.meta.put('name', bytes('value'));
    await first.close();
    const second = await open(onFolder(folder));
    expect((await recoverAll(second)).map(({ text }) => text)).toEqual(['0', '2', '4', '6', '8']);
    expect(second.blocks.list()).toMatchObject([{ id: 1, pages: 20, sealedLanes: [1] }]);
    const pages = await second.blocks.readPages(1, 5, 10);
    expect(pages.map((page) => page[0])).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(await second.meta.get('name')).toEqual(bytes('value'));
    await second.checkReadable();
  });

  it('leaves nothing of sealed lanes in sorted files, where they are most of the journal', async () => {
    const folder = await temporaryFolder();
    const storage = await open(onFolder(folder));
    await recoverAll(storage);
    /** In rows that are small enough to be the engine's. */
    const fill = async (lane: number, kilobytes: number): Promise<void> => {
      for (let i = 0; i < kilobytes / 10; i++) {
        await storage.journal.committed(storage.journal.append(lane, new Uint8Array(10 * 1024).fill(lane)));
      }
    };
    const seal = async (lanes: readonly number[]): Promise<void> => {
      const writer = storage.blocks.create('test');
      await writer.writePage(new Uint8Array(100_000).fill(7));
      await storage.blocks.publish(writer, { descriptor: bytes('d'), sealsLanes: lanes });
      await storage.sweep();
    };
    await fill(1, 100);
    await fill(2, 600);
    await seal([1]);
    expect(await tables(folder)).toEqual([]);
    for (const lane of [3, 4, 5, 6]) await fill(lane, 200);
    await fill(7, 10);
    await seal([2, 3, 4, 5, 6]);
    await expect.poll(() => tables(folder)).toHaveLength(1);
    const [sizeBytes] = await tables(folder);
    expect(sizeBytes).toBeGreaterThan(10_000);
    expect(sizeBytes).toBeLessThan(100_000);
    await storage.close();
    expect((await recoverAll(await open(onFolder(folder)))).map(({ lane }) => lane)).toEqual([7]);
  });

  it('commits an idle append without waiting for the engine to flush by itself', async () => {
    const folder = await temporaryFolder();
    const settings_path = join(folder, 'slatedb.yaml');
    await writeFile(settings_path, "flush_interval: '24h'\n");
    const storage = await open({ ...onFolder(folder), settings_path });
    await recoverAll(storage);
    for (let index = 0; index < 20; index++) {
      await storage.journal.committed(storage.journal.append(1, bytes('x')));
    }
    expect(storage.journal.durableGroup).toBe(20);
  });

  it('is lost to the next writer, at once', async () => {
    const folder = await temporaryFolder();
    const first = await open(onFolder(folder));
    await recoverAll(first);
    await first.journal.committed(first.journal.append(1, bytes('kept')));
    const fatal = new Promise<StorageError>((resolve) => first.onFatal(resolve));
    const second = await open(onFolder(folder));
    const stale = async () => first.journal.committed(first.journal.append(1, bytes('stale')));
    expect(await codeOf(stale())).toBe('fenced');
    expect((await fatal).code).toBe('fenced');
    expect(() => first.journal.append(1, bytes('x'))).toThrow(expect.objectContaining({ code: 'fenced' }));
    expect(first.health().state).toBe('fenced');
    expect((await recoverAll(second)).map(({ text }) => text)).toEqual(['kept']);
    await first.close();
  });

  it('notices the next writer also when it has nothing to write', async () => {
    const folder = await temporaryFolder();
    const first = await open(onFolder(folder));
    const fatal = new Promise<StorageError>((resolve) => first.onFatal(resolve));
    await open(onFolder(folder));
    expect((await fatal).code).toBe('fenced');
  });

  it('syncs what it acknowledges if asked to', async () => {
    const folder = await temporaryFolder();
    const storage = await open(onFolder(folder, true));
    await recoverAll(storage);
    for (let index = 0; index < 5; index++) await storage.journal.committed(storage.journal.append(1, bytes('x')));
    // The clean-up does not wait for long once they are in sorted files.
    expect((await readdir(join(folder, 'data/test/wal'))).length).toBeGreaterThan(5);
    await storage.close();
    expect(await recoverAll(await open(onFolder(folder, true)))).toHaveLength(5);
    await createFolderSync(join(folder, 'missing')).syncAll();
  });

  it('refuses a folder that cannot be one', async () => {
    expect(await codeOf(openStorage(onFolder('/dev/null/x'), { logger: silentLogger }))).toBe('config');
  });
});

describe('metrics', () => {
  it('bridge what SlateDB counts, and what we count', async () => {
    const storage = await open({ type: 'InMemory' });
    await recoverAll(storage);
    await storage.journal.committed(storage.journal.append(1, bytes('x')));
    const families = storage.metrics();
    const total = (name: string): number | undefined =>
      families.find((family) => family.name === name)?.samples.reduce((sum, { value }) => sum + value, 0);
    expect(total('slatedb_db_write_ops_total')).toBeGreaterThan(1);
    expect(total('slatedb_db_wal_buffer_flushes_total')).toBeGreaterThan(0);
    expect(total('storage_journal_durable_group')).toBe(1);
    expect(total('storage_up')).toBe(1);
    expect(families.find(({ name }) => name === 'slatedb_db_total_mem_size_bytes')?.type).toBe('gauge');
    const histogram = families.find(({ name }) => name === 'slatedb_object_store_request_duration_seconds')!;
    const buckets = histogram.samples.filter(({ suffix }) => suffix === '_bucket');
    const series = JSON.stringify({ ...buckets[0]!.labels, le: '' });
    const cumulated = buckets.filter(({ labels }) => JSON.stringify({ ...labels, le: '' }) === series);
    expect(cumulated.map(({ value }) => value)).toEqual(cumulated.map(({ value }) => value).sort((a, b) => a - b));
    expect(cumulated.at(-1)!.labels['le']).toBe('+Inf');
    for (const { name } of families) expect(name).toMatch(/^(slatedb|storage)_[a-z0-9_]+$/);
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
  });
});
