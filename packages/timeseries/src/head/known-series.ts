import { Buffer } from 'node:buffer';
import { type MutableColumns, reserveSamples, reserveSeries, type SeriesShortcut } from '@opendata/wire';
import { growUint32 } from './growable.ts';
import type { KernelArena } from './kernel-arena.ts';
import { KNOWN_SERIES_KERNEL } from './known-series-kernel.ts';
import { type SeriesKeys, UNKNOWN_SERIES } from './series-keys.ts';
import type { SeriesTable } from './series-table.ts';

/** Series, and samples, that the kernel takes in one call. */
const CAPACITY = 4096;
/** Where in memory the kernel leaves its results: offsets as in wasm/known-series.as. */
const SERIES_COUNT_WORD = 0;
const SAMPLE_COUNT_WORD = 1;
const LAST_KEY_WORD = 2;
const SERIES = 64;
const LABELS_START = SERIES + 4 * CAPACITY;
const LABELS_END = LABELS_START + 4 * CAPACITY;
const SAMPLES_END = LABELS_END + 4 * CAPACITY;
const TIMESTAMPS = SAMPLES_END + 4 * CAPACITY;
const VALUES = TIMESTAMPS + 8 * CAPACITY;

type TakeKnownSeries = (base: number, at: number, end: number, key: number) => number;

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/**
 * Finds the series of a request while its body is walked: a sender repeats the order of its scrapes, so a WebAssembly
 * kernel compares what stands in the body with the key that followed last time, and where it is the same takes the
 * whole series without looking at single labels. What it does not take is walked by the decoder and looked up here.
 *
 * The kernel reads an entry's header in the arena: length, series, address of the key that followed.
 */
export class KnownSeries implements SeriesShortcut {
  /** Series of the request's label sets; `UNKNOWN_SERIES` where there is none yet. */
  series = new Uint32Array(CAPACITY);
  /** The first label set without a series, or -1. */
  firstUnknown = -1;
  /** False where the request's body is not in the kernel's memory: then nothing was looked up. */
  isActive = false;
  readonly #keys: SeriesKeys;
  readonly #arena: KernelArena;
  readonly #kernel: TakeKnownSeries;
  #results: KernelResults;
  #view = new DataView(new ArrayBuffer(0));
  /** Address of the key that came last, or 0. */
  #lastKey = 0;
  /** How many of the request's series are looked up. */
  #done = 0;

  /** @throws Error where there is no WebAssembly with 128-bit vectors */
  constructor(keys: SeriesKeys, arena: KernelArena) {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    const module = new Module(Buffer.from(KNOWN_SERIES_KERNEL, 'base64'));
    const { memory } = arena.bodies;
    const exports = new Instance(module, { env: { memory } }).exports as { takeKnownSeries: TakeKnownSeries };
    this.#kernel = exports.takeKnownSeries;
    this.#keys = keys;
    this.#arena = arena;
    this.#results = resultsIn(memory.buffer);
  }

  begin({ body }: MutableColumns): void {
    const { buffer } = this.#arena.bodies.memory;
    this.isActive = body.buffer === buffer;
    this.firstUnknown = -1;
    this.#lastKey = 0;
    this.#done = 0;
    if (!this.isActive) return;
    this.#view = new DataView(buffer, body.byteOffset, body.byteLength);
    if (this.#results.words.buffer !== buffer) this.#results = resultsIn(buffer);
  }

  take(columns: MutableColumns, at: number): number {
    if (!this.isActive) return at;
    if (columns.seriesCount > this.#done) this.#lookUpLast(columns);
    const base = this.#view.byteOffset;
    const end = base + this.#view.byteLength;
    const { words } = this.#results;
    while (this.#lastKey !== 0) {
      const from = at;
      at = this.#kernel(base, base + at, end, this.#lastKey) - base;
      if (at === from) break;
      this.#lastKey = words[LAST_KEY_WORD]!;
      this.#copyResults(columns, words[SERIES_COUNT_WORD]!, words[SAMPLE_COUNT_WORD]!);
      if (words[SERIES_COUNT_WORD]! < CAPACITY) break;
    }
    return at;
  }

  /** Looks up the series that the decoder has added itself. */
  #lookUpLast(columns: MutableColumns): void {
    const i = columns.seriesCount - 1;
    this.series = growUint32(this.series, i + 1);
    this.#done = i + 1;
    const key = this.#keys.find(this.#view, columns.labelsStart[i]!, columns.labelsEnd[i]!);
    if (key < 0) {
      this.series[i] = UNKNOWN_SERIES;
      if (this.firstUnknown < 0) this.firstUnknown = i;
      this.#lastKey = 0;
      return;
    }
    this.series[i] = this.#keys.seriesOf(key);
    const address = this.#keys.addressOf(key);
    if (this.#lastKey !== 0) this.#arena.setSuccessor(this.#lastKey, address);
    this.#lastKey = address;
  }

  #copyResults(columns: MutableColumns, seriesCount: number, sampleCount: number): void {
    const { series, labelsStart, labelsEnd, samplesEnd, timestamps, values } = this.#results;
    const firstSeries = columns.seriesCount;
    const firstSample = columns.sampleCount;
    reserveSeries(columns, seriesCount);
    reserveSamples(columns, sampleCount);
    this.series = growUint32(this.series, firstSeries + seriesCount);
    this.series.set(series.subarray(0, seriesCount), firstSeries);
    columns.labelsStart.set(labelsStart.subarray(0, seriesCount), firstSeries);
    columns.labelsEnd.set(labelsEnd.subarray(0, seriesCount), firstSeries);
    columns.timestamps.set(timestamps.subarray(0, sampleCount), firstSample);
    columns.values.set(values.subarray(0, sampleCount), firstSample);
    const { sampleStart } = columns;
    sampleStart[firstSeries] = firstSample;
    if (firstSample === 0) sampleStart.set(samplesEnd.subarray(0, seriesCount), firstSeries + 1);
    else for (let i = 0; i < seriesCount; i++) sampleStart[firstSeries + i + 1] = firstSample + samplesEnd[i]!;
    columns.seriesCount = firstSeries + seriesCount;
    columns.sampleCount = firstSample + sampleCount;
    this.#done = columns.seriesCount;
  }
}

interface KernelResults {
  readonly words: Uint32Array;
  readonly series: Uint32Array;
  readonly labelsStart: Uint32Array;
  readonly labelsEnd: Uint32Array;
  readonly samplesEnd: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

function resultsIn(buffer: ArrayBuffer): KernelResults {
  return {
    words: new Uint32Array(buffer, 0, 3),
    series: new Uint32Array(buffer, SERIES, CAPACITY),
    labelsStart: new Uint32Array(buffer, LABELS_START, CAPACITY),
    labelsEnd: new Uint32Array(buffer, LABELS_END, CAPACITY),
    samplesEnd: new Uint32Array(buffer, SAMPLES_END, CAPACITY),
    timestamps: new Float64Array(buffer, TIMESTAMPS, CAPACITY),
    values: new Float64Array(buffer, VALUES, CAPACITY),
  };
}

/** Nothing where WebAssembly cannot be had: then `SeriesTable.resolve` does it. */
export function createKnownSeries({ keys }: SeriesTable): KnownSeries | undefined {
  return keys.arena && new KnownSeries(keys, keys.arena);
}
