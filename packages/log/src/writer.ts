import { type Journal, maxEntryBytes } from '@opendata/storage';
import { DurableWatermark } from './durable-watermark.ts';
import { LogError } from './errors.ts';
import { checkRecords } from './head/head.ts';
import type { AppendColumns } from './model.ts';
import type { SegmentSet } from './segment-set.ts';

/** Records in one segment at most, whatever its bytes: it bounds the columns of a head. */
const maxSegmentRecords = 2_000_000;

export interface WriterLimits {
  /** A segment ends when its keys and values have this many bytes. */
  readonly sealBytes: number;
  /** A segment ends this long after its first record, ms; undefined: never by age. */
  readonly sealIntervalMs: number | undefined;
  /** Appends are refused while heads hold more memory than this, bytes. */
  readonly headBudgetBytes: number;
}

/** What an append got. */
export interface Appended {
  /** Sequence of the first record. */
  readonly startSequence: number;
  readonly count: number;
  /** The commit group of the journal to wait for. */
  readonly group: number;
  /** Bytes of the journal entry. */
  readonly sizeBytes: number;
}

/** The one place where records get their sequence. */
export class LogWriter {
  readonly watermark: DurableWatermark;
  private readonly journal: Journal;
  private readonly segments: SegmentSet;
  private readonly limits: WriterLimits;
  private readonly now: () => number;
  private readonly onRotate: () => void;
  private readonly unsubscribe: () => void;
  private ageTimer: NodeJS.Timeout | undefined;
  private closed = false;
  recordsTotal = 0;
  bytesTotal = 0;

  constructor(
    journal: Journal,
    segments: SegmentSet,
    limits: WriterLimits,
    hooks: { readonly now: () => number; readonly onRotate: () => void },
  ) {
    this.journal = journal;
    this.segments = segments;
    this.limits = limits;
    this.now = hooks.now;
    this.onRotate = hooks.onRotate;
    this.watermark = new DurableWatermark(segments.nextSequence);
    this.unsubscribe = journal.onDurable((group) => this.watermark.reach(group));
    this.rotateIfDue();
  }

  /**
   * Appends all records or none. They are visible to readers at once, and durable when `group` is.
   * @throws LogError invalid_input | overloaded | closed, StorageError overloaded | fenced | closed
   */
  append(records: AppendColumns): Appended {
    if (this.closed) throw new LogError('closed', 'the log is closed');
    const payloadBytes = checkRecords(records);
    const startSequence = this.segments.nextSequence;
    if (records.count === 0) return { startSequence, count: 0, group: this.journal.durableGroup, sizeBytes: 0 };
    this.checkBudget();
    const head = this.segments.active;
    const isFirst = head.recordCount === 0;
    const staged = head.stage(records, this.now());
    if (staged.bytes.length > maxEntryBytes) {
      const size = `${staged.bytes.length} bytes`;
      throw new LogError('invalid_input', `the batch takes ${size}, more than ${maxEntryBytes}: append it in parts`);
    }
    const group = this.journal.append(head.segmentId, staged.bytes);
    head.commit(staged);
    this.watermark.push(group, head.endSequence);
    this.recordsTotal += records.count;
    this.bytesTotal += payloadBytes;
    if (isFirst) this.startAgeTimer();
    if (this.isFull()) this.rotate();
    return { startSequence, count: records.count, group, sizeBytes: staged.bytes.length };
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.ageTimer);
    this.unsubscribe();
  }

  /** Ends the active segment if it has records. */
  rotate(): void {
    if (this.segments.active.recordCount === 0) return;
    clearTimeout(this.ageTimer);
    this.segments.rotate();
    this.onRotate();
  }

  private isFull(): boolean {
    const { sizeBytes, recordCount } = this.segments.active;
    return sizeBytes >= this.limits.sealBytes || recordCount >= maxSegmentRecords;
  }

  private checkBudget(): void {
    if (this.segments.headBytes < this.limits.headBudgetBytes) return;
    if (this.segments.waiting.length === 0) {
      // The room that was made for as many keys as the segment before had: nothing will give it back.
      if (this.segments.active.recordCount === 0) return;
      // Many small records or keys take more memory than the bytes that would end the segment: only its seal makes room.
      this.rotate();
    }
    throw new LogError('overloaded', 'segments are not sealed as fast as records arrive: the head budget is used up');
  }

  private rotateIfDue(): void {
    if (this.isFull()) this.rotate();
    else if (this.segments.active.recordCount > 0) this.startAgeTimer();
  }

  private startAgeTimer(): void {
    const { sealIntervalMs } = this.limits;
    if (sealIntervalMs === undefined) return;
    const leftMs = Math.max(0, this.segments.active.startTimeMs + sealIntervalMs - this.now());
    this.ageTimer = setTimeout(() => this.onAge(), Math.min(leftMs, 0x7fff_ffff));
    this.ageTimer.unref();
  }

  private onAge(): void {
    const { active } = this.segments;
    const isDue = this.limits.sealIntervalMs! <= this.now() - active.startTimeMs;
    if (isDue) this.rotate();
    else if (active.recordCount > 0) this.startAgeTimer();
  }
}
