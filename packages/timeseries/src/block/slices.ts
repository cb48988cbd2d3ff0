import type { MaybeHistogram } from './codec/index.ts';
import { DataPageWriter } from './index/data-page.ts';
import type { PageRef, Slice } from './index/descriptor.ts';
import type { PageBreaks } from './page-breaks.ts';
import type { BlockSource } from './sources.ts';
import type { PageSink } from './write-dictionary.ts';

/** A series is decoded slice by slice, so a slice has about as many samples of it as a query can afford for nothing. */
const MOST_SAMPLES_PER_SERIES = 2048;
const SLICE_COUNTS = [1, 2, 3, 4, 6, 8, 12, 24];
const PAGE_BYTES = 64 * 1024;
const LARGE_PAGE_BYTES = 128 * 1024;
/** A family of series that takes no more is not cut, nor a histogram in a page of less than twice as many. */
const FAMILY_BYTES = 256 * 1024;
/** A page that has so many timestamps is full whatever its bytes: those that keep an interval take next to none. */
const MOST_TIMESTAMPS = 1 << 20;
/** Blocks with more samples have large pages. */
const LARGE_BLOCK_SAMPLES = 200_000_000;

interface SlicePlan {
  readonly startMs: number;
  readonly endMs: number;
  readonly pageBytes: number;
}

/** How the time of a block is cut into slices. */
export function planSlices(sources: readonly BlockSource[], startMs: number, endMs: number): SlicePlan[] {
  let samples = 0;
  let series = 1;
  for (const source of sources) {
    samples += source.sampleCount;
    series = Math.max(series, source.seriesCount);
  }
  const wanted = samples / series / MOST_SAMPLES_PER_SERIES;
  const count = SLICE_COUNTS.find((n) => n >= wanted) ?? SLICE_COUNTS.at(-1)!;
  const pageBytes = samples > LARGE_BLOCK_SAMPLES ? LARGE_PAGE_BYTES : PAGE_BYTES;
  const boundary = (i: number): number => startMs + Math.floor(((endMs - startMs) * i) / count);
  return Array.from({ length: count }, (_, i) => ({ startMs: boundary(i), endMs: boundary(i + 1), pageBytes }));
}

/** Writes the data pages of a slice. */
export class SliceWriter {
  readonly written: Slice;
  readonly #pages: PageRef[] = [];
  readonly #plan: SlicePlan;
  readonly #writer = new DataPageWriter();
  readonly #sink: PageSink;
  /** Of the newest series: its family, what the page had before the family, and whether the family is to be cut. */
  #family = 0;
  #bytesBefore = 0;
  #isLarge = false;

  constructor(plan: SlicePlan, sink: PageSink) {
    this.#plan = plan;
    this.#sink = sink;
    this.written = { startMs: plan.startMs, endMs: plan.endMs, pages: this.#pages };
  }

  /** True where the page is full and to be written before the series that `breaks` has looked at last. */
  isFullBefore({ family, isWithinHistogram }: PageBreaks): boolean {
    const { sizeBytes, timestampCount } = this.#writer;
    const { pageBytes } = this.#plan;
    const isFull = sizeBytes >= pageBytes || timestampCount >= MOST_TIMESTAMPS;
    if (family !== this.#family) {
      this.#family = family;
      this.#isLarge = false;
      this.#bytesBefore = isFull ? 0 : sizeBytes;
    } else if (family !== 0) {
      if (timestampCount < MOST_TIMESTAMPS) {
        if (!this.#isLarge && sizeBytes - this.#bytesBefore < FAMILY_BYTES) return false;
        this.#isLarge = true;
      }
      if (isWithinHistogram && sizeBytes < 2 * FAMILY_BYTES && timestampCount < 2 * MOST_TIMESTAMPS) return false;
    }
    return isFull;
  }

  /** Adds the samples of a series that are in the slice. */
  add(
    series: number,
    timestamps: Float64Array,
    values: Float64Array,
    histograms: readonly MaybeHistogram[] | undefined,
  ): void {
    const from = firstAtOrAfter(timestamps, this.#plan.startMs);
    const to = firstAtOrAfter(timestamps, this.#plan.endMs);
    if (from === to) return;
    const isWhole = from === 0 && to === timestamps.length;
    this.#writer.add(
      series,
      isWhole ? timestamps : timestamps.subarray(from, to),
      isWhole ? values : values.subarray(from, to),
      isWhole ? histograms : histograms?.slice(from, to),
    );
  }

  async writePage(): Promise<void> {
    const { first } = this.#writer;
    this.#pages.push({ page: await this.#sink(this.#writer.finish()), first });
  }

  async finish(): Promise<void> {
    if (!this.#writer.isEmpty) await this.writePage();
  }
}

/** Index of the first time at or after `timeMs`, the length where there is none. */
export function firstAtOrAfter(timestamps: Float64Array, timeMs: number): number {
  let low = 0;
  let high = timestamps.length;
  if (high === 0 || timestamps[high - 1]! < timeMs) return high;
  if (timestamps[0]! >= timeMs) return 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timestamps[middle]! < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
