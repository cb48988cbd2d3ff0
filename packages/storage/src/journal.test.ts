import { describe, expect, it } from 'vitest';
import { yieldToLoop } from './deadline.ts';
import type { Journal } from './journal.ts';
import { createMemoryStore } from './memory-engine.testing.ts';
import { bytes, codeOf, openOnModel, recoverAll } from './open-storage.testing.ts';

describe('journal', () => {
  it('commits appends of the same moment as one group, one row a lane', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store);
    const writes = store.writes();
    const waits = [];
    for (let index = 0; index < 1000; index++)
      waits.push(journal.committed(journal.append(index % 3, bytes(`${index}`))));
    await Promise.all(waits);
    expect(store.writes() - writes).toBe(1);
    expect([...store.rows.values()].filter(({ key }) => key[0] === 2).length).toBe(3);
    expect(journal.durableGroup).toBe(1);
    expect(journal.lanes()).toEqual([0, 1, 2]);
  });

  it('gives entries back in the order of their appends, across lanes and rows', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store, { groupBytes: 1000 });
    const expected = [];
    for (let index = 0; index < 500; index++) {
      const lane = (index * 7) % 5;
      const group = first.journal.append(lane, bytes(`entry ${index}`));
      expected.push({ lane, group, text: `entry ${index}` });
      if (index % 100 === 99) await first.journal.flush();
    }
    await first.close();
    const second = await openOnModel(store, { recover: false });
    expect(second.health().state).toBe('recovering');
    expect(await recoverAll(second)).toEqual(expected);
    expect(second.health().state).toBe('ok');
  });

  it('splits a large lane into several rows', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store, { budgetBytes: 100_000_000 });
    const large = new Uint8Array(3_000_000).fill(1);
    for (let index = 0; index < 5; index++) first.journal.append(1, large);
    first.journal.append(1, bytes('small'));
    await first.journal.flush();
    expect([...store.rows.values()].filter(({ key }) => key[0] === 2).length).toBe(5);
    await first.close();
    const recovered = await recoverAll(await openOnModel(store, { recover: false }));
    expect(recovered.map(({ text }) => text.length)).toEqual([3e6, 3e6, 3e6, 3e6, 3e6, 5]);
  });

  it('keeps entries of one synchronous run in one group, however large', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store, { groupBytes: 100 });
    const groups = Array.from({ length: 50 }, () => journal.append(1, new Uint8Array(50)));
    expect(new Set(groups).size).toBe(1);
    await Promise.resolve();
    expect(journal.append(1, new Uint8Array(50))).toBe(2);
    await journal.flush();
  });

  it('copies entries', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    const entry = bytes('before');
    first.journal.append(1, entry);
    entry.fill(0);
    await first.close();
    expect(await recoverAll(await openOnModel(store, { recover: false }))).toMatchObject([{ text: 'before' }]);
  });

  it('commits what nobody waits for after a short time', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store, { idleCommitMs: 5 });
    const durable = new Promise((resolve) => journal.onDurable(resolve));
    const group = journal.append(1, bytes('x'));
    expect(await durable).toBe(group);
    expect(journal.pendingBytes).toBe(0);
  });

  it('refuses appends over its budget and changes nothing, until a commit makes room', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store, { budgetBytes: 1000 });
    store.faults.push('hang');
    for (let index = 0; index < 10; index++) journal.append(1, new Uint8Array(100));
    const flushed = journal.flush();
    expect(() => journal.append(1, new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'overloaded', retryable: true }),
    );
    expect(journal.pendingBytes).toBe(1000);
    await until(() => store.hanging() === 1);
    store.release();
    await flushed;
    expect(journal.append(1, new Uint8Array(1000))).toBe(2);
    await journal.flush();
    expect(journal.append(1, new Uint8Array(5000)), 'one entry larger than the budget').toBe(3);
  });

  it('rejects waiters after the deadline, turns unavailable, and heals by itself', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { commitTimeoutMs: 500 });
    const { journal } = storage;
    store.faults.push('hang');
    const group = journal.append(1, bytes('late'));
    expect(await codeOf(journal.committed(group))).toBe('unavailable');
    await until(() => storage.health().state === 'unavailable');
    expect(storage.health().oldestPendingCommitAgeMs).toBeGreaterThan(500);
    expect(await codeOf(storage.checkReadable())).toBe('unavailable');
    const next = journal.append(1, bytes('next'));
    expect(await codeOf(journal.committed(next))).toBe('unavailable');
    store.release();
    await until(() => journal.durableGroup === next);
    expect(storage.health()).toMatchObject({ state: 'ok', oldestPendingCommitAgeMs: 0 });
    await journal.committed(group);
    await storage.close();
    expect((await recoverAll(await openOnModel(store, { recover: false }))).map(({ text }) => text)).toEqual([
      'late',
      'next',
    ]);
  });

  it('writes the same rows again after an error that may pass', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store);
    store.faults.push('fail-before', 'fail-after', 'fail-before');
    await journal.committed(journal.append(1, bytes('once')));
    expect(await recoverAll(await openOnModel(store, { recover: false }))).toHaveLength(1);
  });

  it('is lost when another writer opens the database', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    const fatal = new Promise<{ code: string }>((resolve) => first.onFatal(resolve));
    await openOnModel(store);
    const stale = async () => first.journal.committed(first.journal.append(1, bytes('stale')));
    expect(await codeOf(stale())).toBe('fenced');
    expect((await fatal).code).toBe('fenced');
    expect(() => first.journal.append(1, bytes('x'))).toThrow(expect.objectContaining({ code: 'fenced' }));
    expect(first.health().state).toBe('fenced');
    expect(await codeOf(first.journal.flush())).toBe('fenced');
    expect(await codeOf(first.meta.put('a', bytes('b')))).toBe('fenced');
    expect(await codeOf(first.checkReadable())).toBe('fenced');
    await first.close();
  });

  it('rejects what hangs when the database is lost meanwhile', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    store.faults.push('hang');
    const writer = first.blocks.create('test');
    const waits = [
      codeOf(first.journal.committed(first.journal.append(1, bytes('x')))),
      codeOf(first.blocks.publish(writer, { descriptor: bytes('') })),
    ];
    await until(() => store.hanging() === 1);
    await openOnModel(store);
    store.release();
    expect(await Promise.all(waits)).toEqual(['fenced', 'fenced']);
  });

  it('commits everything when it closes, and refuses appends from then on', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { commitIntervalMs: 60_000, idleCommitMs: 60_000 });
    await storage.journal.committed(storage.journal.append(1, bytes('first')));
    storage.journal.append(1, bytes('second'));
    const closed = storage.close();
    expect(() => storage.journal.append(1, bytes('x'))).toThrow(expect.objectContaining({ code: 'closed' }));
    await closed;
    expect(storage.health().state).toBe('closed');
    expect(await recoverAll(await openOnModel(store, { recover: false }))).toHaveLength(2);
  });

  it('does not wait for ever for an engine that does not close', async () => {
    const store = createMemoryStore();
    store.closingHangs = true;
    const storage = await openOnModel(store, { leaveTimeoutMs: 20 });
    storage.journal.append(1, bytes('a'));
    await storage.close();
    expect((await recoverAll(await openOnModel(store, { recover: false }))).map(({ text }) => text)).toEqual(['a']);

    const fenced = await openOnModel(store);
    await openOnModel(store);
    fenced.journal.append(1, bytes('b'));
    expect(await codeOf(fenced.close())).toBe('fenced');
  });

  it('reports a close that cannot commit', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { closeTimeoutMs: 30 });
    store.faults.push('hang');
    const wait = codeOf(storage.journal.committed(storage.journal.append(1, bytes('x'))));
    expect(await codeOf(storage.close())).toBe('unavailable');
    expect(await wait).toBe('closed');
  });

  describe('that gathers writers', () => {
    const never = 1_000_000;
    const write = (journal: Journal, text: string): Promise<void> => journal.committed(journal.append(1, bytes(text)));
    const turns = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await yieldToLoop();
    };

    it('commits once for all whom the commit before has answered', async () => {
      const store = createMemoryStore();
      const { journal } = await openOnModel(store, { gatherMs: never });
      await Promise.all([write(journal, 'a'), write(journal, 'b')]);
      const writes = store.writes();
      const first = write(journal, 'c');
      await turns();
      expect(store.writes()).toBe(writes);
      await Promise.all([first, write(journal, 'd')]);
      expect(store.writes()).toBe(writes + 1);
    });

    it('does not wait long for those that do not come', async () => {
      const { journal } = await openOnModel(createMemoryStore(), { gatherMs: 1 });
      await Promise.all([write(journal, 'a'), write(journal, 'b')]);
      for (let i = 0; i < 5; i++) await write(journal, 'alone');
      expect(journal.durableGroup).toBe(6);
    });

    it('does not wait when it is flushed or closed', async () => {
      const storage = await openOnModel(createMemoryStore(), { gatherMs: never });
      const { journal } = storage;
      await Promise.all([write(journal, 'a'), write(journal, 'b')]);
      const third = write(journal, 'c');
      await turns();
      await Promise.all([third, journal.flush()]);
      await Promise.all([write(journal, 'd'), write(journal, 'e')]);
      const last = write(journal, 'f');
      await turns();
      await Promise.all([last, storage.close()]);
      expect(journal.durableGroup).toBe(journal.lastGroup);
    });
  });

  it('keeps the interval between commits, and flush does not wait for it', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store, { commitIntervalMs: 100_000 });
    await journal.committed(journal.append(1, bytes('at once')));
    const waiting = journal.committed(journal.append(1, bytes('later')));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(journal.durableGroup).toBe(1);
    await journal.flush();
    await waiting;
    expect(journal.durableGroup).toBe(2);
  });

  it('never uses a group number again, also when all rows are gone', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    for (let index = 0; index < 5; index++) await first.journal.committed(first.journal.append(7, bytes('x')));
    await first.blocks.publish(first.blocks.create('test'), { descriptor: bytes(''), sealsLanes: [7] });
    await first.sweep();
    expect([...store.rows.values()].some(({ key }) => key[0] === 2)).toBe(false);
    await first.close();
    const second = await openOnModel(store);
    expect(second.journal.append(8, bytes('y'))).toBe(6);
  });

  it('names the row that is corrupt', async () => {
    const store = createMemoryStore();
    const first = await openOnModel(store);
    await first.journal.committed(first.journal.append(3, bytes('hello')));
    await first.close();
    for (const { key, value } of store.rows.values()) if (key[0] === 2) value[value.length - 1]! ^= 1;
    const second = await openOnModel(store, { recover: false });
    await expect(recoverAll(second)).rejects.toMatchObject({
      code: 'corrupt',
      message: 'journal group 1, lane 3, part 0: checksum does not match',
    });
  });

  it('wants to be recovered first, and refuses sealed lanes', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { recover: false });
    expect(() => storage.journal.append(1, bytes('x'))).toThrow('recover()');
    await recoverAll(storage);
    storage.journal.append(1, bytes('x'));
    const publishing = storage.blocks.publish(storage.blocks.create('test'), {
      descriptor: bytes(''),
      sealsLanes: [1],
    });
    expect(() => storage.journal.append(1, bytes('y'))).toThrow('lane 1 is sealed');
    await publishing;
    expect(storage.journal.lanes()).toEqual([]);
    expect(await codeOf(storage.journal.committed(99))).toBe('internal');
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('groups that are written while another is made durable', () => {
  const large = (tag: number): Uint8Array => new Uint8Array(70_000).fill(tag);
  const tags = async (store: ReturnType<typeof createMemoryStore>): Promise<number[]> => {
    const storage = await openOnModel(store, { recover: false });
    const found: number[] = [];
    for await (const { entry } of storage.journal.recover()) found.push(entry[0]!);
    return found;
  };

  /** The first group hangs in the store, the second is behind it, the third is open. */
  async function threeGroups(store: ReturnType<typeof createMemoryStore>) {
    const storage = await openOnModel(store);
    store.faults.push('hang');
    const waits = [];
    for (const tag of [1, 2, 3]) {
      waits.push(storage.journal.committed(storage.journal.append(7, large(tag))));
      await until(() => store.hanging() === 1 && store.underWay() === Math.min(2, tag));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { storage, waits };
  }

  it('become durable one after the other', async () => {
    const store = createMemoryStore();
    const { storage, waits } = await threeGroups(store);
    expect(storage.journal.lastGroup).toBe(3);
    expect(storage.journal.durableGroup).toBe(0);
    expect(storage.journal.lanes()).toEqual([7]);
    const order: number[] = [];
    for (const [at, wait] of waits.entries()) wait.then(() => order.push(at + 1));
    store.release();
    await Promise.all(waits);
    expect(order).toEqual([1, 2, 3]);
    expect(storage.journal.pendingBytes).toBe(0);
    await storage.close();
    expect(await tags(store)).toEqual([1, 2, 3]);
  });

  it('wait while the one before them is written again', async () => {
    const store = createMemoryStore();
    const { storage, waits } = await threeGroups(store);
    store.faults.push('fail-before', 'fail-after');
    store.release();
    await Promise.all(waits);
    await storage.close();
    expect(await tags(store)).toEqual([1, 2, 3]);
  });

  it('have their deadline also once the one before them is durable', async () => {
    const store = createMemoryStore();
    const storage = await openOnModel(store, { commitTimeoutMs: 500 });
    store.faults.push('hang', 'hang');
    const first = storage.journal.append(7, large(1));
    // Whether it is answered within its own deadline is the machine's affair.
    storage.journal.committed(first).catch(() => undefined);
    await until(() => store.hanging() === 1);
    const second = storage.journal.committed(storage.journal.append(7, large(2)));
    await until(() => store.underWay() === 2);
    store.release();
    await until(() => storage.journal.durableGroup === first);
    expect(await codeOf(second)).toBe('unavailable');
    store.release();
    await storage.close();
    expect(await tags(store)).toEqual([1, 2]);
  });

  it('are lost with the database, and those who wait are told', async () => {
    const store = createMemoryStore();
    const { waits } = await threeGroups(store);
    await openOnModel(store);
    store.release();
    expect(await Promise.all(waits.map(codeOf))).toEqual(['fenced', 'fenced', 'fenced']);
    expect(await tags(store)).toEqual([]);
  });

  it('are committed when the storage is closed', async () => {
    const store = createMemoryStore();
    const { storage, waits } = await threeGroups(store);
    const closed = storage.close();
    store.release();
    await closed;
    await Promise.all(waits);
    expect(await tags(store)).toEqual([1, 2, 3]);
  });
});
