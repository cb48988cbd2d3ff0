import type { Block } from './block.ts';
import { pageWith } from './block-index.ts';
import { type Clip, ColumnReader, type SampleRange } from './column-reader.ts';
import { inPage } from './decoded-pages.ts';
import { readDataPage } from './index/data-page.ts';
import type { Slice } from './index/descriptor.ts';
import type { SeriesSamples } from './merge-samples.ts';
import { withStarts } from './read-starts.ts';

/** What is decoded before others may have a turn, in samples. */
const WORK_PER_TURN = 32_768;
/** What a series costs beside its samples, and a histogram. */
const WORK_PER_SERIES = 64;
const WORK_PER_HISTOGRAM = 16;

/** Takes samples of a series; `place` is its index among the series asked for. */
export type SamplesSink = (series: number, samples: SeriesSamples, place: number) => void;

/**
 * Gives the samples of series (ascending numbers) in the range, slice by slice in order of time; a series without any is
 * left out. The arrays may be those of a cache: they are for reading only.
 */
export async function readSamples(
  block: Block,
  series: Uint32Array,
  range: SampleRange,
  emit: SamplesSink,
): Promise<void> {
  const sink = await withStarts(block, series, emit, range.signal);
  for (const slice of block.descriptor.slices) {
    if (slice.startMs <= range.endMs && slice.endMs > range.startMs) {
      await readSlice(block, slice, series, range, readRange, sink);
    }
  }
}

/** Like `readSamples`, but only the newest sample of each series. */
export async function readNewestSamples(
  block: Block,
  series: Uint32Array,
  range: SampleRange,
  emit: SamplesSink,
): Promise<void> {
  const { slices } = block.descriptor;
  const sink = await withStarts(block, series, emit, range.signal);
  let left = series;
  let places: Uint32Array | undefined;
  for (let i = slices.length - 1; i >= 0 && left.length > 0; i--) {
    const slice = slices[i]!;
    if (slice.startMs > range.endMs || slice.endMs <= range.startMs) continue;
    const isFound = new Uint8Array(left.length);
    const placesNow = places;
    await readSlice(block, slice, left, range, readNewest, (number, samples, place) => {
      isFound[place] = 1;
      sink(number, samples, placesNow?.[place] ?? place);
    });
    if (i === 0) break;
    places = (places ?? left.map((_, place) => place)).filter((_, place) => isFound[place] === 0);
    left = left.filter((_, place) => isFound[place] === 0);
  }
}

/** Samples of the i-th series of a page that are in the range, where there are any. */
type SeriesReader = (columns: ColumnReader, i: number) => SeriesSamples | undefined;

async function readSlice(
  block: Block,
  slice: Slice,
  series: Uint32Array,
  range: SampleRange,
  read: SeriesReader,
  emit: SamplesSink,
): Promise<void> {
  const { signal, yielder, hold } = range;
  const needed = pagesWith(slice, series);
  const clips = new Map<Float64Array, Clip>();
  let next = 0;
  let pageIndex = -1;
  for await (const page of block.pages.each(block.id, needed, readDataPage, signal)) {
    pageIndex++;
    const pageNumber = needed[pageIndex]!;
    const last = page.series.at(-1) ?? -1;
    const end = next + firstAbove(series.subarray(next), last);
    const columns = new ColumnReader(block, pageNumber, page, range, clips, end - next);
    let i = 0;
    while (next < end) {
      let taken = 0;
      inPage(block.id, pageNumber, () => {
        columns.work = 0;
        for (; next < end && columns.work < WORK_PER_TURN; next++) {
          const number = series[next]!;
          while (page.series[i]! < number) i++;
          if (page.series[i] !== number) continue;
          columns.work += WORK_PER_SERIES;
          const samples = read(columns, i);
          if (samples === undefined) continue;
          taken += samples.values.length;
          emit(number, samples, next);
        }
      });
      hold?.(taken * 8);
      await yielder();
    }
  }
}

/** Index of the first number that is above `limit`. */
function firstAbove(numbers: Uint32Array, limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
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

function readRange(columns: ColumnReader, i: number): SeriesSamples | undefined {
  const { samples } = columns;
  const clip = columns.clip(i);
  const { from, to } = clip;
  if (from >= to) return undefined;
  if (samples.hasHistograms(i)) return readHistograms(columns, i, clip);
  const values = columns.values(i, from, to);
  return {
    timestamps: clip.timestamps,
    values,
    histograms: undefined,
    ascendingCount: columns.ascendingCount(i, from, to),
  };
}

function readNewest(columns: ColumnReader, i: number): SeriesSamples | undefined {
  const { samples } = columns;
  const clip = columns.clip(i);
  const { from, to } = clip;
  if (from >= to) return undefined;
  // Whether the counters of a histogram were reset is told by the ones before.
  if (samples.hasHistograms(i)) return readHistograms(columns, i, clip);
  return { timestamps: clip.newest, values: columns.values(i, to - 1, to), histograms: undefined };
}

function readHistograms(columns: ColumnReader, i: number, { from, to, timestamps }: Clip): SeriesSamples {
  const { samples } = columns;
  const count = samples.sampleCount(i);
  const values = new Float64Array(count);
  const histograms = samples.readHistograms(i, values).slice(from, to);
  columns.work += count * WORK_PER_HISTOGRAM;
  return { timestamps, values: values.subarray(from, to), histograms };
}
