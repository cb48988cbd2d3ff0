import type { ExpositionHistogram, ExpositionSamples, FamilyMetadata } from '@opendata/wire';
import { checkHistogram } from '../head/check-histogram.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import type { BatchResult, ExemplarOfSeries, HistogramOfSeries, WriteBatch } from '../ingest/batch-writer.ts';
import { MAX_AHEAD_MS } from '../ingest/head-writer.ts';
import { ScrapeError } from './fetch.ts';
import { SampleBatch } from './sample-batch.ts';
import { DROPPED_SERIES, SeriesCache, type SeriesNaming } from './series-cache.ts';
import { seriesLabels } from './series-labels.ts';
import type { ScrapeTarget } from './target.ts';

/** The part of the database that a scraper needs. */
export interface ScrapeStore extends SeriesNaming {
  appendBatch(batch: WriteBatch): BatchResult;
  /** Oldest time that is kept, in ms. */
  readonly oldestMs: number;
  readonly metadata: { add(metadata: readonly FamilyMetadata[]): void };
}

/** What a scrape brought. */
export interface ScrapeOutcome {
  /** Samples in the body of a scrape that was stored. */
  readonly scraped: number;
  /** Samples that were refused, one by one or with the whole scrape. */
  readonly failed: number;
  readonly error: Error | undefined;
}

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
  readonly #reportSeries: readonly number[];
  readonly #release: () => void;
  #metadata: readonly FamilyMetadata[] = [];
  #scrape = 0;

  constructor(target: ScrapeTarget, store: ScrapeStore) {
    this.#target = target;
    this.#store = store;
    this.#cache = new SeriesCache(target, store);
    this.#reportSeries = REPORTS.map((name) =>
      store.seriesId(encodeLabels(seriesLabels(['__name__', name], target.labels, false))),
    );
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
  record(result: ExpositionSamples | Error, timestampMs: number, durationMs: number): ScrapeOutcome {
    this.#scrape++;
    const batch = this.#batch;
    batch.clear();
    let scraped = 0;
    let kept = 0;
    let dropped = 0;
    let added = 0;
    let error: Error | undefined;
    try {
      if (result instanceof Error) throw result;
      scraped = result.count + (result.histograms?.length ?? 0);
      this.#checkCount(result);
      this.#exemplars = [];
      this.#histograms = [];
      this.#cache.begin();
      const counts = this.#addSamples(result, timestampMs);
      for (const histogram of result.histograms ?? []) this.#addHistogram(result, histogram, timestampMs, counts);
      ({ added, dropped, kept } = counts);
      this.#store.metadata.add(result.metadata);
      this.#metadata = result.metadata;
    } catch (failure) {
      error = failure instanceof Error ? failure : new Error(String(failure));
      batch.clear();
      added = 0;
      this.#scrape++; // Nothing of this scrape counts: every series is gone.
    }
    this.#addStaleMarkers(timestampMs);
    this.#addReports(timestampMs, [error === undefined ? 1 : 0, durationMs / 1000, scraped, kept, added]);
    const hasFailed = error !== undefined;
    this.#store.appendBatch({
      floats: batch,
      histograms: hasFailed ? [] : this.#histograms,
      exemplars: hasFailed ? [] : this.#exemplars,
    });
    return { scraped: error === undefined ? scraped : 0, failed: error === undefined ? dropped : scraped, error };
  }

  /** The target is gone: its series, those about its scrapes too, get staleness markers. @throws as `record` */
  end(timestampMs: number): void {
    if (this.#scrape === 0) return;
    this.#batch.clear();
    this.#scrape++;
    this.#addStaleMarkers(timestampMs);
    for (const series of this.#reportSeries) this.#batch.addStale(series, timestampMs);
    this.#store.appendBatch({ floats: this.#batch, histograms: [], exemplars: [] });
  }

  /** The limit is on what relabelling leaves. */
  #checkCount(parsed: ExpositionSamples): void {
    const { sampleLimit, metricRelabelRules } = this.#target.job;
    const histograms = parsed.histograms?.length ?? 0;
    if (sampleLimit === 0 || parsed.count + histograms <= sampleLimit) return;
    let samples = parsed.count + histograms;
    if (metricRelabelRules.length > 0) {
      samples = histograms;
      for (let i = 0; i < parsed.count; i++) if (this.#resolve(parsed, i) !== DROPPED_SERIES) samples++;
    }
    if (samples > sampleLimit) {
      throw new ScrapeError(`sample limit exceeded: ${samples} samples, limit ${sampleLimit}`);
    }
  }

  #resolve(parsed: ExpositionSamples, sample: number): number {
    const { body } = parsed;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const text = bytes.toString('latin1', parsed.seriesStart[sample]!, parsed.seriesEnd[sample]!);
    return this.#cache.resolve(text, () => parsed.labels(sample));
  }

  #addSamples(parsed: ExpositionSamples, timestampMs: number): { added: number; dropped: number; kept: number } {
    const { honorTimestamps, trackTimestampsStaleness } = this.#target.job;
    const body = Buffer.from(parsed.body.buffer, parsed.body.byteOffset, parsed.body.byteLength);
    const newest = timestampMs + MAX_AHEAD_MS;
    const oldest = this.#store.oldestMs;
    let added = 0;
    let dropped = 0;
    let kept = 0;
    let nextExemplar = 0;
    for (let i = 0; i < parsed.count; i++) {
      const text = body.toString('latin1', parsed.seriesStart[i]!, parsed.seriesEnd[i]!);
      const series = this.#cache.resolve(text, () => parsed.labels(i));
      if (series === DROPPED_SERIES) {
        while (parsed.exemplars[nextExemplar]?.sample === i) nextExemplar++;
        continue;
      }
      kept++;
      const exposedMs = honorTimestamps ? parsed.timestamps[i]! : Number.NaN;
      const hasTimestamp = !Number.isNaN(exposedMs);
      const sampleMs = hasTimestamp ? exposedMs : timestampMs;
      if (sampleMs > newest || sampleMs < oldest) {
        dropped++;
        while (parsed.exemplars[nextExemplar]?.sample === i) nextExemplar++;
        continue;
      }
      this.#batch.add(series, sampleMs, parsed.values[i]!);
      for (; parsed.exemplars[nextExemplar]?.sample === i; nextExemplar++) {
        const { labels, value, timestampMs: exposed } = parsed.exemplars[nextExemplar]!;
        const exemplar = { labels, value, timestampMs: Number.isNaN(exposed) ? sampleMs : exposed };
        this.#exemplars.push({ series, exemplar });
      }
      if (hasTimestamp && !trackTimestampsStaleness) continue;
      if (!this.#live.has(series)) added++;
      this.#live.set(series, this.#scrape);
    }
    return { added, dropped, kept };
  }

  #addHistogram(
    parsed: ExpositionSamples,
    { seriesStart, seriesEnd, timestampMs: exposedMs, histogram, exemplars }: ExpositionHistogram,
    scrapeMs: number,
    counts: { added: number; dropped: number; kept: number },
  ): void {
    const { body } = parsed;
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1', seriesStart, seriesEnd);
    const series = this.#cache.resolve(text, () => parsed.labelsAt(seriesStart));
    if (series === DROPPED_SERIES) return;
    counts.kept++;
    const { honorTimestamps, trackTimestampsStaleness } = this.#target.job;
    const hasTimestamp = honorTimestamps && !Number.isNaN(exposedMs);
    const timestampMs = hasTimestamp ? exposedMs : scrapeMs;
    if (timestampMs > scrapeMs + MAX_AHEAD_MS || timestampMs < this.#store.oldestMs) {
      counts.dropped++;
      return;
    }
    checkHistogram(histogram);
    this.#histograms.push({ series, timestampMs, histogram });
    for (const exemplar of exemplars) {
      const exemplarMs = Number.isNaN(exemplar.timestampMs) ? timestampMs : exemplar.timestampMs;
      this.#exemplars.push({ series, exemplar: { ...exemplar, timestampMs: exemplarMs } });
    }
    if (hasTimestamp && !trackTimestampsStaleness) return;
    if (!this.#live.has(series)) counts.added++;
    this.#live.set(series, this.#scrape);
  }

  #addStaleMarkers(timestampMs: number): void {
    for (const [series, scrape] of this.#live) {
      if (scrape >= this.#scrape) continue;
      this.#batch.addStale(series, timestampMs);
      this.#live.delete(series);
    }
  }

  #addReports(timestampMs: number, values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.#batch.add(this.#reportSeries[i]!, timestampMs, values[i]!);
  }
}
