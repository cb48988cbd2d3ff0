import type { Labels, Matcher } from '@opendata/promql';
import type { BlockWriter } from '@opendata/storage';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedTimestamps } from '../head/shared-timestamps.ts';
import { SeriesIdentities } from '../read/series-identities.ts';
import type { Block } from './block.ts';
import { blockSource } from './block-source.ts';
import { blockCardinality } from './cardinality.ts';
import { readDataPage } from './index/data-page.ts';
import { matchBlock } from './match-block.ts';
import { memoryBlock, openMemoryBlock, sourceOf, type TestSeries } from './memory-block.testing.ts';
import type { SeriesSamples } from './merge-samples.ts';
import { readNewestSamples, readSamples } from './read-samples.ts';
import { writeBlock } from './write-block.ts';

const HOUR_MS = 3_600_000;
const yielder = async (): Promise<void> => undefined;

type Found = { labels: Labels; samples: [number, number][] };

async function read(
  block: Block,
  matchers: readonly Matcher[],
  startMs = Number.NEGATIVE_INFINITY,
  endMs = Number.POSITIVE_INFINITY,
): Promise<Found[]> {
  const shared = new SharedTimestamps();
  const share = (timestamps: Float64Array): Float64Array => shared.share(timestamps, timestamps.length);
  const series = await matchBlock(block.index, matchers);
  const labels = await new SeriesIdentities().ofBlock(block, series, yielder);
  const found: Found[] = labels.map((own) => ({ labels: own, samples: [] }));
  await readSamples(block, series, { startMs, endMs, yielder, share }, (number, { timestamps, values }) => {
    const own = found[series.indexOf(number)]!;
    for (const [i, timestamp] of timestamps.entries()) own.samples.push([timestamp, values[i]!]);
  });
  return found;
}

/** Thousands of series, so that every part of the index has several pages. */
function manySeries(count: number): TestSeries[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: [
      ...['__name__', `metric_${i % 7}`, 'instance', `host-${i}.${'example.'.repeat(4)}com:9100`],
      ...['le', i % 2 === 0 ? '+Inf' : '0.5', 'shard', String(i % 3)],
    ],
    samples: [[i % 60, i] as const, [1000 + (i % 60), i + 0.5] as const],
  }));
}

describe('a block', () => {
  it('holds the timestamps that its pages have in common once, where they were read', async () => {
    const samples = Array.from({ length: 100 }, (_, i) => [i * 1000, Math.sin(i)] as const);
    const series = Array.from({ length: 400 }, (_, i) => ({
      labels: ['__name__', 'm', 'i', `${i}`],
      samples: samples.map(([time, value]) => [time, value * i] as const),
    }));
    const { block } = await memoryBlock([await sourceOf(series, 0, HOUR_MS)], 0, HOUR_MS);
    const { pages } = block.descriptor.slices[0]!;
    expect(pages.length).toBeGreaterThan(2);
    const timestamps = async (): Promise<Float64Array[]> =>
      Promise.all(
        pages.map(async ({ page }) => (await block.pages.get(block.id, page, readDataPage)).samples.timestamps(0)),
      );
    expect(new Set(await timestamps()).size).toBe(pages.length);
    await read(block, [{ name: '__name__', type: '=', value: 'm' }]);
    const shared = await timestamps();
    expect(new Set(shared).size).toBe(1);
    expect([...shared[0]!]).toEqual(samples.map(([time]) => time));
  });

  it('gives the event loop a turn for each page that is read for what series are called', async () => {
    const { block } = await memoryBlock([await sourceOf(manySeries(9000), 0, HOUR_MS)], 0, HOUR_MS);
    const { series } = block.descriptor;
    // Few series, each on a page of its own, and with values on several.
    const numbers = Uint32Array.from(series, ({ first }) => first);
    let turns = 0;
    await new SeriesIdentities().ofBlock(block, numbers, async () => void turns++);
    expect(turns).toBeGreaterThan(numbers.length + 1);
  });

  it('finds series and samples through an index of many pages', async () => {
    const series = manySeries(9000);
    const { block } = await memoryBlock([await sourceOf(series, 0, HOUR_MS)], 0, HOUR_MS);
    const { descriptor } = block;
    expect(descriptor).toMatchObject({ seriesCount: 9000, sampleCount: 18_000, minMs: 0, maxMs: 1059 });
    expect(descriptor.dictionary.length).toBeGreaterThan(1);
    expect(descriptor.series.length).toBeGreaterThan(1);
    expect(descriptor.postings.length).toBeGreaterThan(1);
    for (const i of [0, 1, 1999, 8999]) {
      const { labels, samples } = series[i]!;
      const found = await read(block, [{ name: 'instance', type: '=', value: labels[3]! }]);
      expect(found).toEqual([{ labels, samples }]);
    }
    const some = await read(block, [
      { name: '__name__', type: '=', value: 'metric_3' },
      { name: 'shard', type: '!=', value: '1' },
      { name: 'le', type: '=~', value: '\\+.*' },
    ]);
    const wanted = series.filter(({ labels }, i) => i % 7 === 3 && i % 2 === 0 && labels.at(-1) !== '1');
    expect(some.map(({ labels }) => labels[3]).sort()).toEqual(wanted.map(({ labels }) => labels[3]).sort());
    expect(await read(block, [{ name: 'instance', type: '=', value: 'nobody' }])).toEqual([]);
    expect(await read(block, [{ name: 'missing', type: '=~', value: '.+' }])).toEqual([]);
  });

  it('counts what makes it large', async () => {
    const { block } = await memoryBlock([await sourceOf(manySeries(9000), 0, HOUR_MS)], 0, HOUR_MS);
    expect(await blockCardinality(block, 2)).toEqual({
      minMs: 0,
      maxMs: 1059,
      series: 9000,
      labelPairs: 9012,
      seriesByMetric: [
        { name: 'metric_0', value: 1286 },
        { name: 'metric_1', value: 1286 },
      ],
      valuesByLabel: [
        { name: 'instance', value: 9000 },
        { name: '__name__', value: 7 },
      ],
      seriesByPair: [
        { name: 'le=+Inf', value: 4500 },
        { name: 'le=0.5', value: 4500 },
      ],
    });
  });

  it('goes on with long postings over pages', async () => {
    // Every other series, so that there are no runs.
    const series = Array.from({ length: 70_000 }, (_, i) => ({
      labels: ['__name__', 'm', 'id', String(i).padStart(6, '0'), 'odd', i % 2 === 0 ? 'a' : 'b'],
      samples: [[0, i] as const],
    }));
    const { block } = await memoryBlock([await sourceOf(series, 0, HOUR_MS)], 0, HOUR_MS);
    const odd = await matchBlock(block.index, [{ name: 'odd', type: '=', value: 'b' }]);
    expect(odd).toEqual(new Uint32Array(35_000).map((_, i) => 2 * i + 1));
  });

  it('gives others their turn before each page of its index, which takes time to compress', async () => {
    const source = await sourceOf(manySeries(9000), 0, HOUR_MS);
    let inARow = 0;
    let most = 0;
    let pages = 0;
    const writer = {
      writePage: async (): Promise<number> => {
        most = Math.max(most, ++inARow);
        return pages++;
      },
    } as unknown as BlockWriter;
    const turn = async (): Promise<void> => {
      inARow = 0;
    };
    const { series } = await writeBlock(writer, [source], { startMs: 0, endMs: HOUR_MS, rank: 1, yielder: turn });
    expect(series.length).toBeGreaterThan(2);
    expect(most).toBe(1);
  });

  it('puts the buckets of a histogram together, +Inf first', async () => {
    const bucket = (le: string, path: string): TestSeries => ({
      labels: ['__name__', 'b', 'le', le, 'path', path],
      samples: [[0, 1]],
    });
    const series = ['1', '+Inf', '0.5'].flatMap((le) => ['/x', '/y'].map((path) => bucket(le, path)));
    const { block } = await memoryBlock([await sourceOf(series, 0, HOUR_MS)], 0, HOUR_MS);
    const found = await read(block, []);
    expect(found.map(({ labels }) => `${labels[5]} ${labels[3]}`)).toEqual([
      ...['/x +Inf', '/x 0.5', '/x 1', '/y +Inf', '/y 0.5', '/y 1'],
    ]);
  });

  it('with many samples a series is cut into slices of time', async () => {
    const samples = Array.from({ length: 10_000 }, (_, i): [number, number] => [i * 300, i]);
    const series = [
      { labels: ['__name__', 'a'], samples },
      { labels: ['__name__', 'b'], samples: samples.slice(7000) },
    ];
    const { block } = await memoryBlock([await sourceOf(series, 0, HOUR_MS)], 0, HOUR_MS);
    expect(block.descriptor.slices.length).toBeGreaterThan(2);
    expect(await read(block, [])).toEqual(series);
    const [part] = await read(block, [{ name: '__name__', type: '=', value: 'b' }], 2_100_300, 2_400_000);
    expect(part!.samples).toEqual(samples.slice(7001, 8001));
  });

  it('gives the same samples again, decoded once, with timestamps shared over pages', async () => {
    const series = manySeries(400).map(({ labels }, i) => ({
      labels,
      samples: Array.from({ length: 200 }, (_, k): [number, number] => [k * 1000 + (i % 2), Math.sin(i * 200 + k)]),
    }));
    const { block } = await memoryBlock([await sourceOf(series, 0, HOUR_MS)], 0, HOUR_MS);
    expect(block.descriptor.slices[0]!.pages.length).toBeGreaterThan(3);
    const all = await matchBlock(block.index, []);
    const columns = async (startMs: number, endMs: number, read = readSamples): Promise<SeriesSamples[]> => {
      const shared = new SharedTimestamps();
      const share = (timestamps: Float64Array): Float64Array => shared.share(timestamps, timestamps.length);
      const found: SeriesSamples[] = [];
      await read(block, all, { startMs, endMs, yielder, share }, (_, samples, place) => {
        found[place] = samples;
      });
      return found;
    };
    const first = await columns(0, HOUR_MS);
    expect(new Set(first.map(({ timestamps }) => timestamps)).size).toBe(2);
    expect(await columns(0, HOUR_MS)).toEqual(first);
    const part = await columns(5000, 9000);
    const newest = await columns(0, 150_000, readNewestSamples);
    for (const [i, { timestamps, values }] of first.entries()) {
      const from = timestamps[0] === 0 ? [5, 10] : [5, 9];
      expect(part[i]!.values).toEqual(values.slice(from[0], from[1]));
      expect(newest[i]!.values).toEqual(values.slice(timestamps[0] === 0 ? 150 : 149).slice(0, 1));
    }
    expect(block.pages.columns.sizeBytes).toBeLessThanOrEqual(2 << 20);
  });

  it('is written from blocks and heads, of which the last wins', async () => {
    const exemplar = { labels: ['trace_id', 'x'], value: 1, timestampMs: 5 };
    const first = await memoryBlock(
      [
        await sourceOf(
          [
            {
              labels: ['__name__', 'a'],
              samples: [
                [0, 1],
                [10, 2],
              ],
              exemplar,
            },
          ],
          0,
          HOUR_MS,
        ),
      ],
      0,
      HOUR_MS,
    );
    const late = await sourceOf(
      [
        {
          labels: ['__name__', 'a'],
          samples: [
            [5, 3],
            [10, 4],
          ],
        },
        { labels: ['__name__', 'a', 'new', 'x'], samples: [[7, 5]] },
      ],
      0,
      HOUR_MS,
    );
    const { block } = await memoryBlock([blockSource(first.block), late], 0, HOUR_MS);
    expect(await read(block, [])).toEqual([
      {
        labels: ['__name__', 'a'],
        samples: [
          [0, 1],
          [5, 3],
          [10, 4],
        ],
      },
      { labels: ['__name__', 'a', 'new', 'x'], samples: [[7, 5]] },
    ]);
    expect(await block.exemplars()).toEqual([{ series: 0, exemplar }]);
  });

  it('is refused or read, whatever byte of its index is changed', async () => {
    const { pages, descriptor } = await memoryBlock([await sourceOf(manySeries(200), 0, HOUR_MS)], 0, HOUR_MS);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, where, change) => {
        const parts = [...pages, descriptor].map((part) => part.slice());
        const part = parts[at % parts.length]!;
        part[where % part.length]! ^= change;
        try {
          await read(openMemoryBlock(parts.slice(0, -1), parts.at(-1)!), [{ name: 'shard', type: '=', value: '1' }]);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 300 },
    );
  });
});
