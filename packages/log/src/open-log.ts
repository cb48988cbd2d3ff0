import { openStorage, type Storage, type StorageConfig } from '@opendata/storage';
import { columnsOf } from './append-columns.ts';
import { Backpressure } from './backpressure.ts';
import { CommitGate } from './commit-gate.ts';
import { type AppendOptions, type LogDb, type LogOptions, type LogStats, logDefaults, type ScanOptions } from './db.ts';
import { LogError } from './errors.ts';
import { Followers, type WaitOptions } from './followers.ts';
import { silentLogger } from './logger.ts';
import type {
  AppendColumns,
  AppendRecord,
  KeyedRecord,
  KeyInspection,
  LogRecord,
  LogSegment,
  SequenceRange,
} from './model.ts';
import {
  type FollowSelectedOptions,
  type OrderedFollowers,
  OrderedReader,
  type ReadOptions,
  type SelectedPageOptions,
  type TailOptions,
} from './ordered-reader.ts';
import { type FollowPageOptions, type KeyListOptions, type ReadPageOptions, SegmentsReader } from './reader.ts';
import { recoverSegments } from './recovery.ts';
import { Retention } from './retention.ts';
import { type RetentionLimits, resolveAgeLimits } from './retention-limits.ts';
import type { ScanPage } from './scan-page.ts';
import { Sealer } from './sealer.ts';
import { SegmentMerger } from './segment-merger.ts';
import type { SegmentSet } from './segment-set.ts';
import type { LogSelection } from './selection.ts';
import { SelectionFollowers } from './selection-followers.ts';
import { type Appended, LogWriter, type WriterLimits } from './writer.ts';

/** Opens a log and its storage. @throws StorageError, LogError corrupt | invalid_input */
export async function openLog(config: StorageConfig, options: LogOptions = {}): Promise<LogDb> {
  const storage = await openStorage(config, { logger: options.logger ?? silentLogger });
  try {
    return await openLogOn(storage, options, () => storage.close());
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** Opens a log on storage that is open already, and stays open when the log is closed. @throws LogError corrupt | invalid_input */
export async function openLogOn(
  storage: Storage,
  options: LogOptions = {},
  closeStorage: () => Promise<void> = async () => undefined,
): Promise<LogDb> {
  const logger = options.logger ?? silentLogger;
  const now = options.now ?? Date.now;
  const limits = resolveLimits(options, storage.defaultTtlMs);
  const followers = new Followers();
  const startedMs = performance.now();
  const segments = await recoverSegments(storage, followers);
  const recovered = {
    nextSequence: segments.nextSequence,
    sealed: segments.sealed.length,
    heads: segments.heads.length,
  };
  logger.info({ ...recovered, tookMs: Math.round(performance.now() - startedMs) }, 'log recovered');
  const merger = new SegmentMerger(
    storage,
    segments,
    {
      mergeCount: options.mergeCount ?? logDefaults.mergeCount,
      sealBytes: limits.sealBytes,
      // A segment goes when its last record is too old: the first one must not have to wait longer than it was said.
      spanMs: limits.retentionMs === undefined ? Number.POSITIVE_INFINITY : (limits.sealIntervalMs ?? 0),
    },
    logger,
  );
  const sealer = new Sealer(storage, segments, logger, () => merger.kick());
  const writer = new LogWriter(storage.journal, segments, limits, {
    now,
    onRotate: () => sealer.kick(),
  });
  const ordered = {
    visible: new SelectionFollowers(segments, () => segments.nextSequence),
    durable: new SelectionFollowers(segments, () => writer.watermark.sequence),
  };
  followers.onAppended = () => ordered.visible.advanced();
  writer.watermark.subscribe(() => ordered.durable.advanced());
  const retention = new Retention(storage, segments, limits, { now, logger });
  sealer.kick();
  const backpressure = new Backpressure(
    storage.journal,
    segments,
    sealer,
    new CommitGate(storage.journal),
    limits.headBudgetBytes,
  );
  return new OpenLog({
    storage,
    segments,
    writer,
    sealer,
    merger,
    retention,
    followers,
    ordered,
    backpressure,
    closeStorage,
    now,
  });
}

function resolveLimits(options: LogOptions, defaultTtlMs: number | undefined): WriterLimits & RetentionLimits {
  const { retentionMs, sealIntervalMs } = options;
  return {
    ...resolveAgeLimits({ retentionMs, sealIntervalMs }, defaultTtlMs),
    sealBytes: options.sealBytes ?? logDefaults.sealBytes,
    headBudgetBytes: options.headBudgetBytes ?? logDefaults.headBudgetBytes,
    retentionBytes: options.retentionBytes,
    checkIntervalMs: options.checkIntervalMs ?? logDefaults.checkIntervalMs,
  };
}

interface LogParts {
  readonly storage: Storage;
  readonly segments: SegmentSet;
  readonly writer: LogWriter;
  readonly sealer: Sealer;
  readonly merger: SegmentMerger;
  readonly retention: Retention;
  readonly followers: Followers;
  readonly ordered: OrderedFollowers;
  readonly backpressure: Backpressure;
  readonly closeStorage: () => Promise<void>;
  readonly now: () => number;
}

class OpenLog implements LogDb {
  private readonly storage: Storage;
  private readonly segmentSet: SegmentSet;
  private readonly reader: SegmentsReader;
  private readonly writer: LogWriter;
  private readonly sealer: Sealer;
  private readonly merger: SegmentMerger;
  private readonly retention: Retention;
  private readonly followers: Followers;
  private readonly orderedFollowers: OrderedFollowers;
  private readonly orderedReader: OrderedReader;
  private readonly closeStorage: () => Promise<void>;
  private readonly backpressure: Backpressure;
  private readonly now: () => number;
  private closing: Promise<void> | undefined;

  constructor(parts: LogParts) {
    this.storage = parts.storage;
    this.segmentSet = parts.segments;
    this.reader = new SegmentsReader(parts.segments, parts.followers);
    this.writer = parts.writer;
    this.sealer = parts.sealer;
    this.merger = parts.merger;
    this.retention = parts.retention;
    this.followers = parts.followers;
    this.orderedFollowers = parts.ordered;
    this.orderedReader = new OrderedReader(parts.segments, parts.ordered, () => this.durableSequence);
    this.backpressure = parts.backpressure;
    this.closeStorage = parts.closeStorage;
    this.now = parts.now;
  }

  get firstSequence(): number {
    return this.segmentSet.firstSequence;
  }

  get nextSequence(): number {
    return this.segmentSet.nextSequence;
  }

  get durableSequence(): number {
    return this.writer.watermark.sequence;
  }

  async append(records: readonly AppendRecord[], options: AppendOptions = {}) {
    const appended = this.writer.append(columnsOf(records));
    await this.acknowledged(appended, options.awaitDurable === true);
    return { startSequence: appended.startSequence, count: appended.count };
  }

  appendColumns(records: AppendColumns): Appended {
    return this.writer.append(records);
  }

  committed(appended: Appended): Promise<void> {
    return this.storage.journal.committed(appended.group);
  }

  acknowledged(appended: Appended, awaitDurable: boolean): Promise<void> | undefined {
    return this.backpressure.waitFor(appended, awaitDurable);
  }

  flush(): Promise<void> {
    return this.storage.journal.flush();
  }

  onDurable(listener: (sequence: number) => void): () => void {
    return this.writer.watermark.subscribe(listener);
  }

  durableAt(sequence: number, options: WaitOptions = {}): Promise<boolean> {
    return this.writer.watermark.waitUntil(sequence, options);
  }

  durable(signal?: AbortSignal): AsyncGenerator<number> {
    return this.writer.watermark.watch(signal);
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

  sealActive(): void {
    this.writer.rotate();
  }

  async sealed(): Promise<void> {
    await this.sealer.idle();
    await this.merger.idle();
  }

  expire(): Promise<void> {
    return this.retention.check();
  }

  stats(): LogStats {
    const { segmentSet, writer, sealer, retention } = this;
    const { startTimeMs } = segmentSet;
    return {
      appendedRecords: writer.recordsTotal,
      appendedBytes: writer.bytesTotal,
      scannedRecords: this.reader.recordsTotal + this.orderedReader.recordsTotal,
      scannedBytes: this.reader.bytesTotal + this.orderedReader.bytesTotal,
      sealedSegments: segmentSet.sealed.length,
      waitingSegments: segmentSet.heads.length - 1,
      mergedSegments: this.merger.mergedTotal,
      sealFailures: sealer.failuresTotal,
      sealedBytes: segmentSet.sealedBytes,
      expiredSegments: retention.expiredTotal,
      retentionFailures: retention.failuresTotal,
      oldestAgeMs: startTimeMs === undefined ? 0 : Math.max(0, this.now() - startTimeMs),
      activeKeys: segmentSet.active.keys.count,
      headBytes: segmentSet.headBytes,
      followers: this.followers.waiting + this.orderedFollowers.visible.size + this.orderedFollowers.durable.size,
      firstSequence: segmentSet.firstSequence,
      nextSequence: segmentSet.nextSequence,
      durableSequence: writer.watermark.sequence,
    };
  }

  endFollowing(): void {
    this.followers.close();
    this.orderedFollowers.visible.close();
    this.orderedFollowers.durable.close();
    this.writer.watermark.endWaits();
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async closeAll(): Promise<void> {
    this.followers.close();
    this.orderedFollowers.visible.close();
    this.orderedFollowers.durable.close();
    try {
      await this.retention.close();
      await this.sealer.close();
      await this.merger.close();
      await this.storage.journal.flush();
      this.writer.watermark.endWaits();
    } finally {
      this.writer.close();
      await this.closeStorage();
    }
  }
}
