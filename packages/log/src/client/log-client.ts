import type { KeyInspection } from '../model.ts';
import type { LogBytes } from './bytes.ts';
import type { LogClientError } from './errors.ts';
import type { LogProducer, ProducerOptions } from './producer.ts';

/** A record to append. */
export interface ClientRecord {
  /** At most 65,535 bytes. */
  readonly key: LogBytes;
  readonly value: LogBytes;
  /** The application's own time, ms since 1970. */
  readonly timestampMs?: number | undefined;
  readonly headers?: readonly ClientHeader[] | undefined;
}

/** A named value beside a record's own. Names may repeat. */
export interface ClientHeader {
  readonly name: string;
  readonly value: LogBytes;
}

/** Which keys to read, in the order of the log: these, and all that begin with one of the prefixes. With neither: all. */
export interface KeySelection {
  readonly keys?: readonly LogBytes[] | undefined;
  readonly prefixes?: readonly LogBytes[] | undefined;
}

/** A record as it is read. Its bytes are views of larger buffers: copy what is kept for long. */
export interface ReadRecord {
  /** Place in the log's one order: from 0, without gaps. */
  readonly sequence: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** When the log took it, ms since 1970; never goes back along the sequence. */
  readonly arrivalTimeMs: number;
  readonly timestampMs?: number | undefined;
  readonly headers?: readonly { readonly name: string; readonly value: Uint8Array }[] | undefined;
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

export interface ClientAppended {
  /** Sequence of the first record; the others follow. 0 for no records. */
  readonly startSequence: number;
  readonly count: number;
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

export interface ClientSegment {
  /** From 1, growing. */
  readonly id: number;
  readonly startSequence: number;
  /** Arrival of the first record, ms since 1970. */
  readonly startTimeMs: number;
}

/** How far the log goes. */
export interface Watermark {
  /** Everything before this sequence is durable. */
  readonly durableSequence: number;
  /** One past the last sequence that can be read. */
  readonly nextSequence: number;
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
