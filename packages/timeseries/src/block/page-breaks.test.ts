import { describe, expect, it } from 'vitest';
import { hasSameBits, randomFrom } from './codec/columns.testing.ts';
import { readDataPage } from './index/data-page.ts';
import { PageBreaks } from './page-breaks.ts';
import { SliceWriter } from './slices.ts';

const KIB = 1024;
const SAMPLES = 120;
const SPAN_MS = SAMPLES * 30_000;
const PAGE_BYTES = 64 * KIB;

/** Pairs of a block: three metrics, thousands of instances, and four buckets of which the first is `+Inf`. */
const NAMES = [
  { name: '__name__', firstPair: 0 },
  { name: 'instance', firstPair: 3 },
  { name: 'le', firstPair: 5000 },
  { name: 'zone', firstPair: 5004 },
];
const PAIR_COUNT = 5005;
const [BUCKET_METRIC, COUNT_METRIC, OTHER_METRIC] = [0, 1, 2];
const ZONE = 5004;

interface Written {
  readonly metric: number;
  /** Of a bucket 0 to 3, else -1. */
  readonly bucket: number;
  readonly values: Float64Array;
}

interface Page {
  readonly bytes: number;
  readonly series: readonly Written[];
}

/** So many histograms with their counts, and 100 series of another metric behind them. */
function histograms(count: number): Written[] {
  const random = randomFrom(count);
  const column = (most: number): Float64Array => {
    let total = 0;
    return Float64Array.from({ length: SAMPLES }, () => (total += Math.floor(random() * most)));
  };
  const totals = Array.from({ length: count }, () => column(1e6));
  const bucketsOf = (all: Float64Array): Written[] =>
    [1, 0.25, 0.5, 0.75].map((share, bucket) => ({
      metric: BUCKET_METRIC!,
      bucket,
      values: all.map((value) => Math.floor(value * share)),
    }));
  return [
    ...totals.flatMap(bucketsOf),
    ...totals.map((values) => ({ metric: COUNT_METRIC!, bucket: -1, values })),
    ...Array.from({ length: 100 }, () => ({ metric: OTHER_METRIC!, bucket: -1, values: column(1e9) })),
  ];
}

async function write(series: readonly Written[]): Promise<Page[]> {
  const pages: Uint8Array[] = [];
  const sink = async (page: Uint8Array): Promise<number> => pages.push(page) - 1;
  const slice = new SliceWriter({ startMs: 0, endMs: SPAN_MS, pageBytes: PAGE_BYTES }, sink);
  const breaks = new PageBreaks(NAMES, PAIR_COUNT);
  const timestamps = Float64Array.from({ length: SAMPLES }, (_, i) => i * 30_000);
  for (const [number, { metric, bucket, values }] of series.entries()) {
    const key = [metric, 3 + (number % 4000), ZONE, ...(bucket < 0 ? [] : [5000 + bucket])];
    breaks.next(Uint32Array.of(...key, 0, 0), key.length);
    if (slice.isFullBefore(breaks)) await slice.writePage();
    slice.add(number, timestamps, values, undefined);
  }
  await slice.finish();
  expect(slice.written.pages.map(({ page }) => page)).toEqual([...pages.keys()]);
  return pages.map((bytes, i) => {
    const page = readDataPage(bytes);
    expect(page.series[0]).toBe(slice.written.pages[i]!.first);
    const target = new Float64Array(SAMPLES);
    for (const [place, number] of page.series.entries()) {
      page.samples.readValues(place, target);
      if (!hasSameBits(target, series[number]!.values)) expect.fail(`series ${number} is read as something else`);
    }
    return { bytes: bytes.length, series: [...page.series].map((number) => series[number]!) };
  });
}

const isOther = ({ metric }: Written): boolean => metric === OTHER_METRIC;

describe('pages of histograms', () => {
  it('have all buckets of a metric and their counts, where they are not too many', async () => {
    const series = histograms(250);
    const pages = await write(series);
    expect(pages.flatMap((page) => page.series)).toEqual(series);
    expect(pages[0]!.bytes).toBeGreaterThan(PAGE_BYTES);
    expect(pages[0]!.series.filter(isOther)).toEqual([]);
    expect(pages[0]!.series).toHaveLength(250 * 5);
    expect(pages[1]!.series.every(isOther)).toBe(true);
  });

  it('begin with the first bucket of a histogram where those of a metric are too many', async () => {
    const series = histograms(900);
    const pages = await write(series);
    expect(pages.flatMap((page) => page.series)).toEqual(series);
    expect(pages.length).toBeGreaterThan(3);
    expect(pages[0]!.bytes).toBeGreaterThan(255 * KIB);
    for (const { bytes } of pages.slice(1)) expect(bytes).toBeLessThan(PAGE_BYTES + 4 * KIB);
    for (const page of pages) expect(page.series[0]!.bucket).toBeLessThan(1);
    expect(pages.filter((page) => page.series[0]!.bucket === 0).length).toBeGreaterThan(1);
  });

  it('have no more timestamps than are decoded in moderation, where thousands of targets have their own', async () => {
    const samples = 2500;
    for (const buckets of [[-1], [0, 1, 2]]) {
      const pages: Uint8Array[] = [];
      const sink = async (page: Uint8Array): Promise<number> => pages.push(page) - 1;
      const slice = new SliceWriter({ startMs: 0, endMs: 1e12, pageBytes: PAGE_BYTES }, sink);
      const breaks = new PageBreaks(NAMES, PAIR_COUNT);
      const values = new Float64Array(samples).fill(1);
      let count = 0;
      for (let target = 0; target < 1800; target++) {
        const timestamps = Float64Array.from(values, (_, i) => target + i * 30_000);
        for (const bucket of buckets) {
          const key = [BUCKET_METRIC!, 3 + target, ...(bucket < 0 ? [] : [5000 + bucket])];
          breaks.next(Uint32Array.from(key), key.length);
          if (slice.isFullBefore(breaks)) await slice.writePage();
          slice.add(count++, timestamps, values, undefined);
        }
      }
      await slice.finish();
      const read = pages.map((bytes) => readDataPage(bytes));
      expect(read.flatMap(({ series }) => [...series])).toEqual(Array.from({ length: count }, (_, i) => i));
      for (const { series, samples } of read) {
        expect(series[0]! % buckets.length).toBe(0);
        expect(new Set(series.map((_, place) => samples.patternOf(place))).size).toBeLessThanOrEqual(420);
        expect(samples.timestamps(series.length - 1)[0]).toBe(Math.floor(series.at(-1)! / buckets.length));
      }
    }
  });

  it('are small where nothing belongs together', async () => {
    const others = histograms(2).filter(isOther);
    const pages = await write([
      ...others,
      ...others.map(({ values }) => ({ ...others[0]!, values: values.map((value) => value * 1.5 + 1 / 3) })),
    ]);
    for (const { bytes } of pages) expect(bytes).toBeLessThan(PAGE_BYTES + 2 * KIB);
  });
});
