import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasSameBits,
  randomFrom,
  setBits,
  shapes,
  timestampsArbitrary,
  valuesArbitrary,
  wordsOf,
} from './columns.testing.ts';
import { PAGE_VERSION } from './page-format.ts';
import { PageReader } from './page-reader.ts';
import { PageWriter } from './page-writer.ts';

interface Column {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

function writePage(series: readonly Column[], writer = new PageWriter()): Uint8Array {
  series.forEach(({ timestamps, values }, i) => {
    expect(writer.addSeries(timestamps, values)).toBe(i);
  });
  const { sizeBytes } = writer;
  const page = writer.finish();
  expect(page.length).toBe(sizeBytes);
  return page;
}

function expectSame(found: Float64Array, expected: Float64Array): void {
  if (!hasSameBits(found, expected)) expect(wordsOf(found)).toEqual(wordsOf(expected));
}

function expectSeries(page: PageReader, index: number, { timestamps, values }: Column): void {
  expect(page.sampleCount(index)).toBe(values.length);
  expectSame(page.timestamps(index), timestamps);
  const target = new Float64Array(values.length + 3).fill(7);
  expect(page.readValues(index, target, 2)).toBe(values.length + 2);
  expectSame(target.subarray(2, 2 + values.length), values);
  expect([target[0], target[1], target.at(-1)]).toEqual([7, 7, 7]);
}

const grid = (count: number, start = 1_736_935_200_000, interval = 15_000): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => start + i * interval);

describe('a page', () => {
  it('gives back the exact bits of any columns', () => {
    const writer = new PageWriter();
    const column = valuesArbitrary().chain((values) =>
      timestampsArbitrary(values.length).map((timestamps): Column => ({ timestamps, values })),
    );
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 6 }), (series) => {
        const page = new PageReader(writePage(series, writer));
        expect(page.seriesCount).toBe(series.length);
        for (let i = series.length - 1; i >= 0; i--) expectSeries(page, i, series[i]!);
      }),
      { numRuns: 400 },
    );
  });

  it.each(Object.keys(shapes))('gives back the values of the shape %s', (shape) => {
    for (let count = 1; count < 300; count += 1 + (count >> 2)) {
      const values = Float64Array.from(shapes[shape]!(randomFrom(count), count));
      const column = { timestamps: grid(count), values };
      expectSeries(new PageReader(writePage([column])), 0, column);
    }
  });

  it('gives series that were scraped together one array of timestamps', () => {
    const values = Float64Array.of(1, 2, 3);
    const page = new PageReader(
      writePage([
        { timestamps: grid(3), values },
        { timestamps: grid(3, 5), values },
        { timestamps: grid(3), values: Float64Array.of(4, 4, 4) },
      ]),
    );
    expect(page.timestamps(2)).toBe(page.timestamps(0));
    expect(page.timestamps(1)).not.toBe(page.timestamps(0));
    expect(page.patternOf(2)).toBe(page.patternOf(0));
  });

  it('holds equal values once, whatever their timestamps', () => {
    const writer = new PageWriter();
    const values = Float64Array.from({ length: 300 }, randomFrom(1));
    writer.addSeries(grid(300), values);
    const { valueBytes } = writer.sizes;
    writer.addSeries(grid(300, 0, 1), values);
    expect(writer.sizes.valueBytes).toBe(valueBytes);
    const page = new PageReader(writer.finish());
    expectSeries(page, 1, { timestamps: grid(300, 0, 1), values });
  });

  it('takes timestamps from another series where they are a part of its own', () => {
    const random = randomFrom(3);
    const timestamps = grid(240).map((at) => at + Math.floor(random() * 3));
    const part = timestamps.filter((_, i) => i > 40 && i !== 90 && i !== 91);
    const writer = new PageWriter();
    writer.addSeries(timestamps, timestamps);
    const { timestampBytes } = writer.sizes;
    writer.addSeries(part, part);
    expect(writer.sizes.timestampBytes - timestampBytes).toBeLessThan(12);
    const page = new PageReader(writer.finish());
    expectSeries(page, 1, { timestamps: part, values: part });
    expectSeries(page, 0, { timestamps, values: timestamps });
  });

  it('spends next to nothing on regular, constant and rarely changing series', () => {
    const writer = new PageWriter();
    writer.addSeries(grid(360), new Float64Array(360).fill(1));
    expect(writer.sizes).toEqual({ directoryBytes: 2, timestampBytes: expect.any(Number), valueBytes: 2 });
    expect(writer.sizes.timestampBytes).toBeLessThan(16);
    writer.addSeries(
      grid(360),
      Float64Array.from({ length: 360 }, (_, i) => (i < 200 ? 5 : 6)),
    );
    expect(writer.sizes.valueBytes).toBeLessThan(16);
  });

  it('is read with millions of timestamps, which regular series have in few bytes', () => {
    const writer = new PageWriter();
    const values = new Float64Array(5000);
    const timestampsFrom = (first: number): Float64Array => values.map((_, i) => first + i * 1000);
    for (let i = 0; i < 900; i++) writer.addSeries(timestampsFrom(i), values);
    expect(writer.timestampCount).toBe(4_500_000);
    const page = new PageReader(writer.finish());
    for (const i of [0, 899]) expectSeries(page, i, { timestamps: timestampsFrom(i), values });
  });

  it('keeps the cheap form of integers with a staleness marker and a reset', () => {
    const values = Float64Array.from({ length: 360 }, (_, i) => (i < 200 ? 1e6 + 3 * i : 3 * (i - 200)));
    const writer = new PageWriter();
    writer.addSeries(grid(360), values);
    const { valueBytes } = writer.sizes;
    expect(valueBytes).toBeLessThan(40);
    setBits(values, 359, 0x7ff00000, 2);
    writer.addSeries(grid(360), values);
    expect(writer.sizes.valueBytes - valueBytes).toBeLessThan(valueBytes + 12);
    expectSeries(new PageReader(writer.finish()), 1, { timestamps: grid(360), values });
  });

  it('of version 1 is still read, and one of an unknown version is not', () => {
    const old = Buffer.from(
      'AQAAAAMAAAABAAAAMAAAAAQAAAAGAAAAUAAAAHUAeFQFADAA6AcAABIIBAlVBVpVoFUFWlWgVQVaVaBVBVpVoFUFWgECABAEAEAYlWI6B4RRKaZz' +
        'QBiVYjoHhFEppnNAGAYA0JkBABACQUmIiISISIiIhIhIiAAAAAAAAAAA',
      'base64',
    );
    const timestamps = grid(48, 0, 1000);
    const squares = timestamps.map((_, i) => i * i * 7 + (i % 5));
    const page = new PageReader(old);
    expectSeries(page, 0, { timestamps, values: squares });
    expectSeries(page, 1, { timestamps, values: timestamps.map((_, i) => ((i * 37) % 11) / 100) });
    expectSeries(page, 2, { timestamps, values: squares.map((value, i) => Math.floor(value * 0.3) + (i % 2)) });
    old[0] = PAGE_VERSION + 1;
    expect(() => new PageReader(old)).toThrow(`unknown version ${PAGE_VERSION + 1}`);
  });

  it('refuses columns of different lengths and none at all', () => {
    const writer = new PageWriter();
    expect(() => writer.addSeries(grid(2), Float64Array.of(1))).toThrow(RangeError);
    expect(() => writer.addSeries(grid(0), grid(0))).toThrow(RangeError);
    expect(new PageReader(writer.finish()).seriesCount).toBe(0);
  });

  it('refuses a target that is too short and a series that is not there', () => {
    const page = new PageReader(writePage([{ timestamps: grid(9), values: grid(9) }]));
    expect(() => page.readValues(0, new Float64Array(9), 1)).toThrow(RangeError);
    expect(() => page.timestamps(1)).toThrow(RangeError);
  });
});
