import { setTimeout as sleep } from 'node:timers/promises';
import { isStorageError } from '@opendata/storage';
import { type FamilyMetadata, type ImportedLines, isWireError, type LineFault, parseImportLines } from '@opendata/wire';
import { InvalidSampleError, InvalidSeriesError, OverloadedError } from '../head/errors.ts';
import type { SeriesHolder } from '../head/forgetting.ts';
import { createYielder } from '../head/yielder.ts';
import { MAX_WINDOWS_PER_WRITE } from '../ingest/by-window.ts';
import { type BatchStore, SampleSink } from '../otlp/sample-sink.ts';
import { seriesLabels } from '../scrape/series-labels.ts';
import { runsOfLines } from './lines.ts';

/** The part of the database that an import needs. */
export interface ImportStore extends BatchStore {
  readonly metadata: { add(metadata: readonly FamilyMetadata[]): void };
  committed(group: number): Promise<void>;
  seal(which: 'complete' | 'all'): Promise<unknown>;
}

export interface ImportResult {
  readonly lines: number;
  readonly samples: number;
  /** Lines with samples that were not stored. */
  readonly rejected: number;
  /** The first lines that were rejected. */
  readonly faults: readonly LineFault[];
}

export interface ImportOptions {
  readonly now: () => number;
  /** How long an import waits for room in memory before it gives up, in ms. */
  readonly patienceMs?: number;
}

const MAX_FAULTS = 20;
/** Texts of series that are remembered. */
const MAX_KNOWN_SERIES = 100_000;
/** Samples that may be on their way to the store. */
const SAMPLES_IN_FLIGHT = 200_000;
/** Whether it is time for others to have a turn is asked after so many samples, which may all be of new series. */
const SAMPLES_PER_LOOK = 64;
/** Samples that are handed on together, which may all be of different windows. */
const SAMPLES_PER_BATCH = MAX_WINDOWS_PER_WRITE - SAMPLES_PER_LOOK;
const DEFAULT_PATIENCE_MS = 120_000;
const RETRY_MS = 200;
/** Others get a turn this often. */
const TURN_MS = 4;

/**
 * Stores OpenMetrics text of any length and age. What was taken so far stays where the import fails, and may be sent
 * again. While memory is full, the import waits.
 * @throws LineTooLongError, OverloadedError after the patience, StorageError, and what the chunks throw
 */
export async function importOpenMetrics(
  store: ImportStore,
  chunks: AsyncIterable<Uint8Array>,
  { now, patienceMs = DEFAULT_PATIENCE_MS }: ImportOptions,
): Promise<ImportResult> {
  const importer = new Importer(store, now, patienceMs);
  const release = store.holdSeries(importer.holdSeries);
  try {
    for await (const run of runsOfLines(chunks)) {
      await importer.take(run);
    }
    return await importer.finish();
  } finally {
    release();
  }
}

/** The head has no room, or the journal. */
function isOverloaded(error: unknown): boolean {
  return error instanceof OverloadedError || (isStorageError(error) && error.code === 'overloaded');
}

class Importer {
  readonly #store: ImportStore;
  readonly #now: () => number;
  readonly #patienceMs: number;
  readonly #seriesOf = new Map<string, number>();
  readonly #faults: LineFault[] = [];
  readonly #families = new Map<string, FamilyMetadata['type']>();
  readonly #yielder = createYielder(undefined, TURN_MS);
  #sink: SampleSink;
  #lines = 0;
  #samples = 0;
  #rejected = 0;
  #inFlight = 0;

  constructor(store: ImportStore, now: () => number, patienceMs: number) {
    this.#store = store;
    this.#now = now;
    this.#patienceMs = patienceMs;
    this.#sink = new SampleSink(store, now());
  }

  readonly holdSeries: SeriesHolder = (mark) => {
    for (const series of this.#seriesOf.values()) mark(series);
    this.#sink.holdSeries(mark);
  };

  async take(run: Uint8Array): Promise<void> {
    const parsed = parseImportLines(run, this.#lines + 1, this.#families);
    this.#lines += parsed.lineCount;
    for (const fault of parsed.faults) this.#reject(fault);
    this.#store.metadata.add(parsed.metadata);
    await this.#yielder();
    await this.#addSamples(parsed);
    if (this.#sink.size < SAMPLES_PER_BATCH) return;
    await this.#flush();
    if (this.#inFlight >= SAMPLES_IN_FLIGHT) await this.#settle();
  }

  async finish(): Promise<ImportResult> {
    await this.#flush();
    await this.#settle();
    const faults = this.#faults.sort((a, b) => a.line - b.line);
    return { lines: this.#lines, samples: this.#samples, rejected: this.#rejected, faults };
  }

  async #addSamples(parsed: ImportedLines): Promise<void> {
    const { body, seriesStart, seriesEnd, timestamps, values, exemplars, lines } = parsed;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    let nextExemplar = 0;
    for (let i = 0; i < parsed.count; i++) {
      if (i % SAMPLES_PER_LOOK === 0) {
        await this.#yielder();
        if (this.#sink.size >= SAMPLES_PER_BATCH) await this.#flush();
      }
      const own = [];
      for (; exemplars[nextExemplar]?.sample === i; nextExemplar++) own.push(exemplars[nextExemplar]!);
      try {
        const timestampMs = timestamps[i]!;
        this.#sink.checkTime(timestampMs);
        const series = this.#seriesId(bytes.toString('latin1', seriesStart[i]!, seriesEnd[i]!), parsed, i);
        this.#sink.add(series, timestampMs, values[i]!);
        this.#samples++;
        for (const { labels, value, timestampMs: exposedMs } of own) {
          const exemplarMs = Number.isNaN(exposedMs) ? timestampMs : exposedMs;
          this.#sink.addExemplar(series, { labels, value, timestampMs: exemplarMs });
        }
      } catch (error) {
        if (!(error instanceof InvalidSampleError || error instanceof InvalidSeriesError || isWireError(error))) {
          throw error;
        }
        this.#reject({ line: lines[i]!, message: error.message });
      }
    }
  }

  #seriesId(text: string, parsed: ImportedLines, sample: number): number {
    const known = this.#seriesOf.get(text);
    if (known !== undefined) return known;
    const series = this.#sink.series(seriesLabels(parsed.labels(sample), [], false));
    if (this.#seriesOf.size === MAX_KNOWN_SERIES) this.#seriesOf.clear();
    this.#seriesOf.set(text, series);
    return series;
  }

  #reject(fault: LineFault): void {
    this.#rejected++;
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(fault);
  }

  /** Hands on what has come together; while there is no room, windows that are complete are sealed. */
  async #flush(): Promise<void> {
    const giveUpMs = this.#now() + this.#patienceMs;
    const { size } = this.#sink;
    for (;;) {
      try {
        this.#sink.flush();
        this.#inFlight += size;
        await this.#yielder();
        return;
      } catch (error) {
        if (!isOverloaded(error) || this.#now() >= giveUpMs) throw error;
        await this.#settle();
        await this.#store.seal('complete');
        await sleep(RETRY_MS);
      }
    }
  }

  /** Waits until everything so far is durable. */
  async #settle(): Promise<void> {
    if (this.#sink.group !== undefined) await this.#store.committed(this.#sink.group);
    this.#inFlight = 0;
  }
}
