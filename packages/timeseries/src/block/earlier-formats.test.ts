import { describe, expect, it } from 'vitest';
import { SeriesIdentities } from '../read/series-identities.ts';
import type { Block } from './block.ts';
import { blockSource } from './block-source.ts';
import { wordsOf } from './codec/columns.testing.ts';
import { PAGE_VERSION } from './codec/page-format.ts';
import { blockOfFormat, seriesOfEarlierFormats } from './earlier-formats.testing.ts';
import { matchBlock } from './match-block.ts';
import { memoryBlock, openMemoryBlock, sourceOf, type TestSeries } from './memory-block.testing.ts';
import { readSamples } from './read-samples.ts';

const HOUR_MS = 3_600_000;

const yielder = async (): Promise<void> => undefined;

type Columns = readonly [timestamps: Float64Array, values: Float64Array];

/** By metric and `le`. */
function columnsOf(series: readonly TestSeries[]): Map<string, Columns> {
  return new Map(
    series.map(({ labels, samples }) => [
      labels.join(),
      [Float64Array.from(samples, ([time]) => time), Float64Array.from(samples, ([, value]) => value)],
    ]),
  );
}

/** Compares all samples of a block, by their bits. */
async function expectSamples(block: Block, expected: readonly TestSeries[]): Promise<void> {
  const series = await matchBlock(block.index, []);
  const labels = await new SeriesIdentities().ofBlock(block, series, yielder);
  const found = new Map<string, Columns>();
  const range = { startMs: 0, endMs: HOUR_MS, yielder, share: (column: Float64Array) => column };
  await readSamples(block, series, range, (number, { timestamps, values }) => {
    found.set(labels[series.indexOf(number)]!.join(), [timestamps, values]);
  });
  const wanted = columnsOf(expected);
  expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [name, columns] of wanted) {
    expect([name, ...found.get(name)!.map(wordsOf)]).toEqual([name, ...columns.map(wordsOf)]);
  }
}

/** Of the pages of samples: in data pages of a single run of fewer than 128 series they begin at byte 4. */
function versionsOf({ descriptor }: Block, pages: readonly Uint8Array[]): number[] {
  return descriptor.slices.flatMap((slice) => slice.pages.map(({ page }) => pages[page]![4]!));
}

describe.each([1, 2] as const)('a block of format %i', (version) => {
  it('is read', async () => {
    const { pages, descriptor } = blockOfFormat(version);
    const block = openMemoryBlock(pages, descriptor);
    expect(versionsOf(block, pages)).toEqual([version]);
    await expectSamples(block, seriesOfEarlierFormats());
  });

  it('is merged with one of this format', async () => {
    const { pages, descriptor } = blockOfFormat(version);
    const older = openMemoryBlock(pages, descriptor);
    const late = seriesOfEarlierFormats().map(({ labels, samples }, i): TestSeries => {
      // Between the samples that are there, in their place, and of a series of its own.
      const [place, labelValue] = [i * 7, i === 3 ? 'new' : labels[1]!];
      const own = samples.slice(place, place + 120).map(([time], k): [number, number] => [time + (k % 5), k]);
      return { labels: [labels[0]!, labelValue, ...labels.slice(2)], samples: own };
    });
    const newer = await memoryBlock([await sourceOf(late, 0, HOUR_MS)], 0, HOUR_MS);
    expect(versionsOf(newer.block, newer.pages)).toEqual([PAGE_VERSION]);
    const merged = await memoryBlock([older, newer.block].map(blockSource), 0, HOUR_MS);
    expect(versionsOf(merged.block, merged.pages)).toEqual([PAGE_VERSION]);
    await expectSamples(merged.block, united(seriesOfEarlierFormats(), late));
  });
});

/** Of samples with the same series and time that of `newer`. */
function united(older: readonly TestSeries[], newer: readonly TestSeries[]): TestSeries[] {
  const byName = new Map(older.map((series) => [series.labels.join(), series]));
  for (const { labels, samples } of newer) {
    const all = new Map([...(byName.get(labels.join())?.samples ?? []), ...samples]);
    byName.set(labels.join(), { labels, samples: [...all].sort(([a], [b]) => a - b) });
  }
  return [...byName.values()];
}
