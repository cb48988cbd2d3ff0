import type { CommitLoop } from './commit-loop.ts';
import { withDeadline } from './deadline.ts';
import type { EngineReader } from './engine.ts';
import { metaKey } from './keys.ts';

export interface MetaReads {
  get(name: string): Promise<Uint8Array | undefined>;
}

/** Small named rows of the database. */
export interface MetaStore extends MetaReads {
  /**
   * Resolves when the row is durable.
   * @throws StorageError `unavailable` after the deadline: the row may become durable later
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
}

export function metaReads(engine: EngineReader): MetaReads {
  return { get: (name) => engine.get(metaKey(name)) };
}

export function metaStore(engine: EngineReader, loop: CommitLoop, deadlineMs: number): MetaStore {
  return {
    ...metaReads(engine),
    put: (name, bytes) =>
      withDeadline(loop.submit([{ key: metaKey(name), value: new Uint8Array(bytes) }]), deadlineMs, `writing ${name}`),
  };
}
