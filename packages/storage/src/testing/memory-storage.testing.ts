import { silentLogger } from '../logger.ts';
import { createMemoryStore, type WriteFault } from '../memory-engine.testing.ts';
import { type Storage, startStorage } from '../storage.ts';

export type { WriteFault } from '../memory-engine.testing.ts';

/** A storage whose rows are in memory and outlive it, on an engine that fails and dies as it is told. */
export interface MemoryStorage {
  /** What happens to the next writes of the engine. */
  readonly faults: WriteFault[];
  /** Opens it; who had it open before is fenced. */
  open(): Promise<Storage>;
}

export function createMemoryStorage(): MemoryStorage {
  const store = createMemoryStore();
  return {
    faults: store.faults,
    open: () =>
      startStorage(store.open(), {
        logger: silentLogger,
        removalGraceMs: 60_000,
        commitIntervalMs: 0,
        commitTimeoutMs: 60_000,
        retryMs: 1,
        pageCacheBytes: 20_000,
        groupBytes: 4000,
        budgetBytes: 10_000_000,
        leaveTimeoutMs: 100,
      }),
  };
}
