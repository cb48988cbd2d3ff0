import type { WaitOptions } from './followers.ts';
import type { Logger } from './logger.ts';
import type {
  AppendColumns,
  AppendRecord,
  KeyedRecord,
  KeyInspection,
  LogRecord,
  LogSegment,
  SequenceRange,
} from './model.ts';
import type { FollowSelectedOptions, ReadOptions, SelectedPageOptions, TailOptions } from './ordered-reader.ts';
import type { FollowPageOptions, KeyListOptions, ReadPageOptions } from './reader.ts';
import type { RetentionLimits } from './retention-limits.ts';
import type { ScanPage } from './scan-page.ts';
import type { MergeLimits } from './segment-merger.ts';
import type { LogSelection } from './selection.ts';
import type { Appended, WriterLimits } from './writer.ts';

const MiB = 1024 * 1024;

/** What holds unless something else is said. */
export const logDefaults: WriterLimits & RetentionLimits & Pick<MergeLimits, 'mergeCount'> = {
  sealBytes: 64 * MiB,
  sealIntervalMs: undefined,
  headBudgetBytes: 320 * MiB,
  retentionMs: undefined,
  retentionBytes: undefined,
  checkIntervalMs: 60_000,
  mergeCount: 8,
};

/** `retentionMs` needs `sealIntervalMs`, which must not be longer. */
export interface LogOptions extends Partial<WriterLimits>, Partial<RetentionLimits> {
  /** So many small stored segments one behind the other are merged into one; default 8. */
  readonly mergeCount?: number | undefined;
  readonly logger?: Logger | undefined;
  /** The time that records get, ms since 1970; default `Date.now`. */
  readonly now?: () => number;
}

export interface AppendOptions {
  /** Resolve when the records are durable; default: as soon as they are visible. */
  readonly awaitDurable?: boolean;
}

export interface ScanOptions extends SequenceRange {
  /** Most records; default: no limit. */
  readonly limit?: number;
  /** Only records that arrived at this time or later, ms since 1970. */
  readonly startTimeMs?: number | undefined;
  /** Only the last so many of these records. */
  readonly last?: number | undefined;
  /** The newest records first; not with `follow`. */
  readonly reverse?: boolean | undefined;
  /** Wait for further records at the end; default false. */
  readonly follow?: boolean;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

/** Figures of an open log. */
export interface LogStats {
  readonly appendedRecords: number;
  readonly appendedBytes: number;
  readonly scannedRecords: number;
  /** Bytes of values. */
  readonly scannedBytes: number;
  readonly sealedSegments: number;
  /** Segments that are complete but not yet stored. */
  readonly waitingSegments: number;
  /** Segments that were merged into others since the start. */
  readonly mergedSegments: number;
  readonly sealFailures: number;
  /** Bytes of the stored segments. */
  readonly sealedBytes: number;
  /** Segments removed by the retention since the start. */
  readonly expiredSegments: number;
  readonly retentionFailures: number;
  /** Age of the first record that is still there, ms; 0 for an empty log. */
  readonly oldestAgeMs: number;
  /** Keys of the active segment. */
  readonly activeKeys: number;
  /** Memory of the segments that are not stored yet, bytes. */
  readonly headBytes: number;
  readonly followers: number;
  /** The first sequence that has not expired. */
  readonly firstSequence: number;
  readonly nextSequence: number;
  readonly durableSequence: number;
}

/** What can be read of a log, be it this process' own or another's. */
export interface LogReader extends AsyncDisposable {
  /** The records of `key` in order. With `follow` it waits for more instead of ending. */
  scan(key: Uint8Array, options?: ScanOptions): AsyncIterableIterator<LogRecord>;
  /** Some next records of `key`, as columns, and where to go on. */
  readPage(key: Uint8Array, options?: ReadPageOptions): Promise<ScanPage>;
  /** Like {@link readPage}, but waits for a first record up to `timeoutMs`. */
  followPage(key: Uint8Array, options: FollowPageOptions): Promise<ScanPage>;
  /** Records of many keys, or of all, in the order of the log. With `follow` it waits for more instead of ending. */
  read(selection?: LogSelection, options?: ReadOptions): AsyncIterableIterator<KeyedRecord>;
  /** Some next records of many keys, as columns, and where to go on. */
  readSelectedPage(selection: LogSelection, options?: SelectedPageOptions): Promise<ScanPage>;
  /** Like {@link readSelectedPage}, but waits for a first record up to `timeoutMs`. */
  followSelectedPage(selection: LogSelection, options: FollowSelectedOptions): Promise<ScanPage>;
  /** Pages of records of many keys as they come; empty ones say that nothing came for `idleMs`. */
  tailPages(selection: LogSelection, options?: TailOptions): AsyncIterableIterator<ScanPage>;
  /** Exact number of records of `key` in the range. */
  count(key: Uint8Array, range?: SequenceRange): Promise<number>;
  /** What a scan of `key` in the range meets and costs, by segment. */
  inspect(key: Uint8Array, range?: SequenceRange): Promise<KeyInspection>;
  /** Distinct keys in the order of their bytes. */
  keys(options?: KeyListOptions): AsyncIterableIterator<Uint8Array>;
  /** Segments that have records in the range, in order. */
  segments(range?: SequenceRange): LogSegment[];
  /** The first sequence that has not expired. */
  readonly firstSequence: number;
  /** One past the last sequence that can be read. */
  readonly nextSequence: number;
  /** Ends every wait of a follower, now and from now on, with what there is. */
  endFollowing(): void;
  close(): Promise<void>;
}

/** A log, open for writing. One process at a time has it. */
export interface LogDb extends LogReader {
  /**
   * Appends all records or none, under consecutive sequences.
   * @throws LogError invalid_input | overloaded | closed, StorageError
   */
  append(records: readonly AppendRecord[], options?: AppendOptions): Promise<{ startSequence: number; count: number }>;
  /** The same without an object a record; returns at once. Wait for durability with {@link committed}. */
  appendColumns(records: AppendColumns): Appended;
  /** Resolves when what {@link appendColumns} returned is durable. Rejects with a StorageError. */
  committed(appended: Appended): Promise<void>;
  /**
   * What the acknowledgement of an append has to wait for; to be asked right behind it. The commit, if it is to promise
   * durability; otherwise nothing as long as the storage keeps up, and else a commit or a seal, so that writers slow
   * down to its speed before they are refused.
   */
  acknowledged(appended: Appended, awaitDurable: boolean): Promise<void> | undefined;
  /** Resolves when everything appended so far is durable. */
  flush(): Promise<void>;
  /** Everything before this sequence is durable. */
  readonly durableSequence: number;
  /** Calls `listener` whenever {@link durableSequence} rises; returns what ends that. */
  onDurable(listener: (sequence: number) => void): () => void;
  /** Resolves true when everything before `sequence` is durable, false at the time-out, on abort, or when the log closes. */
  durableAt(sequence: number, options?: WaitOptions): Promise<boolean>;
  /** {@link durableSequence} now and whenever it has risen; a slow reader gets the newest only. Ends with the log. */
  durable(signal?: AbortSignal): AsyncIterableIterator<number>;
  /** Ends the active segment, so that it is stored as a block in the background. */
  sealActive(): void;
  /** Resolves when no segment waits to be stored or merged. */
  sealed(): Promise<void>;
  /** Removes what has expired, now; this also happens by itself. Rejects with a StorageError. */
  expire(): Promise<void>;
  stats(): LogStats;
}
