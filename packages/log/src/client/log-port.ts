import type { AppendColumns, KeyInspection } from '../model.ts';
import type { ClientAppended, ClientSegment, ReadRecord, Watermark } from './records.ts';

/** The one key to read, or which of all. */
export type Target = Uint8Array | Selection;

export interface Selection {
  readonly keys: readonly Uint8Array[];
  readonly prefixes: readonly Uint8Array[];
  /** Both lists are empty then. */
  readonly isEverything: boolean;
}

/** What to read of it. */
export interface PageQuery {
  readonly durable: boolean;
  readonly start: number;
  readonly end: number | undefined;
  readonly limit: number;
  readonly startTimeMs: number | undefined;
  readonly last: number | undefined;
  readonly reverse: boolean;
  /** Wait so long for a first record, ms. */
  readonly followMs: number | undefined;
}

export interface Page {
  readonly records: readonly ReadRecord[];
  /** Where to go on; in reverse order, the end to go on with. */
  readonly nextSequence: number;
}

export interface KeysQuery {
  readonly prefix: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
  readonly startSegment: number | undefined;
  readonly endSegment: number | undefined;
  /** At most {@link maxKeysPage}. */
  readonly limit: number;
}

export interface Range {
  readonly start: number | undefined;
  readonly end: number | undefined;
}

/** Appends on their way one behind the other. */
export interface AppendStream {
  /**
   * Settled in the order of the calls. After the first that rejects all that follow do: with `mayBeWritten` unless it is
   * certain that nothing of it was taken.
   */
  append(records: AppendColumns, awaitDurable: boolean): Promise<ClientAppended>;
  /** Resolves when the stream has ended, for whatever reason, and every append is settled. */
  readonly over: Promise<void>;
  /** Nothing more is appended; what is on its way is still settled. */
  end(): void;
}

/** Where to begin to follow. */
export interface FollowStart {
  readonly start: number | undefined;
  readonly startTimeMs: number | undefined;
  readonly last: number | undefined;
  readonly durable: boolean;
}

export const maxKeysPage = 10_000;

/** The one way to a log: one request each, tried once. Everything rejects with LogClientError. */
export interface LogPort {
  append(records: AppendColumns, awaitDurable: boolean, signal: AbortSignal): Promise<ClientAppended>;
  /** Where many appends can be on their way in one order. */
  openAppends?(signal: AbortSignal): Promise<AppendStream>;
  /** Where records can be sent as they come; ends when the log stops. */
  follow?(target: Selection, from: FollowStart, signal: AbortSignal): AsyncIterable<Page>;
  page(target: Target, query: PageQuery, signal: AbortSignal): Promise<Page>;
  keys(query: KeysQuery, signal: AbortSignal): Promise<Uint8Array[]>;
  count(key: Uint8Array, range: Range, signal: AbortSignal): Promise<number>;
  inspect(key: Uint8Array, range: Range, signal: AbortSignal): Promise<KeyInspection>;
  segments(range: Range, signal: AbortSignal): Promise<ClientSegment[]>;
  flush(signal: AbortSignal): Promise<Watermark>;
  /** Waits until everything before `sequence` is durable, at most `timeoutMs`. */
  watermark(sequence: number, timeoutMs: number, signal: AbortSignal): Promise<Watermark>;
  close(): Promise<void>;
}
