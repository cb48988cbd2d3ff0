import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLogger } from './logger.ts';
import { createMemoryStore, type WriteFault } from './memory-engine.testing.ts';
import { type Storage, startStorage } from './storage.ts';
import { commands, walk } from './storage-model.testing.ts';

const faults: fc.Arbitrary<WriteFault[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.constant<WriteFault>('ok') },
    { weight: 2, arbitrary: fc.constant<WriteFault>('crash-before') },
    { weight: 2, arbitrary: fc.constant<WriteFault>('crash-after') },
    { weight: 1, arbitrary: fc.constantFrom<WriteFault>('fail-before', 'fail-after') },
  ),
  { maxLength: 60 },
);

describe('journal and blocks against a model', () => {
  it('keeps what was acknowledged, in order and once, over crashes between any two storage operations', async () => {
    await fc.assert(
      fc.asyncProperty(commands, faults, fc.constantFrom(0, 1), async (steps, planned, gatherMs) => {
        const store = createMemoryStore();
        store.faults.push(...planned);
        const reopen = (): Promise<Storage> =>
          startStorage(store.open(), {
            logger: silentLogger,
            removalGraceMs: 0,
            commitIntervalMs: 0,
            commitTimeoutMs: 60_000,
            retryMs: 1,
            pageCacheBytes: 10_000,
            groupBytes: 400,
            largeGroupBytes: 1,
            gatherMs,
            budgetBytes: 1_000_000,
          });
        await walk(steps, { reopen, rows: () => sorted(store.rows.values()) });
      }),
      { numRuns: 300 },
    );
    expect.hasAssertions();
  });
});

function sorted<T extends { readonly key: Uint8Array }>(rows: Iterable<T>): T[] {
  return [...rows].sort((a, b) => Buffer.compare(a.key, b.key));
}
