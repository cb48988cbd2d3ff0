import type { LogBytes } from './bytes.ts';

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

export interface ClientAppended {
  /** Sequence of the first record; the others follow. 0 for no records. */
  readonly startSequence: number;
  readonly count: number;
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
