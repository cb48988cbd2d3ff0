import { describe, expect, it } from 'vitest';
import type { Engine } from './engine.ts';
import { silentLogger } from './logger.ts';
import { createMemoryStore, type MemoryStore } from './memory-engine.testing.ts';
import { bytes, codeOf, openOnModel, recoverAll } from './open-storage.testing.ts';
import { type Storage, startStorage } from './storage.ts';

async function publish(storage: Storage, pages: number, { replaces = [] }: { replaces?: number[] } = {}) {
  const writer = storage.blocks.create('test');
  for (let page = 0; page < pages; page++) await writer.writePage(bytes(`block ${writer.id} page ${page}`));
  return storage.blocks.publish(writer, { descriptor: bytes(`descriptor ${writer.id}`), replaces });
}

const tagged = (store: MemoryStore, tag: number): number =>
  [...store.rows.values()].filter(({ key }) => key[0] === tag).length;

const [lanes, descriptors, markers, pages] = [3, 4, 5, 6];

describe('blocks', () => {
  it('are listed with their descriptor once they are published, also after reopening', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    const writer = first.blocks.create('window');
    expect(await writer.writePage(bytes('zero'))).toBe(0);
    expect(await writer.writePage(bytes('one'))).toBe(1);
    expect(first.blocks.list()).toEqual([]);
    const info = await first.blocks.publish(writer, { descriptor: bytes('about it') });
    expect(info).toEqual({
      id: 1,
      kind: 'window',
      descriptor: bytes('about it'),
      pages: 2,
      sizeBytes: 7,
      sealedLanes: [],
    });
    await first.close();
    const second = await openOnModel(store);
    expect(second.blocks.list()).toEqual([info]);
    const read = await second.blocks.readPages(1, 0, 2);
    expect(read.map((page) => Buffer.from(page).toString())).toEqual(['zero', 'one']);
    expect(tagged(store, markers!)).toBe(0);
  });

  it('have the pages that are an index in the cache from their writing on', async () => {
    const storage = await openOnModel(createMemoryStore());
    const writer = storage.blocks.create('test');
    await writer.writePage(bytes('data'));
    await writer.writePage(bytes('index'), true);
    const { id } = await storage.blocks.publish(writer, { descriptor: bytes('') });
    const misses = () =>
      storage.metrics().find(({ name }) => name === 'storage_page_cache_misses_total')!.samples[0]!.value;
    expect((await storage.blocks.readPages(id, 1, 1)).map((page) => Buffer.from(page).toString())).toEqual(['index']);
    expect(misses()).toBe(0);
    expect((await storage.blocks.readPages(id, 0, 2)).map((page) => Buffer.from(page).toString())).toEqual([
      'data',
      'index',
    ]);
    expect(misses()).toBe(1);
    expect(storage.blocks.readAheadBytes, 'in memory there is nothing to read ahead').toBe(0);
  });

  it('leave nothing behind when they are given up or never published', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    const given = first.blocks.create('test');
    await given.writePage(bytes('x'));
    given.abort();
    expect(await codeOf(given.writePage(bytes('y')))).toBe('internal');
    expect(await codeOf(first.blocks.publish(given, { descriptor: bytes('') }))).toBe('internal');
    const never = first.blocks.create('test');
    for (let page = 0; page < 1200; page++) await never.writePage(bytes('x'));
    await first.close();
    const second = await openOnModel(store);
    await second.sweep();
    expect([tagged(store, pages!), tagged(store, markers!), tagged(store, descriptors!)]).toEqual([0, 0, 0]);
    expect(second.blocks.list()).toEqual([]);
    expect(second.blocks.create('test').id, 'ids are not used again').toBe(3);
  });

  it('replace others and seal lanes in one step', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store);
    const old = [await publish(storage, 2), await publish(storage, 2)];
    storage.journal.append(5, bytes('x'));
    const writer = storage.blocks.create('merged');
    await writer.writePage(bytes('new'));
    store.faults.push('crash-after');
    const published = storage.blocks.publish(writer, {
      descriptor: bytes(''),
      replaces: old.map(({ id }) => id),
      sealsLanes: [5],
    });
    expect(await codeOf(published)).toBe('internal');
    const next = await openOnModel(store, { recover: false });
    expect(await recoverAll(next)).toEqual([]);
    expect(next.blocks.list()).toMatchObject([{ id: 3, kind: 'merged', sealedLanes: [5] }]);
    await next.sweep();
    expect([tagged(store, lanes!), tagged(store, markers!), tagged(store, pages!)]).toEqual([0, 0, 1]);
    expect(next.journal.append(6, bytes('y'))).toBe(2);
  });

  it('stay readable for a while after they are removed', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { removalGraceMs: 60_000 });
    const block = await publish(storage, 3);
    await storage.blocks.remove([block.id, 77]);
    expect(storage.blocks.list()).toEqual([]);
    expect(await storage.blocks.readPages(block.id, 0, 3)).toHaveLength(3);
    await storage.sweep();
    expect(tagged(store, pages!)).toBe(3);
    await storage.close();
    const next = await openOnModel(store, { removalGraceMs: 0 });
    await next.sweep();
    expect(tagged(store, pages!) + tagged(store, markers!)).toBe(0);
    expect(await codeOf(next.blocks.readPages(block.id, 0, 1))).toBe('not_found');
  });

  it('cannot be replaced or removed twice', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store);
    const block = await publish(storage, 1);
    const removed = storage.blocks.remove([block.id]);
    const other = await publish(storage, 1);
    expect(await codeOf(publish(storage, 1, { replaces: [other.id, block.id] }))).toBe('not_found');
    await storage.blocks.remove([other.id]);
    await storage.blocks.remove([block.id]);
    await removed;
    expect(storage.blocks.list()).toEqual([]);
  });

  it('name block and page when a bit flips or a page is missing', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { pageCacheBytes: 0 });
    await publish(storage, 4);
    const row = [...store.rows].find(([, { key }]) => key[0] === pages && key[12] === 2)!;
    row[1].value[7]! ^= 4;
    const flipped = {
      code: 'corrupt',
      message: 'block 1, page 2: checksum does not match',
      details: { block: 1, page: 2 },
    };
    await expect(storage.blocks.readPages(1, 0, 4)).rejects.toMatchObject(flipped);
    await expect(storage.blocks.readPages(1, 2, 1)).rejects.toMatchObject(flipped);
    store.rows.delete(row[0]);
    const missing = { code: 'corrupt', message: 'block 1, page 2: it is missing' };
    await expect(storage.blocks.readPages(1, 0, 4)).rejects.toMatchObject(missing);
    await expect(storage.blocks.readPages(1, 2, 1)).rejects.toMatchObject(missing);
    expect(await storage.blocks.readPages(1, 0, 2)).toHaveLength(2);
    await expect(storage.blocks.readPages(1, 3, 2)).rejects.toThrow(RangeError);
  });

  it('name the descriptor when it is corrupt', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store);
    await publish(storage, 1);
    await storage.close();
    for (const { key, value } of store.rows.values()) if (key[0] === descriptors) value[9]! ^= 1;
    await expect(openOnModel(store)).rejects.toMatchObject({
      code: 'corrupt',
      message: 'block 1, descriptor: checksum does not match',
    });
  });

  it('are read once, in one scan a run, and then from the cache', async () => {
    const store = createMemoryStore();
    const engine = store.open();
    const calls: string[] = [];
    const counted: Engine = {
      ...engine,
      get: (key) => {
        calls.push(`get ${key[12]}`);
        return engine.get(key);
      },
      scan: (range, options) => {
        calls.push(`scan ${range.start[12]} to ${range.end[12]}`);
        return engine.scan(range, options);
      },
    };
    const storage = await startStorage(counted, {
      logger: silentLogger,
      commitIntervalMs: 0,
      commitTimeoutMs: 5000,
      pageCacheBytes: 1_000_000,
      budgetBytes: 1_000_000,
    });
    await recoverAll(storage);
    await publish(storage, 10);
    calls.length = 0;
    const [one, two] = await Promise.all([storage.blocks.readPages(1, 2, 3), storage.blocks.readPages(1, 3, 4)]);
    expect(calls).toEqual(['scan 2 to 5', 'scan 5 to 7']);
    expect(one[1]).toBe(two[0]);
    calls.length = 0;
    const all = await storage.blocks.readPages(1, 0, 10);
    expect(calls).toEqual(['scan 0 to 2', 'scan 7 to 10']);
    expect(all.map((page) => Buffer.from(page).toString())).toEqual(all.map((_, page) => `block 1 page ${page}`));
    calls.length = 0;
    await storage.blocks.readPages(1, 4, 6);
    expect(calls).toEqual([]);
    await expect(storage.blocks.readPages(1, 0, 1, AbortSignal.abort(new Error('given up')))).rejects.toThrow(
      'given up',
    );
  });

  it('make writers of pages wait while too much is under way', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store);
    store.faults.push('ok', 'hang');
    const writer = storage.blocks.create('test');
    let written = 0;
    const writing = (async () => {
      for (let page = 0; page < 40; page++) {
        await writer.writePage(new Uint8Array(1_000_000));
        written++;
      }
    })();
    while (store.hanging() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(written).toBeLessThan(25);
    store.release();
    await writing;
    await storage.blocks.publish(writer, { descriptor: bytes('') });
    expect(tagged(store, pages!)).toBe(40);
  });
});

describe('meta', () => {
  it('keeps small named rows', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    expect(await first.meta.get('name')).toBeUndefined();
    await first.meta.put('name', bytes('value'));
    await first.close();
    expect(await (await openOnModel(store)).meta.get('name')).toEqual(bytes('value'));
  });
});

describe('format', () => {
  it('refuses a database of a newer version, and one of something else', async () => {
    const store = createMemoryStore();
    await (await openOnModel(store)).close();
    for (const row of store.rows.values()) row.value.set(bytes(JSON.stringify({ version: 7 })));
    await expect(openOnModel(store)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('format 7'),
    });
    const other = createMemoryStore();
    await other.open().write([{ key: bytes('theirs'), value: bytes('x') }]);
    await expect(openOnModel(other)).rejects.toMatchObject({ code: 'config' });
  });

  it('opens a database of version 1, which older programs refuse from then on', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    await first.meta.put('name', bytes('value'));
    await first.close();
    const format = [...store.rows.values()].find(({ value }) => new TextDecoder().decode(value) === '{"version":2}')!;
    format.value.set(bytes('{"version":1}'));
    const second = await openOnModel(store);
    expect(await second.meta.get('name')).toEqual(bytes('value'));
    await second.close();
    const versions = [...store.rows.values()].map(({ value }) => new TextDecoder().decode(value));
    expect(versions).toContain('{"version":2}');
    expect(versions).not.toContain('{"version":1}');
  });
});
