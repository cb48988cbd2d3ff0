import { METRIC_NAME } from '@opendata/promql';
import { createYielder } from '../head/yielder.ts';
import { TopList } from '../top-list.ts';
import type { Block } from './block.ts';
import { readSeriesPage } from './index/series-page.ts';

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** What makes a block large: the longest of each list first. */
export interface BlockCardinality {
  readonly minMs: number;
  readonly maxMs: number;
  readonly series: number;
  readonly labelPairs: number;
  readonly seriesByMetric: readonly NamedCount[];
  readonly valuesByLabel: readonly NamedCount[];
  readonly seriesByPair: readonly NamedCount[];
}

/**
 * Counts the labels of a block, from its pages of series; every list has at most `limit` entries.
 * @throws StorageError, PageFormatError
 */
export async function blockCardinality(block: Block, limit: number): Promise<BlockCardinality> {
  const { index, descriptor } = block;
  const { minMs, maxMs, names, pairCount, seriesCount } = descriptor;
  const yielder = createYielder();
  const counts = new Uint32Array(pairCount);
  const pages = descriptor.series.map(({ page }) => page);
  for await (const { pairs, starts, count } of block.pages.each(block.id, pages, readSeriesPage)) {
    const end = starts[count]!;
    for (let i = 0; i < end; i++) counts[pairs[i]!]!++;
    await yielder();
  }
  const byPair = new TopList<number>(limit);
  const byMetric = new TopList<number>(limit);
  const byLabel = new TopList<string>(limit);
  const metrics = index.pairsOfName(METRIC_NAME);
  for (let pair = 0; pair < pairCount; pair++) {
    byPair.add(counts[pair]!, () => pair);
    if (pair >= metrics.first && pair < metrics.end) byMetric.add(counts[pair]!, () => pair);
    if (pair % 65_536 === 0) await yielder();
  }
  for (const [i, { name, firstPair }] of names.entries()) {
    byLabel.add((names[i + 1]?.firstPair ?? pairCount) - firstPair, () => name);
  }
  const readValue = index.valueReader();
  const seriesByPair: NamedCount[] = [];
  for (const { key, value } of byPair.list) {
    seriesByPair.push({ name: `${index.nameOf(key)}=${await readValue(key)}`, value });
  }
  const seriesByMetric: NamedCount[] = [];
  for (const { key, value } of byMetric.list) seriesByMetric.push({ name: await readValue(key), value });
  const valuesByLabel = byLabel.list.map(({ key, value }) => ({ name: key, value }));
  return { minMs, maxMs, series: seriesCount, labelPairs: pairCount, seriesByMetric, valuesByLabel, seriesByPair };
}
