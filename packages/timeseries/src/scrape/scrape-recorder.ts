import type { ExpositionSamples, FamilyMetadata, WireExemplar } from '@opendata/wire';
import { checkHistogram } from '../head/check-histogram.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import { createYielder } from '../head/yielder.ts';
import type { BatchResult, ExemplarOfSeries, HistogramOfSeries, WriteBatch } from '../ingest/batch-writer.ts';
import { MAX_AHEAD_MS, type SampleColumns } from '../ingest/head-writer.ts';
import { ScrapeError } from './fetch.ts';
import { SampleBatch } from './sample-batch.ts';
import { DROPPED_SERIES, SeriesCache, type SeriesNaming } from './series-cache.ts';
import { seriesLabels } from './series-labels.ts';
import type { ScrapeTarget } from './target.ts';

/** The part of the database that a scraper needs. */
export interface ScrapeStore extends SeriesNaming {
  /** Does what `appendBatch` would do first for many series, in turns of the event loop. */
  defineSeries(floats: SampleColumns): Promise<void>;
  appendBatch(batch: WriteBatch): BatchResult;
  /** Oldest time that is kept, in ms. */
  readonly oldestMs: number;
  readonly metadata: { add(metadata: readonly FamilyMetadata[]): void };
}

interface Counts {
  /** What relabelling has left. */
  kept: number;
  /** Of these, what has a time that cannot be stored. */
  dropped: number;
}

/** What a scrape brought. */
export interface ScrapeOutcome {
  /** Samples in the body of a scrape that was stored. */
  readonly scraped: number;
  /** Samples that were refused, one by one or with the whole scrape. */
  readonly failed: number;
  readonly error: Error | undefined;
}

/** Whether others should have a turn is asked after so many samples, which may all be of new series. */
const SAMPLES_PER_LOOK = 64;

const REPORTS = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;

/**
 * Turns the scrapes of one target into samples: the exposed series with the target's labels, staleness markers for
 * series that are gone, and the series about the scrape itself.
 */
export class ScrapeRecorder {
  readonly #target: ScrapeTarget;
  readonly #store: ScrapeStore;
  readonly #cache: SeriesCache;
  readonly #batch = new SampleBatch();
  #exemplars: ExemplarOfSeries[] = [];
  #histograms: HistogramOfSeries[] = [];
  /** Series that get a staleness marker once they are gone, with the number of the scrape that had them last. */
  readonly #live = new Map<number, number>();
  /** Those that came into `#live` with the present scrape. */
  #added: number[] = [];
  /** Known from the first scrape on. */
  #reportSeries: readonly number[] = [];
  readonly #release: () => void;
  #metadata: readonly FamilyMetadata[] = [];
  #scrape = 0;

  constructor(target: ScrapeTarget, store: ScrapeStore) {
    this.#target = target;
    this.#store = store;
    this.#cache = new SeriesCache(target, store);
    this.#release = store.holdSeries((mark) => {
      for (const series of this.#cache.series()) mark(series);
      for (const series of this.#live.keys()) mark(series);
      for (const series of this.#reportSeries) mark(series);
    });
  }

  /** Nothing is recorded any more. */
  close(): void {
    this.#release();
  }

  /** What the last scrape that was stored said of its metrics. */
  get metadata(): readonly FamilyMetadata[] {
    return this.#metadata;
  }

  /**
   * Stores a scrape: all of its samples, or where it is in error, none of them but `up` 0 and staleness markers.
   * @param result what was exposed, or why there is nothing
   * @throws OverloadedError, StorageError, where nothing could be stored
   */
  async record(result: ExpositionSamples | Error, timestampMs: number, durationMs: number): Promise<ScrapeOutcome> {
    if (this.#reportSeries.length === 0) this.#reportSeries = this.#nameReports();
    this.#scrape++;
    const batch = this.#batch;
    batch.clear();
    this.#added = [];
    this.#exemplars = [];
    this.#histograms = [];
    const counts: Counts = { kept: 0, dropped: 0 };
    let scraped = 0;
    let error: Error | undefined;
    try {
      if (result instanceof Error) throw result;
      scraped = result.count + (result.histograms?.length ?? 0);
      await this.#cache.begin();
      await this.#checkCount(result, counts);
      counts.kept = 0;
      await this.#addSamples(result, timestampMs, counts);
      this.#store.metadata.add(result.metadata);
      this.#metadata = result.metadata;
    } catch (failure) {
      error = failure instanceof Error ? failure : new Error(String(failure));
      batch.clear();
      this.#exemplars = [];
      this.#histograms = [];
      this.#forgetAdded();
      this.#scrape++; // Nothing of this scrape counts: every series is gone.
    }
    const stale = await this.#addStaleMarkers(timestampMs);
    const { kept, dropped } = counts;
    this.#addReports(timestampMs, [error === undefined ? 1 : 0, durationMs / 1000, scraped, kept, this.#added.length]);
    try {
      await this.#store.defineSeries(batch);
      this.#store.appendBatch({ floats: batch, histograms: this.#histograms, exemplars: this.#exemplars });
    } catch (failure) {
      this.#forgetAdded();
      throw failure;
    }
    await this.#forgetStale(stale);
    return { scraped: error === undefined ? scraped : 0, failed: error === undefined ? dropped : scraped, error };
  }

  /** @throws OverloadedError, InvalidSeriesError */
  #nameReports(): number[] {
    const { labels } = this.#target;
    return REPORTS.map((name) => this.#store.seriesId(encodeLabels(seriesLabels(['__name__', name], labels, false))));
  }

  /** Of the present scrape nothing was stored. */
  #forgetAdded(): void {
    for (const series of this.#added) this.#live.delete(series);
    this.#added = [];
  }

  /** The target is gone: its series, those about its scrapes too, get staleness markers. @throws as `record` */
  async end(timestampMs: number): Promise<void> {
    if (this.#scrape === 0) return;
    this.#batch.clear();
    this.#scrape++;
    await this.#addStaleMarkers(timestampMs);
    for (const series of this.#reportSeries) this.#batch.addStale(series, timestampMs);
    await this.#store.defineSeries(this.#batch);
    this.#store.appendBatch({ floats: this.#batch, histograms: [], exemplars: [] });
  }

  /** The limit is on what relabelling leaves; what is counted names no series yet. */
  async #checkCount(parsed: ExpositionSamples, counts: Counts): Promise<void> {
    const { sampleLimit, metricRelabelRules } = this.#target.job;
    const histograms = parsed.histograms ?? [];
    let samples = parsed.count + histograms.length;
    if (sampleLimit === 0 || samples <= sampleLimit) return;
    if (metricRelabelRules.length > 0) {
      const yielder = createYielder();
      const text = textOf(parsed);
      samples = 0;
      for (let i = 0; i < parsed.count; i++) {
        if (i % SAMPLES_PER_LOOK === 0) await yielder();
        const isKept = this.#cache.keeps(text(parsed.seriesStart[i]!, parsed.seriesEnd[i]!), () => parsed.labels(i));
        if (isKept) samples++;
      }
      for (const { seriesStart, seriesEnd } of histograms) {
        if (this.#cache.keeps(text(seriesStart, seriesEnd), () => parsed.labelsAt(seriesStart))) samples++;
      }
    }
    counts.kept = samples;
    if (samples > sampleLimit) {
      throw new ScrapeError(`sample limit exceeded: ${samples} samples, limit ${sampleLimit}`);
    }
  }

  async #addSamples(parsed: ExpositionSamples, scrapeMs: number, counts: Counts): Promise<void> {
    const text = textOf(parsed);
    const yielder = createYielder();
    let nextExemplar = 0;
    for (let i = 0; i < parsed.count; i++) {
      if (i % SAMPLES_PER_LOOK === 0) await yielder();
      const firstExemplar = nextExemplar;
      while (parsed.exemplars[nextExemplar]?.sample === i) nextExemplar++;
      const name = text(parsed.seriesStart[i]!, parsed.seriesEnd[i]!);
      const series = this.#cache.resolve(name, () => parsed.labels(i));
      const sampleMs = this.#takes(series, parsed.timestamps[i]!, scrapeMs, counts);
      if (Number.isNaN(sampleMs)) continue;
      this.#batch.add(series, sampleMs, parsed.values[i]!);
      if (nextExemplar > firstExemplar) {
        this.#addExemplars(series, parsed.exemplars.slice(firstExemplar, nextExemplar), sampleMs);
      }
    }
    for (const { seriesStart, seriesEnd, timestampMs, histogram, exemplars } of parsed.histograms ?? []) {
      await yielder();
      const series = this.#cache.resolve(text(seriesStart, seriesEnd), () => parsed.labelsAt(seriesStart));
      const sampleMs = this.#takes(series, timestampMs, scrapeMs, counts);
      if (Number.isNaN(sampleMs)) continue;
      checkHistogram(histogram, histogram.isFloat !== false);
      this.#histograms.push({ series, timestampMs: sampleMs, histogram });
      this.#addExemplars(series, exemplars, sampleMs);
    }
  }

  /**
   * Counts a sample, and its series as alive.
   * @param exposedMs NaN where the target says none
   * @returns its time; NaN where it is not stored: dropped, of a time that cannot be, or not the first of its series
   */
  #takes(series: number, exposedMs: number, scrapeMs: number, counts: Counts): number {
    if (series === DROPPED_SERIES) return Number.NaN;
    counts.kept++;
    const { honorTimestamps, trackTimestampsStaleness } = this.#target.job;
    const hasTimestamp = honorTimestamps && !Number.isNaN(exposedMs);
    const sampleMs = hasTimestamp ? exposedMs : scrapeMs;
    if (sampleMs > scrapeMs + MAX_AHEAD_MS || sampleMs < this.#store.oldestMs) {
      counts.dropped++;
      return Number.NaN;
    }
    if (hasTimestamp && !trackTimestampsStaleness) return sampleMs;
    const lastScrape = this.#live.get(series);
    if (lastScrape === this.#scrape && !hasTimestamp) return Number.NaN;
    if (lastScrape === undefined) this.#added.push(series);
    this.#live.set(series, this.#scrape);
    return sampleMs;
  }

  #addExemplars(series: number, exemplars: readonly WireExemplar[], sampleMs: number): void {
    for (const { labels, value, timestampMs } of exemplars) {
      const exemplar = { labels, value, timestampMs: Number.isNaN(timestampMs) ? sampleMs : timestampMs };
      this.#exemplars.push({ series, exemplar });
    }
  }

  /** @returns the series that are gone; they are live until that is stored, so that their numbers stay theirs */
  async #addStaleMarkers(timestampMs: number): Promise<number[]> {
    const yielder = createYielder();
    const stale: number[] = [];
    let visited = 0;
    for (const [series, scrape] of this.#live) {
      if (++visited % SAMPLES_PER_LOOK === 0) await yielder();
      if (scrape >= this.#scrape) continue;
      this.#batch.addStale(series, timestampMs);
      stale.push(series);
    }
    return stale;
  }

  async #forgetStale(stale: readonly number[]): Promise<void> {
    const yielder = createYielder();
    for (let i = 0; i < stale.length; i++) {
      if (i % SAMPLES_PER_LOOK === 0) await yielder();
      this.#live.delete(stale[i]!);
    }
  }

  #addReports(timestampMs: number, values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.#batch.add(this.#reportSeries[i]!, timestampMs, values[i]!);
  }
}

/** Series texts by their byte ranges. */
function textOf({ body }: ExpositionSamples): (start: number, end: number) => string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return (start, end) => bytes.toString('latin1', start, end);
}
