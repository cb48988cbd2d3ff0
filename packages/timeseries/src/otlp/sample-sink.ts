import type { FloatHistogram } from '@opendata/promql';
import { InvalidSampleError } from '../head/errors.ts';
import type { Exemplar } from '../head/exemplars.ts';
import type { SeriesHolder } from '../head/forgetting.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import type { BatchResult, ExemplarOfSeries, HistogramOfSeries, WriteBatch } from '../ingest/batch-writer.ts';
import { MAX_AHEAD_MS } from '../ingest/head-writer.ts';
import { SampleBatch } from '../scrape/sample-batch.ts';

/** The part of the database that takes translated samples. */
export interface BatchStore {
  seriesId(labels: Uint8Array): number;
  /** The holder's series keep their numbers. @returns what ends it */
  holdSeries(holder: SeriesHolder): () => void;
  appendBatch(batch: WriteBatch): BatchResult;
  /** Oldest time that is kept, in ms. */
  readonly oldestMs: number;
}

/** Collects samples and hands them on in batches. */
export class SampleSink {
  readonly #store: BatchStore;
  readonly #newestMs: number;
  readonly #floats = new SampleBatch();
  #histograms: HistogramOfSeries[] = [];
  #exemplars: ExemplarOfSeries[] = [];
  #group: number | undefined;

  /** @param nowMs Unix ms, which times are compared with */
  constructor(store: BatchStore, nowMs: number) {
    this.#store = store;
    this.#newestMs = nowMs + MAX_AHEAD_MS;
  }

  /** The commit group to wait for; `undefined` where nothing was stored. */
  get group(): number | undefined {
    return this.#group;
  }

  /** Samples that were not handed on yet. */
  get size(): number {
    return this.#floats.count + this.#histograms.length;
  }

  /** @throws InvalidSampleError where the time, in ms, cannot be stored */
  checkTime(timeMs: number): void {
    if (timeMs > this.#newestMs) {
      throw new InvalidSampleError(`out of bounds: timestamp ${timeMs} is more than 10 minutes in the future`);
    }
    if (timeMs < this.#store.oldestMs) {
      throw new InvalidSampleError(`out of bounds: timestamp ${timeMs} is older than the retention`);
    }
  }

  /** @param labels sorted by name, without empty values. @throws InvalidSeriesError */
  series(labels: readonly string[]): number {
    return this.#store.seriesId(encodeLabels(labels));
  }

  /** What was not handed on yet is needed again. */
  readonly holdSeries: SeriesHolder = (mark) => {
    for (let i = 0; i < this.#floats.count; i++) mark(this.#floats.series[i]!);
    for (const { series } of this.#histograms) mark(series);
    for (const { series } of this.#exemplars) mark(series);
  };

  add(series: number, timeMs: number, value: number, startMs = 0): void {
    this.#floats.add(series, timeMs, value, startMs);
  }

  addStale(series: number, timeMs: number): void {
    this.#floats.addStale(series, timeMs);
  }

  addHistogram(series: number, timestampMs: number, histogram: FloatHistogram, startMs: number): void {
    this.#histograms.push({ series, timestampMs, histogram, startMs });
  }

  addExemplar(series: number, exemplar: Exemplar): void {
    this.#exemplars.push({ series, exemplar });
  }

  /** Stores what has come together. @throws OverloadedError, StorageError, and then nothing of it was stored */
  flush(): void {
    if (this.size === 0) return;
    const { group } = this.#store.appendBatch({
      floats: this.#floats,
      histograms: this.#histograms,
      exemplars: this.#exemplars,
    });
    this.#group = group;
    this.#floats.clear();
    this.#histograms = [];
    this.#exemplars = [];
  }
}
