import type { Logger, Storage } from '@opendata/storage';
import { BlockSet } from './block/block-set.ts';
import { ExemplarRing } from './head/exemplars.ts';
import { forgetRegularly } from './head/forget-regularly.ts';
import type { SeriesHolder } from './head/forgetting.ts';
import { Head } from './head/head.ts';
import { createYielder } from './head/yielder.ts';
import { type BatchResult, BatchWriter, type ExemplarOfSeries, type WriteBatch } from './ingest/batch-writer.ts';
import { HeadWriter, type SampleColumns } from './ingest/head-writer.ts';
import { IngestTimes } from './ingest/ingest-times.ts';
import { recoverHead } from './ingest/recover.ts';
import { recoverExemplars } from './ingest/recover-exemplars.ts';
import { createRemoteWrite, type RemoteWriteOptions, type RemoteWriteResult } from './ingest/remote-write.ts';
import { createRemoteWrite2, type RemoteWrite2Result } from './ingest/remote-write-2.ts';
import { nextLaneEpoch } from './lane-epoch.ts';
import { type MetadataStore, openMetadataStore } from './metadata-store.ts';
import {
  DEFAULT_GRACE_MS,
  DEFAULT_SERIES_IDLE_MS,
  DEFAULT_WINDOW_MS,
  MAX_EXEMPLARS,
  shareMemory,
} from './model/defaults.ts';
import { type TimeSeriesDbStats, TimeSeriesReads } from './read/time-series-reads.ts';
import { removeExpiredMarks } from './seal/retention.ts';
import { type FlushResult, Sealer } from './seal/sealer.ts';

export type { TimeSeriesDbStats } from './read/time-series-reads.ts';

export interface TimeSeriesDbOptions {
  /** Open, not yet recovered; the database closes it. */
  readonly storage: Storage;
  readonly logger: Logger;
  /** How long samples are kept, in ms; `undefined`: for ever. */
  readonly retentionMs?: number | undefined;
  /** Bytes of memory for series, samples and what is decoded of blocks; writes that need more are refused. */
  readonly headBudgetBytes?: number;
  /** Most series in memory: requests that bring more are refused; `undefined`: no limit. */
  readonly maxSeries?: number | undefined;
  /** How long a series without samples in memory is remembered, in ms. */
  readonly seriesIdleMs?: number;
  /** Most bytes of a remote-write request after decompression. */
  readonly maxRequestBytes?: number;
  /** Length of a time window, in ms. */
  readonly windowMs?: number;
  /** How long after its end a window is kept in memory for late samples, in ms. */
  readonly graceMs?: number;
  /** Most bytes of sealed blocks: the oldest go first; `undefined`: no limit. */
  readonly retentionBytes?: number | undefined;
  /** Unix time in ms. */
  readonly now?: () => number;
}

const DEFAULT_HEAD_BUDGET_BYTES = 1024 * 1024 * 1024;
const DEFAULT_MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** Share of the budget that series may have before those without samples are forgotten sooner. */
const SERIES_SHARE = 0.5;

/** A time series database over object storage: an in-memory head that is the replay of a durable journal. */
export class TimeSeriesDb extends TimeSeriesReads {
  /**
   * Stores a remote-write 1.0 request, a snappy block, all of it or nothing.
   * @throws WireError, InvalidSeriesError, InvalidSampleError, OverloadedError, StorageError
   */
  readonly remoteWrite: (body: Uint8Array) => RemoteWriteResult;
  /**
   * `remoteWrite`, after turns of the event loop where the request brings many new series.
   * @param keep gives a copy of the body that stays as it is; what it throws is thrown
   */
  readonly remoteWriteInTurns: (
    body: Uint8Array,
    keep: () => Uint8Array,
  ) => RemoteWriteResult | Promise<RemoteWriteResult>;
  /**
   * Stores what is good in a remote-write 2.0 request, a snappy block.
   * @throws WireError, OverloadedError, StorageError, and then nothing was stored
   */
  readonly remoteWrite2: (body: Uint8Array) => RemoteWrite2Result;
  /**
   * `remoteWrite2`, after turns of the event loop where the request is large.
   * @param keep hears how many bytes stay in memory over turns; what it throws is thrown
   */
  readonly remoteWrite2InTurns: (
    body: Uint8Array,
    keep: (bytes: number) => void,
  ) => RemoteWrite2Result | Promise<RemoteWrite2Result>;
  readonly #storage: Storage;
  readonly #head: Head;
  readonly #writer: HeadWriter;
  readonly #batches: BatchWriter;
  readonly #times = new IngestTimes();
  readonly #headBudgetBytes: number;
  readonly #exemplars = new ExemplarRing(MAX_EXEMPLARS);
  readonly #blocks: BlockSet;
  readonly #sealer: Sealer;
  #metadataStore: MetadataStore | undefined;
  #stopForgetting: () => void = () => undefined;
  #appendedSamples = 0;
  #refusedSamples = 0;

  private constructor(options: TimeSeriesDbOptions, head: Head) {
    const { storage, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = options;
    super({ now: options.now ?? Date.now, retentionMs: options.retentionMs ?? storage.defaultTtlMs });
    this.#storage = storage;
    this.#head = head;
    const { headBytes, decodedPagesBytes } = shareMemory(options.headBudgetBytes ?? DEFAULT_HEAD_BUDGET_BYTES);
    this.#headBudgetBytes = headBytes;
    head.series.maxCount = options.maxSeries ?? Number.POSITIVE_INFINITY;
    head.forgetting.addHolder(this.#exemplars.holdSeries);
    this.#blocks = new BlockSet(storage.blocks, decodedPagesBytes);
    this.show({ head, blocks: this.#blocks, exemplars: this.#exemplars });
    this.#sealer = new Sealer({
      head,
      blocks: this.#blocks,
      storage,
      exemplars: this.#exemplars,
      logger: options.logger,
      now: this.now,
      windowMs: head.durationMs,
      graceMs: options.graceMs ?? DEFAULT_GRACE_MS,
      headBudgetBytes: this.#headBudgetBytes,
      retentionMs: this.retentionMs,
      retentionBytes: options.retentionBytes,
    });
    this.#writer = new HeadWriter({
      head,
      journal: storage.journal,
      budgetBytes: this.#headBudgetBytes,
      retentionMs: this.retentionMs,
      now: this.now,
      times: this.#times,
    });
    this.#batches = new BatchWriter({
      head,
      journal: storage.journal,
      writer: this.#writer,
      exemplars: this.#exemplars,
    });
    const writeOptions: RemoteWriteOptions = {
      maxBytes: maxRequestBytes,
      onMetadata: (metadata) => this.metadata.add(metadata),
      onRefused: (samples) => {
        this.#refusedSamples += samples;
      },
    };
    const write = createRemoteWrite(head, this.#writer, this.#batches, writeOptions);
    const write2 = createRemoteWrite2(head, this.#writer, this.#batches, writeOptions);
    const count2 = (result: RemoteWrite2Result): RemoteWrite2Result => {
      this.#appendedSamples += result.samples + result.histograms;
      return result;
    };
    this.remoteWrite2 = (body) => count2(write2.atOnce(body));
    this.remoteWrite2InTurns = (body, keep) => {
      const result = write2.inTurns(body, keep);
      return result instanceof Promise ? result.then(count2) : count2(result);
    };
    const count = (result: RemoteWriteResult): RemoteWriteResult => {
      this.#appendedSamples += result.samples;
      return result;
    };
    this.remoteWrite = (body) => count(write.atOnce(body));
    this.remoteWriteInTurns = (body, keep) => {
      const result = write.inTurns(body, keep);
      return result instanceof Promise ? result.then(count) : count(result);
    };
  }

  /**
   * Opens a database: reads what there is of blocks, replays the journal, then takes samples.
   * @throws StorageError, JournalEntryError, PageFormatError
   */
  static async open(options: TimeSeriesDbOptions): Promise<TimeSeriesDb> {
    const { storage, logger } = options;
    const startedAt = performance.now();
    const head = new Head(options.windowMs ?? DEFAULT_WINDOW_MS, await nextLaneEpoch(storage.meta));
    const db = new TimeSeriesDb(options, head);
    await recoverExemplars(head, db.#blocks.list(), db.#exemplars, MAX_EXEMPLARS);
    const { entries, samples } = await recoverHead(head, storage.journal.recover(), db.#exemplars);
    const seconds = (performance.now() - startedAt) / 1000;
    logger.info({ entries, samples, series: head.series.count, seconds }, 'journal replayed');
    const metadataStore = await openMetadataStore(storage.meta, db.metadata, logger);
    db.metadata.onChange = metadataStore.changed;
    db.#metadataStore = metadataStore;
    await removeExpiredMarks(storage.blocks);
    await db.#sealer.retain();
    db.#sealer.start();
    db.#stopForgetting = forgetRegularly({
      head,
      logger,
      idleMs: options.seriesIdleMs ?? DEFAULT_SERIES_IDLE_MS,
      mostBytes: db.#headBudgetBytes * SERIES_SHARE,
      now: db.now,
    });
    return db;
  }

  /** Samples of the remote-write requests that were refused, where their bodies could be read. */
  get refusedSamples(): number {
    return this.#refusedSamples;
  }

  /**
   * Number of the series with these labels, sorted by name, for `append`; new or known.
   * @param labels canonical label run (see head/label-bytes.ts)
   * @throws InvalidSeriesError, OverloadedError
   */
  seriesId(labels: Uint8Array): number {
    return this.#head.series.resolveOne(labels);
  }

  /**
   * Who keeps numbers from `seriesId` for longer than a request has to be a holder: other numbers may come to mean
   * another series.
   * @returns what ends it
   */
  holdSeries(holder: SeriesHolder): () => void {
    return this.#head.forgetting.addHolder(holder);
  }

  /**
   * Forgets series without samples in memory, now: those that were found so for `rounds` calls, 2 at least.
   * @returns how many
   */
  forgetSeries(rounds = 2): Promise<number> {
    return this.#head.forgetting.round(rounds);
  }

  /**
   * Adds samples and exemplars, all or none; visible to reads at once.
   * @returns the commit group to wait for with `committed`
   * @throws InvalidSampleError, OverloadedError, StorageError
   */
  append(samples: SampleColumns, exemplars: readonly ExemplarOfSeries[] = []): number {
    const { group } = this.#batches.append({ floats: samples, histograms: [], exemplars });
    this.#appendedSamples += samples.count;
    return group;
  }

  /**
   * Adds samples of every kind, all or none; visible to reads at once.
   * @throws InvalidSampleError, OverloadedError, StorageError
   */
  appendBatch(batch: WriteBatch): BatchResult {
    const result = this.#batches.append(batch);
    this.#appendedSamples += batch.floats.count + batch.histograms.length;
    return result;
  }

  /**
   * Does what `appendBatch` would do first for many series that are new in the window of these samples, in turns of the
   * event loop. The caller is a holder of their numbers.
   * @throws StorageError
   */
  async defineSeries({ series, timestamps, count }: SampleColumns): Promise<void> {
    const yielder = createYielder();
    for (const _ of this.#writer.define(series, count, this.#writer.windowOf(timestamps, count))) await yielder();
  }

  /** Resolves when a commit group is durable. @throws StorageError */
  committed(group: number): Promise<void> {
    const startedMs = performance.now();
    return this.#storage.journal.committed(group).then(() => this.#times.waited(startedMs));
  }

  /** Whether somebody reads, or began to within the last so many milliseconds. */
  isReadWithin(durationMs: number): boolean {
    return this.#head.reads.isBusy(durationMs);
  }

  /** Makes everything durable that was appended so far. @throws StorageError */
  flush(): Promise<void> {
    return this.#storage.journal.flush();
  }

  /**
   * Seals windows in memory into blocks now, and merges blocks: the windows whose end is past, or all of them.
   * @throws StorageError
   */
  seal(which: 'complete' | 'all'): Promise<FlushResult> {
    return this.#sealer.flush(which);
  }

  stats(): TimeSeriesDbStats {
    return {
      ...this.readStats(),
      headBudgetBytes: this.#headBudgetBytes,
      appendedSamples: this.#appendedSamples,
      sealing: this.#sealer.stats,
      ingest: this.#times,
    };
  }

  /** Makes everything durable and closes the storage. @throws StorageError */
  async close(): Promise<void> {
    this.#stopForgetting();
    await this.#sealer.close();
    await this.#metadataStore?.close();
    await this.#storage.close();
  }
}
