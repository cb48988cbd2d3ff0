import { describe, expect, it } from 'vitest';
import { randomFrom, setBits, wordsOf } from './columns.testing.ts';
import { PageReader } from './page-reader.ts';
import { PageWriter } from './page-writer.ts';

const count = 360;
const timestamps = Float64Array.from({ length: count }, (_, i) => 1e12 + i * 15_000);

/** The cumulative buckets of a histogram, the greatest first, as labels sort them. */
function buckets(seed: number, isRestarting: boolean): Float64Array[] {
  const random = randomFrom(seed);
  const shares = [1, 0.1, 0.35, 0.7, 0.95];
  const columns = shares.map(() => new Float64Array(count));
  const totals = shares.map(() => 1000);
  for (let i = 0; i < count; i++) {
    if (isRestarting && i === 200) totals.fill(0);
    const observed = Math.floor(100 + random() * 400);
    shares.forEach((share, bucket) => {
      totals[bucket]! += Math.floor(observed * share + random());
      columns[bucket]![i] = totals[bucket]!;
    });
  }
  return columns;
}

function write(columns: readonly Float64Array[]): { page: PageReader; bytes: number; alone: number } {
  const writer = new PageWriter();
  for (const values of columns) writer.addSeries(timestamps, values);
  const bytes = writer.sizes.valueBytes;
  const page = new PageReader(writer.finish());
  let alone = 0;
  for (const values of columns) {
    writer.addSeries(timestamps, values);
    alone += writer.sizes.valueBytes;
    writer.clear();
  }
  return { page, bytes, alone };
}

function expectValues(page: PageReader, series: number, values: Float64Array): void {
  const target = new Float64Array(count);
  page.readValues(series, target);
  expect(wordsOf(target)).toEqual(wordsOf(values));
}

describe('prediction from another series', () => {
  it.each([false, true])('more than halves histograms, restarting: %s', (isRestarting) => {
    const columns = [1, 2, 3].flatMap((seed) => buckets(seed, isRestarting));
    const { page, bytes, alone } = write(columns);
    expect(bytes).toBeLessThan(alone / 2);
    for (const series of [14, 3, 0, 7, 4, 1, 13]) expectValues(page, series, columns[series]!);
  });

  it('is exact with staleness markers and other odd values in both', () => {
    const columns = buckets(4, true);
    for (const values of columns) setBits(values, count - 1, 0x7ff00000, 2);
    setBits(columns[0]!, 0, 0x80000000, 0);
    setBits(columns[0]!, 100, 0xfff00000, 0);
    setBits(columns[2]!, 0, 0x7ff80000, 1);
    setBits(columns[3]!, 101, 0x43f00000, 1);
    const { page, bytes, alone } = write(columns);
    expect(bytes).toBeLessThan(alone);
    columns.forEach((values, series) => {
      expectValues(page, series, values);
    });
  });

  it('is exact at the limits of exact integers', () => {
    const random = randomFrom(5);
    const walk = Float64Array.from({ length: count }, () => Math.floor((random() - 0.5) * 2 ** 46));
    const columns = [1, 60, -1, 1 / 16].map((factor) => walk.map((value) => Math.floor(value * factor)));
    const { page } = write(columns);
    columns.forEach((values, series) => {
      expectValues(page, series, values);
    });
  });
});
