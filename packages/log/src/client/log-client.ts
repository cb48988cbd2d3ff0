import type { KeyInspection } from '../model.ts';
import type { LogBytes } from './bytes.ts';
import type { LogClientError } from './errors.ts';
import type { LogProducer, ProducerOptions } from './producer.ts';
import type { ClientAppended, ClientRecord, ClientSegment, ReadRecord, Watermark } from './records.ts';

/** Which keys to read, in the order of the log: these, and all that begin with one of the prefixes. With neither: all. */
export interface KeySelection {
  readonly keys?: readonly LogBytes[] | undefined;
  readonly prefixes?: readonly LogBytes[] | undefined;
}

interface Abortable {
  /** Promises reject with its reason; iterations end. */
  readonly signal?: AbortSignal | undefined;
}

/** A part of the sequence: `start` inclusive (default 0), `end` exclusive (default: no end). */
export interface RangeOptions extends Abortable {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

export interface ClientAppendOptions extends Abortable {
  /** Resolve when the records are durable; default: as soon as they can be read. */
  readonly awaitDurable?: boolean | undefined;
  /** Repeat an append of which it is not known whether it was written; its records may then be there twice. */
  readonly allowDuplicates?: boolean | undefined;
}

export interface ReadOptions extends RangeOptions {
  /** Most records; default: no limit. */
  readonly limit?: number | undefined;
  /** Only records that arrived at this time or later, ms since 1970. */
  readonly startTimeMs?: number | undefined;
  /** Only the last so many of these records. */
  readonly last?: number | undefined;
  /** The newest records first. */
  readonly reverse?: boolean | undefined;
  /** Only what is durable already. */
  readonly onlyDurable?: boolean | undefined;
}

/** Where to begin: at `start`, at `startTimeMs`, with the `last` records there are, or, by default, with the next one. */
export interface TailOptions extends Abortable {
  readonly start?: number | undefined;
  readonly startTimeMs?: number | undefined;
  readonly last?: number | undefined;
  /**
   * Hold records back until they are durable. Without it, a record may be seen that a crash of the server undoes, and
   * whose sequence another record then gets.
   */
  readonly onlyDurable?: boolean | undefined;
  /** Told when the log cannot be reached; the tail goes on by itself. */
  readonly onRetry?: ((error: LogClientError, delayMs: number) => void) | undefined;
}

export interface KeysOptions extends Abortable {
  readonly prefix?: LogBytes | undefined;
  /** Only keys after this one. */
  readonly after?: LogBytes | undefined;
  /** Most keys; default: no limit. */
  readonly limit?: number | undefined;
  /** First segment, and one past the last. */
  readonly startSegment?: number | undefined;
  readonly endSegment?: number | undefined;
}

export interface WatermarkOptions extends Abortable {
  /** Wait until everything before this sequence is durable. */
  readonly atLeast?: number | undefined;
  /** How long to wait at most, ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A log, in this process or behind HTTP: the same either way. Reads and waits are tried again while the log cannot be
 * reached; an append only where it is known that it was not written, unless duplicates are allowed.
 * All methods throw LogClientError, or the reason of the signal.
 */
export interface LogClient extends AsyncDisposable {
  /** Appends all records or none, under consecutive sequences. */
  append(records: ClientRecord | readonly ClientRecord[], options?: ClientAppendOptions): Promise<ClientAppended>;
  /** Batches records, several batches on their way at once; records of one key stay in order. */
  producer(options?: ProducerOptions): LogProducer;
  /** The records of a key, or of many, to the end that the log has when it gets there. */
  read(keys: LogBytes | KeySelection, options?: ReadOptions): AsyncIterableIterator<ReadRecord>;
  /** The records of a key, or of many, and those to come, without end. After an interruption it goes on where it was. */
  tail(keys: LogBytes | KeySelection, options?: TailOptions): AsyncIterableIterator<ReadRecord>;
  /** Exact number of records of a key. */
  count(key: LogBytes, options?: RangeOptions): Promise<number>;
  /** Distinct keys in the order of their bytes. */
  keys(options?: KeysOptions): AsyncIterableIterator<Uint8Array>;
  /** Segments that have records in the range, in order. */
  segments(options?: RangeOptions): Promise<ClientSegment[]>;
  /** What reading a key costs, by segment. */
  inspect(key: LogBytes, options?: RangeOptions): Promise<KeyInspection>;
  /** Resolves when everything appended so far is durable. */
  flush(options?: Abortable): Promise<Watermark>;
  /** How far the log is durable, now or when it is far enough; the caller checks whether it is after a time-out. */
  watermark(options?: WatermarkOptions): Promise<Watermark>;
  /** The durable sequence, now and whenever it has risen; without end. */
  durable(signal?: AbortSignal): AsyncIterableIterator<number>;
  /** Breaks off what is under way. In this process the log is closed as well. */
  close(): Promise<void>;
}
