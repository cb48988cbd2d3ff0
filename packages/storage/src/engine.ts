import type { StorageError } from './errors.ts';

/** One put, or one delete where `value` is undefined. Bytes must not change until the write has settled. */
export interface EngineOp {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface EngineRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Keys from `start` (inclusive) to `end` (exclusive). */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

export interface ScanOptions {
  /** How many bytes to fetch ahead of the caller; 256 KiB to 8 MiB. */
  readonly readAheadBytes?: number;
  /** Descending order, for the first few rows only. */
  readonly descending?: boolean;
  /** Values are not looked at: they may be anything. */
  readonly keysOnly?: boolean;
  /** Whether blocks read should stay in the engine's cache; default true. */
  readonly cache?: boolean;
}

export interface EngineMetric {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value:
    | { readonly kind: 'counter' | 'gauge'; readonly value: number }
    | {
        readonly kind: 'histogram';
        readonly count: number;
        readonly sum: number;
        readonly boundaries: readonly number[];
        /** Not cumulated; one more than there are boundaries. */
        readonly bucketCounts: readonly number[];
      };
}

/** The reading half of the port to the key-value engine. */
export interface EngineReader {
  /** @throws StorageError `unavailable` after the deadline, `fenced`, `closed`, `internal` */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** A point-in-time view of the range, in key order; gives the event loop a turn in between. */
  scan(range: KeyRange, options?: ScanOptions): AsyncIterable<EngineRow>;
  /** Why the engine cannot be used any more, if so. Cheap enough for every 250 ms. */
  failure(): StorageError | undefined;
  /** A number that changes when newer rows can be read; absent where the engine does not know. Costs some microseconds. */
  version?(): number;
  metrics(): readonly EngineMetric[];
  /** Asks the object store itself, past every cache, whether it answers. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

export interface EngineWriteOptions {
  /**
   * Puts what is in memory into a sorted file behind this write, in the background: rows that were deleted before leave
   * nothing in it, and the log before it can be deleted.
   */
  readonly endsTable?: boolean;
  /** The batch holds everything of the writes that failed. After a failure all others are refused until it comes. */
  readonly repeats?: boolean;
}

/** The port to the key-value engine. One writer, and never more writes at a time than the engine takes. */
export interface Engine extends EngineReader {
  /**
   * Writes all operations as one atomic batch and makes them durable. Has no deadline of its own: it settles when the
   * store answers. After a rejection that is not fatal the outcome is unknown; the same batch may be written again.
   *
   * Batches are written in the order of the calls, and settle in it. While one is being made durable a second one may
   * follow where `overlaps` says so: it is never durable without the first, and where the first was not written it is not
   * written either and fails as well, also where it comes when the first has failed and nobody has heard of that yet.
   */
  write(ops: readonly EngineOp[], options?: EngineWriteOptions): Promise<void>;
  /** Whether two writes may be under way; otherwise it is one. */
  readonly overlaps?: boolean;
  /**
   * Brings a value that is kept outside the rows to where it is kept, ahead of its write; answers the operation to write
   * instead. Nothing can be read of it before that. Absent where there is nothing to bring.
   */
  stow?(op: EngineOp): Promise<EngineOp>;
  /** Writes what is in memory into a sorted file first, unless the database is lost: then it cannot, and need not. */
  close(options?: { readonly isLost?: boolean }): Promise<void>;
}
