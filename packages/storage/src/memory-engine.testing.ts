import type { Engine, EngineOp, EngineReader, EngineRow, EngineWriteOptions, KeyRange, ScanOptions } from './engine.ts';
import { StorageError } from './errors.ts';

/** What happens to the next writes, one after the other; `ok` once the list is used up. */
export type WriteFault =
  | 'ok'
  /** The process dies before the batch is written. */
  | 'crash-before'
  /** The process dies after the batch is durable and before anybody hears of it. */
  | 'crash-after'
  /** An error that may pass; nothing is written. */
  | 'fail-before'
  /** An error that may pass, although the batch is written. */
  | 'fail-after'
  /** No answer until {@link MemoryStore.release}. */
  | 'hang';

/** An object store that outlives the engines on it. */
export interface MemoryStore {
  readonly rows: Map<string, EngineRow>;
  readonly faults: WriteFault[];
  /** Number of batches that were written. */
  readonly writes: () => number;
  /** Closing an engine does not end. */
  closingHangs: boolean;
  /** Number of writes that hang. */
  readonly hanging: () => number;
  /** Number of writes that are under way. */
  readonly underWay: () => number;
  /** Lets all hanging writes go on. */
  release(): void;
  /** Opens the store as its one writer, which fences any other. */
  open(): Engine;
  /** Opens the store for reading; `beforeRead` runs before every read. */
  openReader(beforeRead?: () => void): EngineReader;
}

export function createMemoryStore(): MemoryStore {
  const rows = new Map<string, EngineRow>();
  const faults: WriteFault[] = [];
  let epoch = 0;
  let writes = 0;
  let underWay = (): number => 0;
  let hanging: (() => void)[] = [];

  const apply = (ops: readonly EngineOp[]): void => {
    writes++;
    for (const { key, value } of ops) {
      const name = Buffer.from(key).toString('hex');
      if (value === undefined) rows.delete(name);
      else rows.set(name, { key: new Uint8Array(key), value: new Uint8Array(value) });
    }
  };

  const openReader = (beforeRead: () => void = () => undefined): EngineReader => {
    let closed: StorageError | undefined;
    const check = (): void => {
      if (closed !== undefined) throw closed;
      beforeRead();
    };
    return {
      get: async (key) => {
        check();
        return rows.get(Buffer.from(key).toString('hex'))?.value;
      },
      scan: async function* (range: KeyRange, options: ScanOptions = {}): AsyncGenerator<EngineRow> {
        check();
        const [start, end] = [Buffer.from(range.start), Buffer.from(range.end)];
        const found = [...rows.values()].filter((row) => start.compare(row.key) <= 0 && end.compare(row.key) > 0);
        found.sort((a, b) => Buffer.compare(a.key, b.key));
        if (options.descending) found.reverse();
        yield* found;
      },
      failure: () => closed,
      version: () => writes,
      metrics: () => [],
      probe: async () => check(),
      close: async () => {
        closed ??= new StorageError('closed', 'closed');
      },
    };
  };

  const open = (): Engine => {
    const opened = ++epoch;
    let ownWrites = 0;
    /** Why the last write failed that was not repeated. */
    let failed: { readonly reason: unknown } | undefined;
    underWay = () => ownWrites;
    let dead: StorageError | undefined;
    /** Settles when the batch before is written; rejects when it was not. */
    let before: Promise<void> = Promise.resolve();
    const die = (message: string): never => {
      throw (dead = new StorageError('internal', message, { details: { fatal: true } }));
    };
    const check = (): void => {
      if (dead !== undefined) throw dead;
      if (opened !== epoch) throw (dead = new StorageError('fenced', 'fenced'));
    };

    const applyNext = async (ops: readonly EngineOp[], previous: Promise<void>): Promise<WriteFault> => {
      await new Promise((resolve) => setImmediate(resolve));
      await previous;
      check();
      const fault = faults.shift() ?? 'ok';
      if (fault === 'crash-before') die('crashed');
      if (fault === 'fail-before') throw new StorageError('unavailable', 'failed');
      if (fault === 'hang') await new Promise<void>((resolve) => hanging.push(resolve));
      check();
      apply(ops);
      return fault;
    };

    const write = async (ops: readonly EngineOp[], { repeats = false }: EngineWriteOptions = {}): Promise<void> => {
      if (repeats) failed = undefined;
      if (failed !== undefined) throw failed.reason;
      if (ownWrites === 2) throw new Error('three writes at a time');
      if (ownWrites++ === 0) before = Promise.resolve();
      const applied = applyNext(ops, before);
      before = applied.then(() => undefined);
      before.catch(() => undefined);
      try {
        const fault = await applied;
        if (fault === 'crash-after') die('crashed');
        if (fault === 'fail-after') throw new StorageError('unavailable', 'failed');
      } catch (reason) {
        failed = { reason };
        throw reason;
      } finally {
        ownWrites--;
      }
    };

    return {
      ...openReader(check),
      write,
      overlaps: true,
      failure: () => dead,
      close: async () => {
        dead ??= new StorageError('closed', 'closed');
        if (store.closingHangs) await new Promise(() => undefined);
      },
    };
  };

  const store: MemoryStore = {
    rows,
    faults,
    closingHangs: false,
    writes: () => writes,
    hanging: () => hanging.length,
    underWay: () => underWay(),
    release: () => {
      const waiting = hanging;
      hanging = [];
      for (const resume of waiting) resume();
    },
    open,
    openReader,
  };
  return store;
}
