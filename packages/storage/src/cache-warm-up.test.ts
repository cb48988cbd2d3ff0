import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlockInfo } from './blocks.ts';
import { startWarmUp } from './cache-warm-up.ts';
import type { StorageConfig } from './config.ts';
import { StorageError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { bytes, recoverAll } from './open-storage.testing.ts';
import { openReadOnlyStorage } from './read-only-storage.ts';
import { openStorage } from './storage.ts';
import { type S3Server, startS3Server } from './testing/s3-server.testing.ts';

const MiB = 1024 ** 2;

function blockOf(id: number, sizeBytes = 8 * MiB): BlockInfo {
  return { id, kind: 'test', descriptor: bytes(''), pages: 8, sizeBytes, sealedLanes: [] };
}

async function warm(
  list: readonly BlockInfo[],
  options: { cacheBytes?: number; fails?: (id: number) => Error | undefined },
) {
  const read: string[] = [];
  const warmUp = startWarmUp({
    preload: 'AllSst',
    cacheBytes: options.cacheBytes ?? 1024 * MiB,
    after: Promise.resolve(),
    blocks: () => list,
    read: async (block, first, count) => {
      const failure = options.fails?.(block.id);
      if (failure !== undefined) throw failure;
      read.push(`${block.id}:${first}+${count}`);
      return count * MiB;
    },
    logger: silentLogger,
  });
  await warmUp.done;
  const [warming, readBytes] = warmUp.metrics().map(({ samples }) => samples[0]!.value);
  expect(warming).toBe(0);
  return { read, readBytes };
}

describe('a warm-up', () => {
  it('reads the newest blocks first, a few MiB at a time', async () => {
    const { read, readBytes } = await warm([blockOf(1), blockOf(2)], {});
    expect(read).toEqual(['2:0+4', '2:4+4', '1:0+4', '1:4+4']);
    expect(readBytes).toBe(16 * MiB);
  });

  it('ends where the cache is full', async () => {
    expect((await warm([blockOf(1), blockOf(2)], { cacheBytes: 10 * MiB })).read).toEqual(['2:0+4', '2:4+4', '1:0+4']);
  });

  it('goes on with the next block where one is gone', async () => {
    const fails = (id: number) => (id === 2 ? new StorageError('not_found', 'gone') : undefined);
    expect((await warm([blockOf(1), blockOf(2)], { fails })).read).toEqual(['1:0+4', '1:4+4']);
  });
});

describe('preload_disk_cache_on_startup on a bucket', () => {
  let server: S3Server;
  let folder = '';
  beforeAll(async () => {
    server = await startS3Server();
    folder = mkdtempSync(join(tmpdir(), 'storage-warm-up-'));
  });
  afterAll(async () => {
    await server.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A database with one block of 4 MB, in sorted files. */
  async function written(path: string): Promise<void> {
    const writer = await openStorage(await config(path, undefined), { logger: silentLogger, env: server.env });
    await recoverAll(writer);
    const block = writer.blocks.create('test');
    for (let page = 0; page < 40; page++) await block.writePage(new Uint8Array(100_000).fill(page));
    await writer.blocks.publish(block, { descriptor: bytes('') });
    await writer.close();
  }

  async function config(path: string, preload: string | undefined): Promise<StorageConfig> {
    const settings = join(folder, `${path}-${preload}.yaml`);
    const line = preload === undefined ? '' : `  preload_disk_cache_on_startup: ${preload}\n`;
    const cache = join(folder, `cache-${path}`);
    await writeFile(
      settings,
      `object_store_cache_options:\n  root_folder: ${cache}\n  max_cache_size_bytes: 100000000\n${line}`,
    );
    return {
      type: 'SlateDb',
      path,
      page_cache_bytes: 0,
      commit_interval_ms: 0,
      settings_path: settings,
      object_store: { type: 'Aws', bucket: server.bucket, endpoint: server.endpoint, allow_http: true },
    };
  }

  it.each(['L0Sst', 'AllSst'])('%s fills the cache of a writer in the background', async (preload) => {
    await written(`writer-${preload}`);
    rmSync(join(folder, `cache-writer-${preload}`), { recursive: true, force: true });
    const storage = await openStorage(await config(`writer-${preload}`, preload), {
      logger: silentLogger,
      env: server.env,
    });
    await recoverAll(storage);
    expect(storage.health().state).toBe('ok');
    await storage.cacheWarm;
    expect(metricOf(storage.metrics(), 'storage_cache_warm_up_bytes_total')).toBeGreaterThan(4_000_000);
    const missesBefore = engineMisses(storage.metrics());
    expect(missesBefore).toBeGreaterThan(0);
    expect((await storage.blocks.readPages(1, 0, 40)).map((page) => page[0])).toEqual([...Array(40).keys()]);
    expect(engineMisses(storage.metrics())).toBe(missesBefore);
    await storage.close();
  });

  it('fills the cache of a reader, too', async () => {
    await written('reader');
    const reader = await openReadOnlyStorage(await config('reader', 'AllSst'), {
      logger: silentLogger,
      env: server.env,
    });
    for await (const _ of reader.recover());
    await reader.cacheWarm;
    expect(metricOf(reader.metrics(), 'storage_cache_warm_up_bytes_total')).toBe(4_000_000);
    // The cache is written behind the reads.
    await expect.poll(() => metricOf(reader.metrics(), 'storage_disk_cache_bytes')).toBeGreaterThan(4_000_000);
    await reader.close();
  });

  it('is off unless it is asked for', async () => {
    await written('off');
    const cache = join(folder, 'cache-off');
    rmSync(cache, { recursive: true, force: true });
    const storage = await openStorage(await config('off', undefined), { logger: silentLogger, env: server.env });
    await recoverAll(storage);
    await storage.cacheWarm;
    expect(storage.metrics().some(({ name }) => name.startsWith('storage_cache_warm'))).toBe(false);
    expect(existsSync(cache) ? readdirSync(cache).length : 0).toBeLessThan(10);
    await storage.close();
  });
});

type Families = readonly { readonly name: string; readonly samples: readonly { readonly value: number }[] }[];

function metricOf(families: Families, name: string): number {
  return families.find((family) => family.name === name)?.samples[0]?.value ?? Number.NaN;
}

/** Parts of objects that the engine had to ask the store for. */
function engineMisses(families: Families): number {
  const count = (what: string): number =>
    families.find(({ name }) => name.startsWith(`slatedb_object_store_cache_part_${what}`))!.samples[0]!.value;
  return count('access') - count('hit');
}
