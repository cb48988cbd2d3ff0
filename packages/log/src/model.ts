import type { AttributeColumn, LogAttributes } from '@opendata/wire';

/** One record as it is appended. */
export interface AppendRecord extends LogAttributes {
  /** 1 to 65,535 bytes. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One record as it is read. */
export interface LogRecord extends LogAttributes {
  /** Place in the log's one order: from 0, without gaps. */
  readonly sequence: number;
  readonly value: Uint8Array;
  /** When the log took it, ms since 1970; never goes back along the sequence. */
  readonly arrivalTimeMs: number;
}

/** One record of a read over many keys. */
export interface KeyedRecord extends LogRecord {
  readonly key: Uint8Array;
}

/** Records to append, as byte ranges of one buffer. The buffer is only read during the call. */
export interface AppendColumns {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly keyStart: Uint32Array;
  readonly keyEnd: Uint32Array;
  readonly valueStart: Uint32Array;
  readonly valueEnd: Uint32Array;
  /** Undefined when no record has any. */
  readonly attributes?: AttributeColumn | undefined;
}

/** A part of the sequence: `start` inclusive, `end` exclusive. */
export interface SequenceRange {
  /** Default 0. */
  readonly start?: number;
  /** Default: no end. */
  readonly end?: number;
}

/** What reading a key costs. */
export interface KeyInspection {
  /** Records of the key in the range. */
  readonly total: number;
  /** Data pages that a scan of the range reads. */
  readonly pages: number;
  /** The segments that a scan looks into, in order. */
  readonly segments: readonly KeySegment[];
}

export interface KeySegment {
  readonly id: number;
  readonly sealed: boolean;
  readonly count: number;
  /** Data pages with these records; 0 in memory. A sealed segment costs a page of its directory besides. */
  readonly pages: number;
}

/** A part of the log that is sealed as one. */
export interface LogSegment {
  /** From 1, growing. */
  readonly id: number;
  /** The first sequence. */
  readonly startSequence: number;
  /** One past the last sequence so far. */
  readonly endSequence: number;
  /** Arrival of the first record, ms since 1970. */
  readonly startTimeMs: number;
  /** Whether it is complete and stored as a block. */
  readonly sealed: boolean;
}
