import { METRIC_NAME } from '@opendata/promql';
import type { NamedCount } from '../block/cardinality.ts';
import { TopList } from '../top-list.ts';
import type { Head } from './head.ts';
import { createYielder } from './yielder.ts';

/** What makes the head large: the longest of each list first. */
export interface HeadCardinality {
  readonly labelPairs: number;
  readonly seriesByMetric: readonly NamedCount[];
  readonly valuesByLabel: readonly NamedCount[];
  /** Bytes of names and values, for every series that has the label. */
  readonly bytesByLabel: readonly NamedCount[];
  readonly seriesByPair: readonly NamedCount[];
}

/** Bytes before a name and a value that say how long they are. */
const LENGTH_BYTES = 2;
const PAIRS_PER_TURN = 4096;

/** Counts the labels of the head; every list has at most `limit` entries. Gives the event loop its turns. */
export async function headCardinality(head: Head, limit: number): Promise<HeadCardinality> {
  const leave = head.reads.enter();
  try {
    return await count(head, limit);
  } finally {
    leave();
  }
}

async function count(head: Head, limit: number): Promise<HeadCardinality> {
  const { index } = head.series;
  const yielder = createYielder();
  const seriesByMetric = new TopList<string>(limit);
  const valuesByLabel = new TopList<string>(limit);
  const bytesByLabel = new TopList<string>(limit);
  const seriesByPair = new TopList<string>(limit);
  let labelPairs = 0;
  for (const name of index.names()) {
    const pairs = index.pairsOfName(name);
    const nameBytes = Buffer.byteLength(name) + LENGTH_BYTES;
    let bytes = 0;
    for (const pair of pairs) {
      const count = index.seriesCount(pair);
      bytes += count * (nameBytes + index.valueBytes(pair).length);
      if (name === METRIC_NAME) seriesByMetric.add(count, () => index.valueOf(pair));
      seriesByPair.add(count, () => `${name}=${index.valueOf(pair)}`);
      if (++labelPairs % PAIRS_PER_TURN === 0) await yielder();
    }
    valuesByLabel.add(pairs.length, () => name);
    bytesByLabel.add(bytes, () => name);
  }
  return {
    labelPairs,
    seriesByMetric: named(seriesByMetric),
    valuesByLabel: named(valuesByLabel),
    bytesByLabel: named(bytesByLabel),
    seriesByPair: named(seriesByPair),
  };
}

function named({ list }: TopList<string>): NamedCount[] {
  return list.map(({ key, value }) => ({ name: key, value }));
}
