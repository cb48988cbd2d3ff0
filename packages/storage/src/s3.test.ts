import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StorageConfig } from './config.ts';
import { silentLogger } from './logger.ts';
import { bytes, codeOf, recoverAll } from './open-storage.testing.ts';
import { openStorage, type Storage } from './storage.ts';
import { withEnvironment } from './testing/environment.testing.ts';
import { type Fault, type FaultProxy, startFaultProxy } from './testing/fault-proxy.testing.ts';
import { guideSettings } from './testing/guide.testing.ts';
import { type S3Server, startS3Server } from './testing/s3-server.testing.ts';

let s3: S3Server;
let proxy: FaultProxy;
let restoreEnvironment: () => void;
let databases = 0;
let path: string;

beforeAll(async () => {
  s3 = await startS3Server();
  proxy = await startFaultProxy(s3.endpoint);
  restoreEnvironment = withEnvironment({ ...s3.env, AWS_ENDPOINT_URL: proxy.endpoint });
});
beforeEach(() => {
  path = `db/${++databases}`;
});
afterAll(async () => {
  restoreEnvironment();
  await proxy.stop();
  await s3.destroy();
});

async function open(more: Partial<Extract<StorageConfig, { type: 'SlateDb' }>> = {}): Promise<Storage> {
  const config: StorageConfig = {
    type: 'SlateDb',
    path,
    object_store: { type: 'Aws', bucket: s3.bucket },
    commit_interval_ms: 0,
    ...more,
  };
  return openStorage(config, { logger: silentLogger });
}

async function openRecovered(more?: Parameters<typeof open>[0]): Promise<[Storage, string[]]> {
  const storage = await open(more);
  return [storage, (await recoverAll(storage)).map(({ text }) => text)];
}

async function put(storage: Storage, text: string): Promise<void> {
  await storage.journal.committed(storage.journal.append(1, bytes(text)));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a database in a bucket', () => {
  it('is there again after reopening, from the bucket alone', async () => {
    const [first, none] = await openRecovered();
    expect(none).toEqual([]);
    const texts = Array.from({ length: 20 }, (_, i) => `entry ${i}`);
    for (const text of texts) await put(first, text);
    const writer = first.blocks.create('test');
    await writer.writePage(new Uint8Array(100_000).fill(7));
    const block = await first.blocks.publish(writer, { descriptor: bytes('block') });
    await first.close();
    expect(proxy.count({ method: 'PUT', prefix: `/${s3.bucket}/${path}/wal/` })).toBeGreaterThanOrEqual(20);

    const [second, texts2] = await openRecovered();
    expect(texts2).toEqual(texts);
    expect(await second.blocks.readPages(block.id, 0, 1)).toEqual([new Uint8Array(100_000).fill(7)]);
    expect(second.health().state).toBe('ok');
    await second.checkReadable();
    await second.close();
  });

  it('fences the writer that had it open', async () => {
    const [first] = await openRecovered();
    await put(first, 'of the first');
    const fatal: string[] = [];
    first.onFatal((error) => fatal.push(error.code));
    const [second, seen] = await openRecovered();
    expect(seen).toEqual(['of the first']);
    expect(await codeOf(put(first, 'too late'))).toBe('fenced');
    expect(fatal).toEqual(['fenced']);
    expect(first.health().state).toBe('fenced');
    expect(() => first.journal.append(1, bytes('later still'))).toThrow(/another writer/);
    await put(second, 'of the second');
    await first.close();
    await second.close();
    const [third, all] = await openRecovered();
    expect(all).toEqual(['of the first', 'of the second']);
    await third.close();
  });

  it('takes the settings file of the guide, with its disk cache', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opendata-cache-'));
    const settings_path = join(folder, 'slatedb.yaml');
    const cache = join(folder, 'cache');
    await writeFile(settings_path, guideSettings.replace('/cache', cache));
    const [storage] = await openRecovered({ settings_path });
    expect(storage.defaultTtlMs).toBe(604_800_000);
    expect(storage.journal.budgetBytes).toBe(134_217_728);
    await put(storage, 'cached');
    await storage.close();
    const [again, texts] = await openRecovered({ settings_path });
    expect(texts).toEqual(['cached']);
    expect(await readdir(cache, { recursive: true })).toContainEqual(expect.stringContaining(`${path}/wal`));
    await again.close();
    await rm(folder, { recursive: true });
  });

  it('is refused with the reason when the store is not what was configured', async () => {
    const wrong = { object_store: { type: 'Aws', bucket: 'not-there' } } as const;
    await expect(open(wrong)).rejects.toMatchObject({ code: 'config', details: { reason: 'missing_bucket' } });
  });
});

describe('an outage', () => {
  it.each<Fault>([{ kind: 'blackhole' }, { kind: 'reset' }, { kind: 'status', status: 503 }])(
    '$kind: writes fail as unavailable in time, and everything heals by itself',
    async (fault) => {
      const [storage] = await openRecovered({ commit_timeout_ms: 600 });
      await put(storage, 'before');
      proxy.setFault(fault);
      expect(await codeOf(put(storage, 'during 1'))).toBe('unavailable');
      expect(await codeOf(put(storage, 'during 2'))).toBe('unavailable');
      expect(storage.health().state).toBe('unavailable');
      await expect(storage.checkReadable()).rejects.toMatchObject({ code: 'unavailable' });

      proxy.setFault(undefined);
      await until(() => storage.health().state === 'ok');
      await put(storage, 'after');
      await storage.close();
      const [again, texts] = await openRecovered();
      expect(texts).toEqual(['before', 'during 1', 'during 2', 'after']);
      await again.close();
    },
    60_000,
  );

  it.each<Fault['kind']>(['latency', 'halfRequest', 'halfAnswer', 'lostAnswer'])(
    'a store with %s now and then loses nothing and doubles nothing',
    async (kind) => {
      const [storage] = await openRecovered();
      const fault: Fault = kind === 'latency' ? { kind, delayMs: 50 } : ({ kind } as Fault);
      const hits = { GET: 0, PUT: 0 };
      proxy.setFault(({ method }) => {
        if (method !== 'GET' && method !== 'PUT') return undefined;
        return ++hits[method] % 2 === 0 ? fault : undefined;
      });
      const texts = Array.from({ length: 12 }, (_, i) => `entry ${i}`);
      for (const text of texts) await put(storage, text);
      proxy.setFault(undefined);
      expect(hits.PUT).toBeGreaterThanOrEqual(12);
      await storage.close();
      const [again, recovered] = await openRecovered();
      expect(recovered).toEqual(texts);
      await again.close();
    },
    60_000,
  );
});
