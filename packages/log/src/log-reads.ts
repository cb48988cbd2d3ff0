import type { LogStats, ScanOptions } from './db.ts';
import type { DurableWatermark } from './durable-watermark.ts';
import { LogError } from './errors.ts';
import type { Followers, WaitOptions } from './followers.ts';
import type { KeyedRecord, KeyInspection, LogRecord, LogSegment, SequenceRange } from './model.ts';
import {
  type FollowSelectedOptions,
  type OrderedFollowers,
  OrderedReader,
  type ReadOptions,
  type SelectedPageOptions,
  type TailOptions,
} from './ordered-reader.ts';
import { type FollowPageOptions, type KeyListOptions, type ReadPageOptions, SegmentsReader } from './reader.ts';
import type { ScanPage } from './scan-page.ts';
import type { SegmentSet } from './segment-set.ts';
import type { LogSelection } from './selection.ts';

export interface ReadParts {
  readonly segments: SegmentSet;
  readonly followers: Followers;
  readonly ordered: OrderedFollowers;
  readonly watermark: DurableWatermark;
}

/** What an open log and a replica of one have in common: everything that reads. */
export class LogReads {
  protected readonly segmentSet: SegmentSet;
  protected readonly followers: Followers;
  protected readonly orderedFollowers: OrderedFollowers;
  protected readonly watermark: DurableWatermark;
  private readonly reader: SegmentsReader;
  private readonly orderedReader: OrderedReader;

  constructor({ segments, followers, ordered, watermark }: ReadParts) {
    this.segmentSet = segments;
    this.followers = followers;
    this.orderedFollowers = ordered;
    this.watermark = watermark;
    this.reader = new SegmentsReader(segments, followers);
    this.orderedReader = new OrderedReader(segments, ordered, () => watermark.sequence);
  }

  get firstSequence(): number {
    return this.segmentSet.firstSequence;
  }

  get nextSequence(): number {
    return this.segmentSet.nextSequence;
  }

  get durableSequence(): number {
    return this.watermark.sequence;
  }

  onDurable(listener: (sequence: number) => void): () => void {
    return this.watermark.subscribe(listener);
  }

  durableAt(sequence: number, options: WaitOptions = {}): Promise<boolean> {
    return this.watermark.waitUntil(sequence, options);
  }

  durable(signal?: AbortSignal): AsyncGenerator<number> {
    return this.watermark.watch(signal);
  }

  async *scan(key: Uint8Array, options: ScanOptions = {}): AsyncGenerator<LogRecord> {
    const { signal, follow = false, reverse = false } = options;
    if (follow && reverse) throw new LogError('invalid_input', 'what is read in reverse order cannot be followed');
    let { startTimeMs, last } = options;
    let start = options.start ?? 0;
    let end = options.end ?? Number.POSITIVE_INFINITY;
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    while (left > 0 && start < end && !signal?.aborted) {
      const range = { start, end, startTimeMs, last, limit: Math.min(left, 4096), signal };
      const page = follow
        ? await this.reader.followPage(key, { ...range, timeoutMs: Number.POSITIVE_INFINITY })
        : await this.reader.page(key, { ...range, reverse });
      if (page.count === 0) return;
      for (let i = 0; i < page.count; i++) {
        if (signal?.aborted) return;
        yield page.recordAt(i);
      }
      left -= page.count;
      if (last !== undefined) last = Math.max(0, last - page.count);
      if (reverse) end = page.nextSequence;
      else {
        start = page.nextSequence;
        last = undefined;
        startTimeMs = undefined;
      }
    }
  }

  readPage(key: Uint8Array, options: ReadPageOptions = {}): Promise<ScanPage> {
    return this.reader.page(key, options);
  }

  followPage(key: Uint8Array, options: FollowPageOptions): Promise<ScanPage> {
    return this.reader.followPage(key, options);
  }

  read(selection: LogSelection = {}, options: ReadOptions = {}): AsyncGenerator<KeyedRecord> {
    if (options.follow && options.reverse) {
      throw new LogError('invalid_input', 'what is read in reverse order cannot be followed');
    }
    return this.orderedReader.read(selection, options);
  }

  readSelectedPage(selection: LogSelection, options: SelectedPageOptions = {}): Promise<ScanPage> {
    return this.orderedReader.page(selection, options);
  }

  followSelectedPage(selection: LogSelection, options: FollowSelectedOptions): Promise<ScanPage> {
    return this.orderedReader.followPage(selection, options);
  }

  tailPages(selection: LogSelection, options: TailOptions = {}): AsyncGenerator<ScanPage> {
    return this.orderedReader.tail(selection, options);
  }

  count(key: Uint8Array, range: SequenceRange = {}): Promise<number> {
    return this.reader.count(key, range);
  }

  inspect(key: Uint8Array, range: SequenceRange = {}): Promise<KeyInspection> {
    return this.reader.inspect(key, range);
  }

  keys(options: KeyListOptions = {}): AsyncGenerator<Uint8Array> {
    return this.reader.keys(options);
  }

  segments(range: SequenceRange = {}): LogSegment[] {
    return this.reader.listSegments(range);
  }

  endFollowing(): void {
    this.endReads();
    this.watermark.endWaits();
  }

  /** Ends every wait for records. */
  protected endReads(): void {
    this.followers.close();
    this.orderedFollowers.visible.close();
    this.orderedFollowers.durable.close();
  }

  /** What is known without the parts that write. */
  protected readStats(nowMs: number) {
    const { segmentSet } = this;
    const { startTimeMs } = segmentSet;
    return {
      scannedRecords: this.reader.recordsTotal + this.orderedReader.recordsTotal,
      scannedBytes: this.reader.bytesTotal + this.orderedReader.bytesTotal,
      sealedSegments: segmentSet.sealed.length,
      waitingSegments: segmentSet.heads.length - 1,
      sealedBytes: segmentSet.sealedBytes,
      oldestAgeMs: startTimeMs === undefined ? 0 : Math.max(0, nowMs - startTimeMs),
      activeKeys: segmentSet.active.keys.count,
      headBytes: segmentSet.headBytes,
      followers: this.followers.waiting + this.orderedFollowers.visible.size + this.orderedFollowers.durable.size,
      firstSequence: segmentSet.firstSequence,
      nextSequence: segmentSet.nextSequence,
      durableSequence: this.watermark.sequence,
    } satisfies Partial<LogStats>;
  }
}
