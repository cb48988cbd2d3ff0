import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StorageConfig } from './config.ts';
import { StorageError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { createMemoryStore, type MemoryStore } from './memory-engine.testing.ts';
import { bytes, codeOf, openOnModel, recoverAll } from './open-storage.testing.ts';
import { openReadOnlyStorage, type ReadOnlyStorage, startReader } from './read-only-storage.ts';
import { openStorage, type Storage } from './storage.ts';

const readerParts = { logger: silentLogger, pollMs: 0, timeoutMs: 1000, pageCacheBytes: 100_000 };

/** What a database would hold that follows: entries by lane, and blocks with the entries in their pages. */
class Follower {
  readonly heads = new Map<number, string[]>();
  readonly blocks = new Map<number, string[]>();
  readonly #storage: ReadOnlyStorage;
  readonly #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(storage: ReadOnlyStorage) {
    this.#storage = storage;
  }

  async start(): Promise<void> {
    for (const { id } of this.#storage.blocks.list()) this.blocks.set(id, []);
    for await (const { lane, entry } of this.#storage.recover()) this.#add(lane, entry);
    this.#done = this.#follow();
  }

  #add(lane: number, entry: Uint8Array): void {
    const head = this.heads.get(lane);
    const text = Buffer.from(entry).toString();
    if (head === undefined) this.heads.set(lane, [text]);
    else head.push(text);
  }

  async #follow(): Promise<void> {
    for await (const change of this.#storage.follow(this.#stop.signal)) {
      for (const { lane, entry } of change.entries) this.#add(lane, entry);
      for (const lane of change.lanesSealed) this.heads.delete(lane);
      for (const id of change.blocksRemoved) expect(this.blocks.delete(id)).toBe(true);
      for (const { id } of change.blocksAdded) this.blocks.set(id, []);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

type Step = 'append' | 'commit' | 'seal' | 'merge' | 'remove' | 'sweep' | 'turn' | 'fail';
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.constantFrom<Step>('append', 'append', 'append', 'commit', 'seal', 'merge', 'remove', 'sweep', 'turn', 'fail'),
  { maxLength: 60 },
);

describe('a reader', () => {
  it('follows to the same state that the writer has', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(20), async (list, openAt) => {
        const store = createMemoryStore();
        const writer = await openOnModel(store);
        const heads = new Map<number, string[]>();
        let lane = 1;
        let counter = 0;
        let readsToFailure = 0;
        let follower: Follower | undefined;
        const open = async (): Promise<Follower> => {
          const engine = store.openReader(() => {
            if (readsToFailure > 0 && --readsToFailure === 0) throw new StorageError('unavailable', 'failed');
          });
          const opened = new Follower(await startReader(engine, readerParts));
          await opened.start();
          return opened;
        };

        for (const [index, step] of list.entries()) {
          if (index === openAt) follower = await open();
          if (step === 'append') {
            const into = lane + (counter % 2);
            writer.journal.append(into, bytes(`${counter}`));
            heads.set(into, [...(heads.get(into) ?? []), `${counter++}`]);
          } else if (step === 'commit') await writer.journal.flush();
          else if (step === 'seal') {
            const sealsLanes = [lane, lane + 1];
            lane += 2;
            await writer.blocks.publish(writer.blocks.create('test'), { descriptor: bytes(''), sealsLanes });
            for (const sealed of sealsLanes) heads.delete(sealed);
          } else if (step === 'merge') {
            const replaces = writer.blocks.list().map(({ id }) => id);
            await writer.blocks.publish(writer.blocks.create('merged'), { descriptor: bytes(''), replaces });
          } else if (step === 'remove')
            await writer.blocks.remove(
              writer.blocks
                .list()
                .map(({ id }) => id)
                .slice(0, 1),
            );
          else if (step === 'sweep') await writer.sweep();
          else if (step === 'turn') await new Promise((resolve) => setTimeout(resolve, 3));
          else if (follower !== undefined) readsToFailure = 1 + (counter % 6);
        }
        follower ??= await open();
        await writer.journal.flush();
        await writer.sweep();
        await until(() => {
          expect(follower!.heads).toEqual(heads);
          expect([...follower!.blocks.keys()]).toEqual(writer.blocks.list().map(({ id }) => id));
        });
        await follower.stop();
        await writer.close();
      }),
      { numRuns: 200 },
    );
  });

  it('yields a first change at once, and says that it has caught up', async () => {
    const store = await written();
    const reader = await startReader(store.openReader(), { ...readerParts, pollMs: 10_000 });
    expect(await recoverAll({ journal: reader } as unknown as Storage)).toMatchObject([{ text: 'live' }]);
    expect(reader.health().state).toBe('recovering');
    const changes = reader.follow()[Symbol.asyncIterator]();
    expect((await changes.next()).value).toEqual({
      entries: [],
      lanesSealed: [],
      blocksAdded: [],
      blocksRemoved: [],
      isComplete: true,
    });
    expect(reader.health().state).toBe('ok');
    const ended = changes.next();
    await reader.close();
    expect(await ended).toEqual({ done: true, value: undefined });
    expect(await codeOf(reader.checkReadable())).toBe('unavailable');
  });

  it('yields what the engine has read without waiting for the end of the interval', async () => {
    const store = await written();
    const reader = await startReader(store.openReader(), { ...readerParts, pollMs: 3_600_000 });
    for await (const _ of reader.recover());
    const changes = reader.follow()[Symbol.asyncIterator]();
    await changes.next();
    const writer = await openOnModel(store);
    await recoverAll(writer);
    await writer.journal.committed(writer.journal.append(1, bytes('new')));
    const { value } = await changes.next();
    expect(value?.entries.map(({ entry }: { entry: Uint8Array }) => Buffer.from(entry).toString())).toEqual(['new']);
    await reader.close();
    await writer.close();
  });

  it('learns of a lane whose block was merged away before it could see it', async () => {
    const store = createMemoryStore();
    const writer = await openOnModel(store);
    writer.journal.append(1, bytes('older, stays'));
    writer.journal.append(2, bytes('moves'));
    await writer.journal.flush();
    const reader = await startReader(store.openReader(), readerParts);
    expect(await recoverAll({ journal: reader } as unknown as Storage)).toHaveLength(2);
    const changes = reader.follow()[Symbol.asyncIterator]();
    await changes.next();
    const first = await writer.blocks.publish(writer.blocks.create('test'), { descriptor: bytes(''), sealsLanes: [2] });
    const merged = writer.blocks.create('merged');
    await writer.blocks.publish(merged, { descriptor: bytes(''), replaces: [first.id] });
    await writer.sweep();
    expect((await changes.next()).value).toMatchObject({ lanesSealed: [2], blocksAdded: [{ id: merged.id }] });
    await reader.close();
  });

  it('keeps removed blocks readable for a while', async () => {
    const store = createMemoryStore();
    const writer = await openOnModel(store, { removalGraceMs: 60_000 });
    const block = writer.blocks.create('test');
    await block.writePage(bytes('page'));
    await writer.blocks.publish(block, { descriptor: bytes('') });
    const reader = await startReader(store.openReader(), readerParts);
    for await (const _ of reader.recover());
    const changes = reader.follow()[Symbol.asyncIterator]();
    await changes.next();
    await writer.blocks.remove([block.id]);
    expect((await changes.next()).value).toMatchObject({ blocksRemoved: [block.id] });
    expect(await reader.blocks.readPages(block.id, 0, 1)).toEqual([bytes('page')]);
    await reader.close();
  });

  it('refuses the database of another program, as a writer does', async () => {
    const store = createMemoryStore();
    const program = 'opendata-log';
    await (await openOnModel(store, { program })).close();
    const refusal = {
      code: 'config',
      message: expect.stringContaining(
        'there is a database of opendata-log, expected one of opendata-timeseries or nothing: give',
      ),
    };
    const other = { program: 'opendata-timeseries' };
    await expect(startReader(store.openReader(), { ...readerParts, ...other })).rejects.toMatchObject(refusal);
    await expect(openOnModel(store, other)).rejects.toMatchObject(refusal);
    for (const same of [{ program }, {}]) {
      await (await startReader(store.openReader(), { ...readerParts, ...same })).close();
      await (await openOnModel(store, same)).close();
    }
  });

  it('needs a database', async () => {
    await expect(startReader(createMemoryStore().openReader(), readerParts)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

describe('a reader on SlateDB', () => {
  it('reads beside the writer without fencing it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'storage-reader-'));
    const config: StorageConfig = { type: 'SlateDb', path: 'x', object_store: { type: 'Local', path: folder } };
    expect(await codeOf(openReadOnlyStorage(config, { logger: silentLogger }))).toBe('unavailable');
    const writer = await openStorage(config, { logger: silentLogger });
    await recoverAll(writer);
    for (let index = 0; index < 5; index++) writer.journal.append(1, bytes(`before ${index}`));
    await writer.journal.flush();
    const reader = await openReadOnlyStorage(config, { logger: silentLogger, pollMs: 20 });
    const follower = new Follower(reader);
    await follower.start();
    expect(follower.heads.get(1)).toHaveLength(5);
    for (let index = 0; index < 20; index++)
      await writer.journal.committed(writer.journal.append(2, bytes(`${index}`)));
    await until(() => expect(follower.heads.get(2)).toHaveLength(20));
    const block = writer.blocks.create('test');
    for (let page = 0; page < 5; page++) await block.writePage(new Uint8Array(50_000).fill(page));
    await writer.blocks.publish(block, { descriptor: bytes('d'), sealsLanes: [1] });
    await until(() => expect([...follower.heads.keys(), ...follower.blocks.keys()]).toEqual([2, 1]));
    expect((await reader.blocks.readPages(1, 1, 3)).map((page) => page[0])).toEqual([1, 2, 3]);
    await writer.meta.put('name', bytes('value'));
    await until(async () => expect(await reader.meta.get('name')).toEqual(bytes('value')));
    expect(reader.health().state).toBe('ok');
    expect(reader.metrics().some(({ name }) => name.startsWith('slatedb_'))).toBe(true);
    await reader.checkReadable();
    await follower.stop();
    await reader.close();
    expect(writer.health().state).toBe('ok');
    await writer.close();
    await rm(folder, { recursive: true, force: true });
  });
});

async function written(): Promise<MemoryStore> {
  const store = createMemoryStore();
  const writer = await openOnModel(store);
  await writer.journal.committed(writer.journal.append(1, bytes('live')));
  return store;
}

/** Waits until the check holds; fails with its error after 10 s. */
async function until(check: () => void | Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await check();
      return;
    } catch (error) {
      if (attempt > 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
