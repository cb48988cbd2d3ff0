import type { Block } from './block.ts';
import { pageWith } from './block-index.ts';
import type { MaybeHistogram } from './codec/index.ts';
import { inPage } from './decoded-pages.ts';
import { type DataPage, readDataPage } from './index/data-page.ts';
import type { Slice } from './index/descriptor.ts';
import type { SeriesSamples } from './merge-samples.ts';
import { firstAtOrAfter } from './slices.ts';

export interface SampleRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly yielder: () => Promise<void>;
  /** Told the bytes of values that were read; throws where they are too many. */
  readonly hold?: ((bytes: number) => void) | undefined;
  /** Makes equal columns one: timestamps of series that were scraped together. */
  readonly share: (timestamps: Float64Array) => Float64Array;
}

const SERIES_PER_TURN = 16;
/** Values of several series are allocated together. */
const SLAB_VALUES = 32_768;

/**
 * Gives the samples of series (ascending numbers) in the range, slice by slice in order of time; a series without any is
 * left out.
 */
export async function readSamples(
  block: Block,
  series: Uint32Array,
  range: SampleRange,
  emit: (series: number, samples: SeriesSamples) => void,
): Promise<void> {
  for (const slice of block.descriptor.slices) {
    if (slice.startMs <= range.endMs && slice.endMs > range.startMs) {
      await readSlice(block, slice, series, range, (page) => new RangeReader(page, range), emit);
    }
  }
}

/** Like `readSamples`, but only the newest sample of each series. */
export async function readNewestSamples(
  block: Block,
  series: Uint32Array,
  range: SampleRange,
  emit: (series: number, samples: SeriesSamples) => void,
): Promise<void> {
  const { slices } = block.descriptor;
  let left = series;
  for (let i = slices.length - 1; i >= 0 && left.length > 0; i--) {
    const slice = slices[i]!;
    if (slice.startMs > range.endMs || slice.endMs <= range.startMs) continue;
    const found = new Set<number>();
    await readSlice(
      block,
      slice,
      left,
      range,
      (page) => new NewestReader(page, range),
      (number, samples) => {
        found.add(number);
        emit(number, samples);
      },
    );
    left = left.filter((number) => !found.has(number));
  }
}

interface PageSeriesReader {
  /** Samples of the i-th series of the page that are in the range, where there are any. */
  read(i: number): SeriesSamples | undefined;
}

async function readSlice(
  block: Block,
  slice: Slice,
  series: Uint32Array,
  { signal, yielder, hold }: SampleRange,
  open: (page: DataPage) => PageSeriesReader,
  emit: (series: number, samples: SeriesSamples) => void,
): Promise<void> {
  const needed = pagesWith(slice, series);
  let next = 0;
  let read = 0;
  let pageIndex = -1;
  for await (const page of block.pages.each(block.id, needed, readDataPage, signal)) {
    pageIndex++;
    const reader = open(page);
    const last = page.series.at(-1) ?? -1;
    let i = 0;
    for (; next < series.length && series[next]! <= last; next++) {
      const number = series[next]!;
      while (page.series[i]! < number) i++;
      if (page.series[i] !== number) continue;
      const place = i;
      const samples = inPage(block.id, needed[pageIndex]!, () => reader.read(place));
      if (samples === undefined) continue;
      emit(number, samples);
      read += samples.values.length;
      if (next % SERIES_PER_TURN !== 0) continue;
      hold?.(read * 8);
      read = 0;
      await yielder();
    }
  }
}

/** The pages of a slice that may have one of the series, in order. */
function pagesWith(slice: Slice, series: Uint32Array): number[] {
  const { pages } = slice;
  const needed: number[] = [];
  let last = -1;
  for (let i = 0; i < series.length; i++) {
    if (last >= 0 && (last + 1 === pages.length || series[i]! < pages[last + 1]!.first)) continue;
    if (pages.length === 0 || series[i]! < pages[0]!.first) continue;
    last = pageWith(pages, series[i]!);
    needed.push(pages[last]!.page);
  }
  return needed;
}

/** A part of a column of timestamps. */
interface Clip {
  readonly from: number;
  readonly to: number;
  readonly timestamps: Float64Array;
}

class RangeReader implements PageSeriesReader {
  readonly #page: DataPage;
  readonly #range: SampleRange;
  readonly #clips = new Map<number, Clip>();
  #slab = new Float64Array(0);
  #slabUsed = 0;

  constructor(page: DataPage, range: SampleRange) {
    this.#page = page;
    this.#range = range;
  }

  read(i: number): SeriesSamples | undefined {
    const { samples } = this.#page;
    const { from, to, timestamps } = this.#clip(i);
    if (from >= to) return undefined;
    const count = samples.sampleCount(i);
    const all = this.#allocate(count);
    let histograms: readonly MaybeHistogram[] | undefined;
    if (samples.hasHistograms(i)) histograms = samples.readHistograms(i, all).slice(from, to);
    else samples.readValues(i, all);
    // What is a small part of the column is copied, so that the rest need not be kept.
    if ((to - from) * 2 < count) return { timestamps, values: all.slice(from, to), histograms };
    this.#slabUsed += count;
    return { timestamps, values: all.subarray(from, to), histograms };
  }

  #clip(i: number): Clip {
    const { samples } = this.#page;
    const pattern = samples.patternOf(i);
    const known = this.#clips.get(pattern);
    if (known !== undefined) return known;
    const all = samples.timestamps(i);
    const from = firstAtOrAfter(all, this.#range.startMs);
    const to = firstAfter(all, this.#range.endMs);
    const timestamps = from >= to ? all : this.#range.share(all.subarray(from, to));
    const clip = { from, to, timestamps };
    this.#clips.set(pattern, clip);
    return clip;
  }

  #allocate(count: number): Float64Array {
    if (this.#slab.length - this.#slabUsed < count) {
      this.#slab = new Float64Array(Math.max(count, Math.min(SLAB_VALUES, count * 64)));
      this.#slabUsed = 0;
    }
    return this.#slab.subarray(this.#slabUsed, this.#slabUsed + count);
  }
}

class NewestReader implements PageSeriesReader {
  readonly #page: DataPage;
  readonly #range: SampleRange;
  readonly #places = new Map<number, number>();
  #scratch = new Float64Array(0);

  constructor(page: DataPage, range: SampleRange) {
    this.#page = page;
    this.#range = range;
  }

  read(i: number): SeriesSamples | undefined {
    const { samples } = this.#page;
    const pattern = samples.patternOf(i);
    const all = samples.timestamps(i);
    let place = this.#places.get(pattern);
    if (place === undefined) {
      place = firstAfter(all, this.#range.endMs) - 1;
      this.#places.set(pattern, place);
    }
    if (place < 0 || all[place]! < this.#range.startMs) return undefined;
    if (samples.hasHistograms(i)) {
      // Whether its counters were reset is told by the ones before.
      const values = new Float64Array(all.length);
      const histograms = samples.readHistograms(i, values).slice(0, place + 1);
      const from = firstAtOrAfter(all, this.#range.startMs);
      const timestamps = all.slice(from, place + 1);
      return { timestamps, values: values.slice(from, place + 1), histograms: histograms.slice(from) };
    }
    if (this.#scratch.length < all.length) this.#scratch = new Float64Array(all.length);
    samples.readValues(i, this.#scratch);
    const timestamps = this.#range.share(all.subarray(place, place + 1));
    return { timestamps, values: this.#scratch.slice(place, place + 1) };
  }
}

/** Index of the first time after `timeMs`, the length where there is none. */
export function firstAfter(timestamps: Float64Array, timeMs: number): number {
  const at = firstAtOrAfter(timestamps, timeMs);
  return timestamps[at] === timeMs ? at + 1 : at;
}
