import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from './logger.ts';
import { bytes, codeOf, recoverAll } from './open-storage.testing.ts';
import { openStorage, type Storage } from './storage.ts';
import { type Fault, type FaultProxy, startFaultProxy } from './testing/fault-proxy.testing.ts';
import { guideSettings } from './testing/guide.testing.ts';
import { type S3Server, startS3Server } from './testing/s3-server.testing.ts';

let s3: S3Server;
let proxy: FaultProxy;

beforeAll(async () => {
  s3 = await startS3Server();
  proxy = await startFaultProxy(s3.endpoint);
});
afterAll(async () => {
  await proxy.stop();
  await s3.destroy();
});

interface Options {
  readonly settings_path?: string;
  readonly commit_timeout_ms?: number;
}

async function openRecovered(path: string, options: Options = {}): Promise<[Storage, string[]]> {
  const object_store = { type: 'Aws', bucket: s3.bucket } as const;
  const storage = await openStorage(
    { type: 'SlateDb', path, object_store, commit_interval_ms: 0, ...options },
    { logger: silentLogger, env: { ...s3.env, AWS_ENDPOINT_URL: proxy.endpoint } },
  );
  return [storage, (await recoverAll(storage)).map(({ text }) => text)];
}

async function put(storage: Storage, text: string): Promise<void> {
  await storage.journal.committed(storage.journal.append(1, bytes(text)));
}

/** However long that takes, on a machine that may be busy: the deadline is for those who ask. */
async function putSoonerOrLater(storage: Storage, text: string): Promise<void> {
  const group = storage.journal.append(1, bytes(text));
  storage.journal.committed(group).catch(() => undefined);
  await expect.poll(() => storage.journal.durableGroup).toBeGreaterThanOrEqual(group);
}

describe('a database in a bucket', () => {
  it('takes the settings file of the guide, with its disk cache', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opendata-cache-'));
    const settings_path = join(folder, 'slatedb.yaml');
    const cache = join(folder, 'cache');
    await writeFile(settings_path, guideSettings.replace('/cache', cache));
    const [storage] = await openRecovered('guide', { settings_path });
    expect(storage.defaultTtlMs).toBe(604_800_000);
    expect(storage.journal.budgetBytes).toBe(134_217_728);
    await put(storage, 'cached');
    await storage.close();
    const [again, texts] = await openRecovered('guide', { settings_path });
    expect(texts).toEqual(['cached']);
    expect(await readdir(cache, { recursive: true })).toContainEqual(expect.stringContaining('guide/wal'));
    await again.close();
    await rm(folder, { recursive: true });
  });

  it('keeps writes that failed in an outage, once and in their order', async () => {
    const [storage] = await openRecovered('outage', { commit_timeout_ms: 3000 });
    await putSoonerOrLater(storage, 'before');
    proxy.setFault({ kind: 'blackhole' });
    const during = [codeOf(put(storage, 'during 1'))];
    await expect.poll(() => storage.journal.lastGroup - storage.journal.durableGroup).toBe(1);
    during.push(codeOf(put(storage, 'during 2')));
    expect(await Promise.all(during)).toEqual(['unavailable', 'unavailable']);
    proxy.setFault(undefined);
    await putSoonerOrLater(storage, 'after');
    expect(storage.health().state).toBe('ok');
    await storage.close();
    const [again, texts] = await openRecovered('outage');
    expect(texts).toEqual(['before', 'during 1', 'during 2', 'after']);
    await again.close();
  });

  it.each<Fault['kind']>(['latency', 'halfRequest', 'halfAnswer', 'lostAnswer'])(
    'loses nothing and doubles nothing where every second request meets %s',
    async (kind) => {
      const [storage] = await openRecovered(kind);
      const fault = (kind === 'latency' ? { kind, delayMs: 50 } : { kind }) as Fault;
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
      const [again, recovered] = await openRecovered(kind);
      expect(recovered).toEqual(texts);
      await again.close();
    },
    60_000,
  );
});
