import { describe, expect, it, vi } from 'vitest';
import { type Gathered, Gathering } from './gathering.ts';
import type { Journal } from './journal.ts';
import { createMemoryStore } from './memory-engine.testing.ts';
import { bytes, openOnModel } from './open-storage.testing.ts';

const never = 1_000_000;

/** A group that takes entries since now, unless it is full, for which so many wait. */
function group(waiting: number, isFull = false): Gathered {
  const sinceMs = performance.now();
  return { waiting, gatheringSinceMs: () => (isFull ? undefined : sinceMs) };
}

describe('gathering writers', () => {
  it('waits for those that were answered and those that wait already', () => {
    const gathering = new Gathering(never);
    expect(gathering.leftMs(group(1))).toBe(0);
    gathering.answered(4, 3);
    expect(gathering.leftMs(group(3))).toBeGreaterThan(0);
    expect(gathering.leftMs(group(6))).toBeGreaterThan(0);
    expect(gathering.leftMs(group(7))).toBe(0);
  });

  it('waits for nobody where nobody is here', () => {
    const gathering = new Gathering(never);
    gathering.answered(4, 0);
    expect(gathering.leftMs(group(0))).toBe(0);
  });

  it('never waits for a writer that is alone', () => {
    const gathering = new Gathering(never);
    gathering.answered(1, 0);
    expect(gathering.leftMs(group(1))).toBe(0);
  });

  it('does not wait with a group that nobody can join', () => {
    const gathering = new Gathering(never);
    gathering.answered(4, 0);
    expect(gathering.leftMs(group(1, true))).toBe(0);
  });

  it('waits ever more seldom in vain, and again once all have come', () => {
    const gathering = new Gathering(never);
    gathering.answered(8, 0);
    const commitsUntilWait = (): number => {
      let commits = 1;
      for (; gathering.leftMs(group(1)) === 0; commits++) gathering.answered(8, 0);
      return commits;
    };
    const distances: number[] = [];
    for (let i = 0; i < 10; i++) {
      distances.push(commitsUntilWait());
      gathering.ended(group(1));
      gathering.answered(8, 0);
    }
    expect(distances).toEqual([1, 2, 3, 5, 9, 17, 33, 65, 65, 65]);
    commitsUntilWait();
    gathering.ended(group(8));
    gathering.answered(8, 0);
    expect(commitsUntilWait()).toBe(1);
  });
});

describe('a journal whose store is slow', () => {
  const write = (journal: Journal, text: string): Promise<void> => journal.committed(journal.append(1, bytes(text)));

  it('starts a large commit beside one that takes longer than the wait for those in it', async () => {
    const store = createMemoryStore();
    const { journal } = await openOnModel(store, { gatherMs: 5, largeGroupBytes: 1 });
    await Promise.all([write(journal, 'a'), write(journal, 'b')]);
    store.faults.push('hang');
    const first = [write(journal, 'c'), write(journal, 'd')];
    await vi.waitUntil(() => store.hanging() === 1, { timeout: 60_000 });
    const second = write(journal, 'e');
    await vi.waitUntil(() => store.underWay() === 2, { timeout: 60_000 });
    store.release();
    await Promise.all([...first, second]);
  });

  it('does not wait with a group that is full', async () => {
    const { journal } = await openOnModel(createMemoryStore(), { gatherMs: never, groupBytes: 8 });
    await Promise.all([write(journal, 'a'), write(journal, 'b')]);
    await write(journal, 'more than eight bytes');
  });
});
