import { openStorage, type Storage } from '@opendata/storage';
import { afterEach, describe, expect, it } from 'vitest';
import { CommitGate } from './commit-gate.ts';
import { silentLogger } from './logger.ts';

let storage: Storage;
afterEach(() => storage.close());

async function openJournal() {
  storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  for await (const _ of storage.journal.recover());
  return storage.journal;
}

describe('commit gate', () => {
  it('resolves when what was appended before is durable', async () => {
    const journal = await openJournal();
    const gate = new CommitGate(journal);
    for (let round = 0; round < 5; round++) {
      const group = journal.append(1, Buffer.from(`${round}`));
      await gate.wait({ group, sizeBytes: 1 });
      expect(journal.durableGroup).toBeGreaterThanOrEqual(group);
    }
  });

  it('serves clients in a loop, many and few, without one that starves', async () => {
    const journal = await openJournal();
    const gate = new CommitGate(journal);
    const done = new Array<number>(40).fill(0);
    await Promise.all(
      done.map(async (_, client) => {
        const rounds = client < 20 ? 30 : 5;
        for (let round = 0; round < rounds; round++) {
          const group = journal.append(1, Buffer.from('x'));
          await gate.wait({ group, sizeBytes: 1 });
          expect(journal.durableGroup).toBeGreaterThanOrEqual(group);
          done[client]!++;
          if (client % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }),
    );
    expect(done).toEqual(done.map((_, client) => (client < 20 ? 30 : 5)));
  });
});
