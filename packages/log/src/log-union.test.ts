import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageConfig } from '@opendata/storage';
import { afterEach, describe, expect, it } from 'vitest';
import { type LogUnion, openLogReaders } from './log-union.ts';
import { openLog } from './open-log.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const bytes = (value: string) => Buffer.from(value);

async function openBoth() {
  const folder = mkdtempSync(join(tmpdir(), 'log-union-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const config: StorageConfig = { type: 'SlateDb', path: 'unused', object_store: { type: 'Local', path: folder } };
  const writers = new Map<string, (key: string, value: string) => Promise<unknown>>();
  for (const path of ['a', 'b']) {
    const log = await openLog({ ...config, path });
    cleanups.push(() => log.close());
    writers.set(path, (key, value) => log.append([{ key: bytes(key), value: bytes(value) }], { awaitDurable: true }));
  }
  return {
    config,
    async write(path: string, key: string, value: string) {
      await writers.get(path)!(key, value);
      // Arrivals are told apart by the millisecond.
      await sleep(2);
    },
    async open(): Promise<LogUnion> {
      const union = await openLogReaders(config, ['a', 'b'], { refreshMs: 50 });
      cleanups.push(() => union.close());
      return union;
    },
  };
}

async function texts(records: AsyncIterable<{ path: string; sequence: number; value: Uint8Array }>, most = 100) {
  const found: string[] = [];
  for await (const { path, sequence, value } of records) {
    found.push(`${path}${sequence} ${Buffer.from(value).toString()}`);
    if (found.length === most) break;
  }
  return found;
}

describe('logs of several writers read together', () => {
  it('are in the order of arrival, each record with its path and the sequence of its log', async () => {
    const { write, open } = await openBoth();
    await write('b', 'k', 'first');
    await write('a', 'k', 'second');
    await write('a', 'other', 'third');
    await write('b', 'k', 'fourth');
    const union = await open();
    expect(await texts(union.scan(bytes('k')))).toEqual(['b0 first', 'a0 second', 'b1 fourth']);
    expect(await texts(union.read())).toEqual(['b0 first', 'a0 second', 'a1 third', 'b1 fourth']);
    expect(await texts(union.read({ prefixes: [bytes('o')] }))).toEqual(['a1 third']);
    expect(await texts(union.scan(bytes('k'), { start: new Map([['b', 1]]) }))).toEqual(['a0 second', 'b1 fourth']);
    expect(await union.count(bytes('k'))).toBe(3);
    const keys: string[] = [];
    for await (const key of union.keys()) keys.push(Buffer.from(key).toString());
    expect(keys).toEqual(['k', 'other']);
    expect(union.logs.get('b')!.nextSequence).toBe(2);
  });

  it('can be followed', async () => {
    const { write, open } = await openBoth();
    await write('a', 'k', 'before');
    const union = await open();
    const following = texts(union.scan(bytes('k'), { follow: true }), 4);
    await write('b', 'k', 'new in b');
    await write('a', 'k', 'new in a');
    await write('b', 'k', 'newest in b');
    const found = await following;
    expect(found.filter((text) => text.startsWith('a'))).toEqual(['a0 before', 'a1 new in a']);
    expect(found.filter((text) => text.startsWith('b'))).toEqual(['b0 new in b', 'b1 newest in b']);
  });

  it('end a follower that is aborted, or when they are closed', async () => {
    const { open } = await openBoth();
    const union = await open();
    const stop = new AbortController();
    const aborted = texts(union.read({}, { follow: true, signal: stop.signal }));
    stop.abort();
    expect(await aborted).toEqual([]);
    const closed = texts(union.read({}, { follow: true }));
    await union.close();
    expect(await closed).toEqual([]);
  });

  it('need paths, each once', async () => {
    const { config } = await openBoth();
    await expect(openLogReaders(config, [])).rejects.toMatchObject({ code: 'config' });
    await expect(openLogReaders(config, ['a', 'a'])).rejects.toMatchObject({ code: 'config' });
    await expect(openLogReaders({ type: 'InMemory' }, ['a'])).rejects.toMatchObject({ code: 'config' });
  });
});
