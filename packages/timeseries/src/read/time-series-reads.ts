import type { Labels, Matcher, SelectRequest, SeriesColumns, SeriesSource } from '@opendata/promql';
import type { BlockSet } from '../block/block-set.ts';
import { type BlockCardinality, blockCardinality } from '../block/cardinality.ts';
import { type HeadCardinality, headCardinality } from '../head/cardinality.ts';
import { type ExemplarSeries, headExemplars } from '../head/exemplar-queries.ts';
import type { ExemplarRing } from '../head/exemplars.ts';
import type { Head } from '../head/head.ts';
import type { LabelRequest } from '../head/label-queries.ts';
import type { IngestStats } from '../ingest/ingest-times.ts';
import { MetadataTable } from '../metadata-table.ts';
import type { SealStats } from '../seal/sealer.ts';
import { Reader } from './reader.ts';

/** Counters of a database since it was opened, and what it holds now. */
export interface TimeSeriesDbStats {
  readonly series: number;
  /** With a sample of the last ten minutes, as of a minute ago. */
  readonly activeSeries: number;
  readonly createdSeries: number;
  readonly forgottenSeries: number;
  readonly windows: number;
  readonly samples: number;
  /** Runs of up to 16 samples. */
  readonly chunks: number;
  readonly memoryBytes: number;
  readonly seriesBytes: number;
  readonly headBudgetBytes: number;
  readonly appendedSamples: number;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly blockSamples: number;
  /** Of decoded pages and columns of blocks. */
  readonly decodedCacheBytes: number;
  readonly sealing: SealStats;
  /** Absent where nothing is written. */
  readonly ingest?: IngestStats;
}

/** Where reads look. */
export interface ReadSources {
  readonly head: Head;
  readonly blocks: BlockSet;
  readonly exemplars: ExemplarRing;
}

/** What an open database and a replica of one have in common: everything that reads. */
export abstract class TimeSeriesReads implements SeriesSource {
  /** What exporters and senders said of their metrics. */
  readonly metadata = new MetadataTable();
  protected readonly now: () => number;
  protected readonly retentionMs: number | undefined;
  #sources: (ReadSources & { readonly reader: Reader }) | undefined;

  /** @param options `retentionMs`: how long samples are kept, in ms; `undefined`: for ever */
  protected constructor(options: { readonly now: () => number; readonly retentionMs: number | undefined }) {
    this.now = options.now;
    this.retentionMs = options.retentionMs;
  }

  /** From now on reads look here. */
  protected show(sources: ReadSources): void {
    this.#sources = { ...sources, reader: new Reader(sources.head, sources.blocks) };
  }

  private get sources(): ReadSources & { readonly reader: Reader } {
    if (this.#sources === undefined) throw new Error('the database is read before it is open');
    return this.#sources;
  }

  /** Oldest time that is kept, in ms; -Infinity where nothing expires. */
  get oldestMs(): number {
    return this.retentionMs === undefined ? Number.NEGATIVE_INFINITY : this.now() - this.retentionMs;
  }

  select(request: SelectRequest): Promise<readonly SeriesColumns[]> {
    return this.sources.reader.select({ ...request, startMs: Math.max(request.startMs, this.oldestMs) });
  }

  /** Label sets of the series with samples in the range, in no order. */
  series(request: LabelRequest): Promise<Labels[]> {
    return this.sources.reader.series(this.#within(request));
  }

  labelNames(request: LabelRequest): Promise<string[]> {
    return this.sources.reader.labelNames(this.#within(request));
  }

  labelValues(name: string, request: LabelRequest): Promise<readonly string[]> {
    return this.sources.reader.labelValues(name, this.#within(request));
  }

  /** Exemplars with times in the interval, of the series that match any of the sets. */
  exemplars(matcherSets: readonly (readonly Matcher[])[], startMs: number, endMs: number): Promise<ExemplarSeries[]> {
    return headExemplars(
      this.sources.head,
      this.sources.exemplars,
      matcherSets,
      Math.max(startMs, this.oldestMs),
      endMs,
    );
  }

  /** Counts of labels in the head; lists of at most `limit` entries. */
  cardinality(limit: number): Promise<HeadCardinality> {
    return headCardinality(this.sources.head, limit);
  }

  /**
   * Counts of labels in the block with the newest samples, if there is a block; lists of at most `limit` entries.
   * @throws StorageError, PageFormatError
   */
  async newestBlockCardinality(limit: number): Promise<BlockCardinality | undefined> {
    const blocks = this.sources.blocks.list();
    if (blocks.length === 0) return undefined;
    return blockCardinality(
      blocks.reduce((a, b) => (b.descriptor.maxMs > a.descriptor.maxMs ? b : a)),
      limit,
    );
  }

  /** Times of the oldest and the newest sample in the head, in ms; 0 where it is empty. */
  headTimes(): { readonly minMs: number; readonly maxMs: number } {
    return this.sources.head.times();
  }

  abstract stats(): TimeSeriesDbStats;

  /** What is known without the parts that write. */
  protected readStats() {
    const { head, blocks } = this.sources;
    return {
      series: head.series.count,
      activeSeries: head.forgetting.active,
      createdSeries: head.series.created,
      forgottenSeries: head.forgetting.forgotten,
      windows: head.windowCount,
      samples: head.sampleCount,
      chunks: head.pool.usedChunks,
      memoryBytes: head.memoryBytes,
      seriesBytes: head.series.memoryBytes,
      blocks: blocks.list().length,
      blockBytes: blocks.sizeBytes,
      decodedCacheBytes: blocks.cacheBytes,
      blockSamples: blocks.list().reduce((sum, { descriptor }) => sum + descriptor.sampleCount, 0),
    } satisfies Partial<TimeSeriesDbStats>;
  }

  #within(request: LabelRequest): LabelRequest {
    return { ...request, startMs: Math.max(request.startMs, this.oldestMs) };
  }
}
