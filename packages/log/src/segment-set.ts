import { firstIndex } from './binary-search.ts';
import { Head, type KeyWatcher } from './head/head.ts';
import type { LogSegment } from './model.ts';
import type { SegmentReader } from './segment/segment-reader.ts';

/** A segment that can be read: in memory or stored. */
export type ReadableSegment = Head | SegmentReader;

/** The log's segments in the order of the sequence: stored ones, then heads, of which the last takes the appends. */
export class SegmentSet {
  private readonly watcher: KeyWatcher;
  /** Replaced, never changed, so that a reader can keep the list that it started with. */
  sealed: readonly SegmentReader[];
  heads: readonly Head[];
  active: Head;
  /** Memory of the heads that wait to be sealed, bytes. */
  private waitingBytes = 0;
  private changing: Promise<void> = Promise.resolve();

  /** `heads` are those recovered; the last goes on. `nextSequence` and `nextId` count when there is none. */
  constructor(
    watcher: KeyWatcher,
    sealed: readonly SegmentReader[],
    heads: readonly Head[],
    nextSequence: number,
    nextId: number,
  ) {
    this.watcher = watcher;
    this.sealed = sealed;
    this.active = heads.at(-1) ?? new Head(nextId, nextSequence, watcher, sealed.at(-1)?.endTimeMs);
    this.heads = heads.length > 0 ? heads : [this.active];
    this.countWaiting();
  }

  /** The sequence that the next record gets. */
  get nextSequence(): number {
    return this.active.endSequence;
  }

  /** The first sequence that is still there. */
  get firstSequence(): number {
    return this.sealed[0]?.startSequence ?? this.heads[0]!.startSequence;
  }

  /** Memory held by heads, bytes. */
  get headBytes(): number {
    return this.waitingBytes + this.active.allocatedBytes;
  }

  /** Heads that take no more records and are not stored yet, oldest first. */
  get waiting(): readonly Head[] {
    return this.heads.slice(0, -1);
  }

  /** Ends the active segment, which has records, and starts the next one. */
  rotate(): void {
    const { active, watcher } = this;
    this.active = new Head(active.segmentId + 1, active.endSequence, watcher, active.times.lastMs, active);
    this.heads = [...this.heads, this.active];
    this.countWaiting();
  }

  /** `head` is stored: reads go to `reader` from now on. */
  replaceHead(head: Head, reader: SegmentReader): void {
    this.heads = this.heads.filter((other) => other !== head);
    this.sealed = [...this.sealed, reader];
    this.countWaiting();
  }

  /** `merged` has what `sources` had, which follow one another: reads go to it from now on. */
  replaceSealed(sources: readonly SegmentReader[], merged: SegmentReader): void {
    const first = this.sealed.indexOf(sources[0]!);
    this.sealed = this.sealed.toSpliced(first, sources.length, merged);
  }

  /** Reads go to these segments from now on: for a log that another process writes. `heads` may be empty. */
  take(sealed: readonly SegmentReader[], heads: readonly Head[], nextSequence: number, nextId: number): void {
    this.sealed = sealed;
    this.active = heads.at(-1) ?? new Head(nextId, nextSequence, this.watcher);
    this.heads = heads.length > 0 ? heads : [this.active];
    this.countWaiting();
  }

  /** Runs what removes or replaces stored segments: one such thing at a time. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.changing.then(work);
    this.changing = result.then(ignore, ignore);
    return result;
  }

  /** Bytes of all stored segments. */
  get sealedBytes(): number {
    return this.sealed.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  }

  /** Arrival of the first record that is still there, ms since 1970; undefined for an empty log. */
  get startTimeMs(): number | undefined {
    const first = this.sealed[0] ?? this.heads[0]!;
    return first.startSequence === first.endSequence ? undefined : first.startTimeMs;
  }

  /** `expired`, the oldest ones, are gone. */
  removeSealed(expired: readonly SegmentReader[]): void {
    this.sealed = this.sealed.filter((segment) => !expired.includes(segment));
  }

  /** Segments that have sequences in [from, to), in order. */
  overlapping(from: number, to: number): ReadableSegment[] {
    const found: ReadableSegment[] = [];
    for (let i = firstEndingAfter(this.sealed, from); i < this.sealed.length; i++) {
      const segment = this.sealed[i]!;
      if (segment.startSequence >= to) return found;
      found.push(segment);
    }
    for (const head of this.heads) {
      if (head.recordCount > 0 && head.endSequence > from && head.startSequence < to) found.push(head);
    }
    return found;
  }

  /** Segments with a record that arrived at `timeMs` or later, in order. */
  endingAtOrAfter(timeMs: number): ReadableSegment[] {
    const first = firstIndex(this.sealed.length, (i) => this.sealed[i]!.endTimeMs >= timeMs);
    return [...this.sealed.slice(first, first + 1), ...this.heads.filter(({ recordCount }) => recordCount > 0)];
  }

  /** Segments that have sequences in [from, to), described. */
  list(from: number, to: number): LogSegment[] {
    return this.overlapping(from, to).map((segment) => ({
      id: segment.id,
      startSequence: segment.startSequence,
      endSequence: segment.endSequence,
      startTimeMs: segment.startTimeMs,
      sealed: !(segment instanceof Head),
    }));
  }

  private countWaiting(): void {
    this.waitingBytes = 0;
    for (const head of this.waiting) this.waitingBytes += head.allocatedBytes;
  }
}

const ignore = () => undefined;

function firstEndingAfter(segments: readonly SegmentReader[], sequence: number): number {
  return firstIndex(segments.length, (i) => segments[i]!.endSequence > sequence);
}
