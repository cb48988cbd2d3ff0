import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StorageConfig } from './config.ts';
import type { StorageError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { bytes, codeOf, recoverAll } from './open-storage.testing.ts';
import { openReadOnlyStorage } from './read-only-storage.ts';
import { openStorage, type Storage } from './storage.ts';
import { type FaultProxy, startFaultProxy } from './testing/fault-proxy.testing.ts';
import { type S3Server, startS3Server } from './testing/s3-server.testing.ts';

let server: S3Server;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startS3Server();
  proxy = await startFaultProxy(server.endpoint);
});

afterAll(async () => {
  await proxy.stop();
  await server.destroy();
});

function config(path: string, commit_timeout_ms = 60_000): StorageConfig {
  return {
    type: 'SlateDb',
    path,
    commit_timeout_ms,
    commit_interval_ms: 20,
    object_store: { type: 'Aws', bucket: server.bucket, endpoint: proxy.endpoint, allow_http: true },
  };
}

const open = (path: string, commitTimeoutMs?: number): Promise<Storage> =>
  openStorage(config(path, commitTimeoutMs), { logger: silentLogger, env: server.env, removalGraceMs: 0 });

describe('a storage on S3', () => {
  it('commits, reads back and lets itself be followed', async () => {
    const storage = await open('roundtrip');
    await recoverAll(storage);
    for (let index = 0; index < 50; index++) storage.journal.append(index % 2, bytes(`${index}`));
    await storage.journal.flush();
    const block = storage.blocks.create('test');
    for (let page = 0; page < 10; page++) await block.writePage(new Uint8Array(40_000).fill(page));
    await storage.blocks.publish(block, { descriptor: bytes(''), sealsLanes: [0] });
    const reader = await openReadOnlyStorage(config('roundtrip'), {
      logger: silentLogger,
      env: server.env,
      pollMs: 50,
    });
    expect(await recoverAll({ journal: reader } as unknown as Storage)).toHaveLength(25);
    expect((await reader.blocks.readPages(1, 0, 10)).map((page) => page[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await reader.close();
    await storage.close();
    const again = await open('roundtrip');
    expect(await recoverAll(again)).toHaveLength(25);
    await again.close();
  });

  it('opens without reading the whole log again', async () => {
    const storage = await open('replay');
    await recoverAll(storage);
    for (let index = 0; index < 150; index++) {
      storage.journal.append(1, bytes(`${index}`));
      await storage.journal.flush();
    }
    const walReads = async (): Promise<number> => {
      proxy.resetCounts();
      const next = await open('replay');
      const count = proxy.count({ method: 'GET', prefix: `/${server.bucket}/replay/wal` });
      expect(await recoverAll(next)).toHaveLength(150);
      await next.close();
      return count;
    };
    expect(await walReads(), 'after a crash').toBeLessThan(64 * 5);
    // Of two openings, the first of which puts the log into a sorted file.
    expect(await walReads(), 'after a close').toBeLessThan(2 * 20);
    await storage.close();
  });

  it.each(['blackhole', 'reset', 'status'] as const)('survives an outage (%s) and heals by itself', async (kind) => {
    const storage = await open(`outage-${kind}`, 3000);
    await recoverAll(storage);
    await durable(storage, 'before');
    proxy.setFault(kind === 'status' ? { kind, status: 503 } : { kind });
    const group = storage.journal.append(1, bytes('during'));
    await expect(storage.journal.committed(group)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await until(() => storage.health().state === 'unavailable');
    expect(await codeOf(storage.checkReadable())).toBe('unavailable');
    const publishing = storage.blocks.publish(storage.blocks.create('test'), { descriptor: bytes('') });
    proxy.setFault(undefined);
    await until(() => storage.journal.durableGroup === group);
    await publishing;
    expect(storage.health().state).toBe('ok');
    await durable(storage, 'after');
    await storage.close();
    const again = await open(`outage-${kind}`);
    expect((await recoverAll(again)).map(({ text }) => text)).toEqual(['before', 'during', 'after']);
    await again.close();
  });

  it('doubles nothing when the answer of a put is lost', async () => {
    const storage = await open('lost-answer');
    await recoverAll(storage);
    let lost = 0;
    proxy.setFault(({ method, path }) =>
      method === 'PUT' && path.includes('/wal/') && lost++ < 2 ? { kind: 'lostAnswer' } : undefined,
    );
    const fatal: StorageError[] = [];
    storage.onFatal((error) => fatal.push(error));
    const outcome = await codeOf(storage.journal.committed(storage.journal.append(1, bytes('once'))));
    proxy.setFault(undefined);
    expect(lost).toBeGreaterThan(0);
    // SlateDB knows its own object again when it meets it on the second try.
    expect(outcome).toBe('resolved');
    expect(fatal).toEqual([]);
    await storage.close();
    const again = await open('lost-answer');
    expect(await recoverAll(again)).toHaveLength(1);
    await again.close();
  });

  it('is lost to the next writer', async () => {
    const first = await open('fence');
    await recoverAll(first);
    await first.journal.committed(first.journal.append(1, bytes('kept')));
    const second = await open('fence');
    const stale = async () => first.journal.committed(first.journal.append(1, bytes('stale')));
    expect(await codeOf(stale())).toBe('fenced');
    expect(first.health().state).toBe('fenced');
    expect((await recoverAll(second)).map(({ text }) => text)).toEqual(['kept']);
    await first.close();
    await second.close();
  });

  it('does not open on a store that is not there', async () => {
    const nowhere = config('x');
    if (nowhere.type !== 'SlateDb' || nowhere.object_store.type !== 'Aws') throw new Error('unreachable');
    const missing = { ...nowhere, object_store: { ...nowhere.object_store, bucket: 'no-such-bucket' } };
    expect(await codeOf(openStorage(missing, { logger: silentLogger, env: server.env }))).toBe('config');
    const refused = { ...nowhere, object_store: { ...nowhere.object_store, endpoint: 'http://127.0.0.1:9' } };
    expect(await codeOf(openStorage(refused, { logger: silentLogger, env: server.env }))).toBe('unavailable');
  });
});

/** However long that takes, on a machine that may be busy: the deadline is for those who ask. */
async function durable(storage: Storage, text: string): Promise<void> {
  const group = storage.journal.append(1, bytes(text));
  storage.journal.committed(group).catch(() => undefined);
  await until(() => storage.journal.durableGroup >= group);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
