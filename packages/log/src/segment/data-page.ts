import { LogError } from '../errors.ts';
import { copyBytes } from '../journal-entry.ts';
import type { ScanPage } from '../scan-page.ts';
import { VarintCursor, varintLength, writeVarint } from '../varint.ts';
import type { Run } from './directory-page.ts';

const version = 2;

/**
 * Collects records, ordered by (key, sequence), into a page: a version byte, then for each record as varints its
 * sequence and its arrival (ms), both as the difference to the record before it in the run (the first: sequence to
 * the run's, arrival to the segment's), the doubled length of the body, one more if it has attributes, and the body
 * as journal entries have it.
 */
export class DataPageBuilder {
  private bytes: Buffer;
  private sequence = 0;
  private timeMs = 0;
  length = 1;

  constructor(targetBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(targetBytes);
  }

  /** Starts a run whose first record has this sequence; the segment started at `timeMs`. */
  startRun(sequence: number, timeMs: number): void {
    this.sequence = sequence;
    this.timeMs = timeMs;
  }

  /** Size in bytes of the page with one more record of `bodyLength`, at most. */
  lengthWith(bodyLength: number): number {
    return this.length + 8 + 8 + varintLength(bodyLength * 2) + bodyLength;
  }

  /** Adds the record with the body of `length` bytes from `start` of `source`. */
  add(
    sequence: number,
    timeMs: number,
    source: Uint8Array,
    start: number,
    length: number,
    hasAttributes = false,
  ): void {
    const needed = this.lengthWith(length);
    if (needed > this.bytes.length) this.grow(needed);
    let offset = writeVarint(this.bytes, this.length, sequence - this.sequence);
    offset = writeVarint(this.bytes, offset, timeMs - this.timeMs);
    offset = writeVarint(this.bytes, offset, length * 2 + (hasAttributes ? 1 : 0));
    this.length = copyBytes(source, start, start + length, this.bytes, offset);
    this.sequence = sequence;
    this.timeMs = timeMs;
  }

  /** The page, valid until the next record is added; the builder is empty afterwards. */
  finish(): Uint8Array {
    const page = this.bytes.subarray(0, this.length);
    page[0] = version;
    this.length = 1;
    return page;
  }

  private grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(needed);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/** Where a segment starts. */
export interface SegmentStart {
  readonly startSequence: number;
  /** ms since 1970 */
  readonly startTimeMs: number;
}

/**
 * Adds the records of `run` with a sequence in [from, to) to `target` until it is full. `from` and `to` are relative to
 * the segment, which starts at `start`.
 * @throws LogError corrupt
 */
export function readRun(
  bytes: Uint8Array,
  run: Run,
  start: SegmentStart,
  from: number,
  to: number,
  target: ScanPage,
): void {
  const cursor = openRun(bytes, run);
  let sequence = run.firstSequence;
  let timeMs = start.startTimeMs;
  for (let i = 0; i < run.count && !target.isFull; i++) {
    sequence += cursor.next();
    timeMs += cursor.next();
    const length = cursor.next();
    const bodyStart = cursor.skip(Math.floor(length / 2));
    if (cursor.failed) throw new LogError('corrupt', 'data page is cut short');
    if (sequence >= to) return;
    if (sequence < from) continue;
    const at = start.startSequence + sequence;
    if (length % 2 === 0) target.add(at, timeMs, bytes, bodyStart, cursor.offset);
    else target.addWithAttributes(at, timeMs, bytes, bodyStart, cursor.offset);
  }
}

const recordCursor = new VarintCursor();

/** Where the body of one record is. */
export interface BodyPlace {
  start: number;
  end: number;
  hasAttributes: boolean;
}

/** Finds the body of the record at byte `offset` of the page. @throws LogError corrupt */
export function locateBody(bytes: Uint8Array, offset: number, place: BodyPlace): void {
  if (bytes[0] !== version) throw new LogError('corrupt', `data page of an unknown version: ${bytes[0]}`);
  recordCursor.reset(bytes, offset, bytes.length);
  recordCursor.next();
  recordCursor.next();
  const length = recordCursor.next();
  place.start = recordCursor.skip(Math.floor(length / 2));
  place.end = recordCursor.offset;
  place.hasAttributes = length % 2 === 1;
  if (recordCursor.failed) throw new LogError('corrupt', 'data page is cut short');
}

/** Number of records of `run` before `sequence` (relative to the segment). */
export function countBefore(bytes: Uint8Array, run: Run, sequence: number): number {
  const cursor = openRun(bytes, run);
  let current = run.firstSequence;
  for (let i = 0; i < run.count; i++) {
    current += cursor.next();
    if (current >= sequence) return i;
    cursor.next();
    cursor.skip(Math.floor(cursor.next() / 2));
    if (cursor.failed) throw new LogError('corrupt', 'data page is cut short');
  }
  return run.count;
}

/** Sequence of record `index` of `run` (relative to the segment). @throws LogError corrupt */
export function sequenceInRun(bytes: Uint8Array, run: Run, index: number): number {
  const cursor = openRun(bytes, run);
  let sequence = run.firstSequence + cursor.next();
  for (let i = 0; i < index; i++) {
    cursor.next();
    cursor.skip(Math.floor(cursor.next() / 2));
    sequence += cursor.next();
  }
  if (cursor.failed) throw new LogError('corrupt', 'data page is cut short');
  return sequence;
}

function openRun(bytes: Uint8Array, run: Run): VarintCursor {
  if (bytes[0] !== version) throw new LogError('corrupt', `data page of an unknown version: ${bytes[0]}`);
  const cursor = new VarintCursor();
  cursor.reset(bytes, run.offset, bytes.length);
  return cursor;
}
