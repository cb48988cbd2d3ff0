import {
  compareLabels,
  compareStrings,
  type Labels,
  labelsKey,
  type Matcher,
  type SelectRequest,
  type SeriesColumns,
} from '@opendata/promql';
import type { BlockCardinality, NamedCount } from '../block/cardinality.ts';
import type { HeadCardinality } from '../head/cardinality.ts';
import type { ExemplarSeries } from '../head/exemplar-queries.ts';
import type { LabelRequest } from '../head/label-queries.ts';
import { SharedTimestamps } from '../head/shared-timestamps.ts';
import { createYielder } from '../head/yielder.ts';
import { MetadataTable } from '../metadata-table.ts';
import { ColumnJoiner } from './column-joiner.ts';
import type { TimeSeriesReading } from './reading.ts';
import { columnsOf } from './select.ts';
import type { TimeSeriesDbStats } from './time-series-reads.ts';

const SERIES_PER_TURN = 64;

/**
 * Several databases read as one: a series that more than one of them has is one series with the samples of all; of samples
 * with the same time that of the first database stays.
 */
export class UnionReads implements TimeSeriesReading {
  readonly #parts: readonly TimeSeriesReading[];

  constructor(parts: readonly TimeSeriesReading[]) {
    this.#parts = parts;
  }

  get metadata(): MetadataTable {
    const all = new MetadataTable();
    for (const part of this.#parts) {
      for (const [family, entries] of part.metadata.entries()) all.add(entries.map((entry) => ({ family, ...entry })));
    }
    return all;
  }

  async select(request: SelectRequest): Promise<readonly SeriesColumns[]> {
    const found = await Promise.all(this.#parts.map((part) => part.select(request)));
    const filled = found.filter((series) => series.length > 0);
    if (filled.length <= 1) return filled[0] ?? [];
    // Of samples with the same time the last one stays.
    const byLabels = grouped(filled.reverse().flat(), ({ labels }) => labels);
    const joiner = new ColumnJoiner(new SharedTimestamps());
    const yielder = createYielder(request.signal);
    const result: SeriesColumns[] = [];
    for (const same of byLabels.values()) {
      result.push(same.length === 1 ? same[0]! : joined(same, joiner));
      if (result.length % SERIES_PER_TURN === 0) await yielder();
    }
    return result;
  }

  async series(request: LabelRequest): Promise<Labels[]> {
    const found = await Promise.all(this.#parts.map((part) => part.series(request)));
    return [...grouped(found.flat(), (labels) => labels).values()].map(([labels]) => labels!);
  }

  async labelNames(request: LabelRequest): Promise<string[]> {
    return sorted(await Promise.all(this.#parts.map((part) => part.labelNames(request))));
  }

  async labelValues(name: string, request: LabelRequest): Promise<readonly string[]> {
    return sorted(await Promise.all(this.#parts.map((part) => part.labelValues(name, request))));
  }

  async exemplars(
    matcherSets: readonly (readonly Matcher[])[],
    startMs: number,
    endMs: number,
  ): Promise<ExemplarSeries[]> {
    const found = await Promise.all(this.#parts.map((part) => part.exemplars(matcherSets, startMs, endMs)));
    return [...grouped(found.flat(), ({ labels }) => labels).values()]
      .map((same) => ({
        labels: same[0]!.labels,
        exemplars: same.flatMap(({ exemplars }) => exemplars).sort((a, b) => a.timestampMs - b.timestampMs),
      }))
      .sort((a, b) => compareLabels(a.labels, b.labels));
  }

  /** Counts are added up: a label pair that two databases have counts twice. */
  async cardinality(limit: number): Promise<HeadCardinality> {
    const found = await Promise.all(this.#parts.map((part) => part.cardinality(limit)));
    return {
      labelPairs: sum(found.map(({ labelPairs }) => labelPairs)),
      seriesByMetric: largest(
        found.map(({ seriesByMetric }) => seriesByMetric),
        limit,
      ),
      valuesByLabel: largest(
        found.map(({ valuesByLabel }) => valuesByLabel),
        limit,
      ),
      bytesByLabel: largest(
        found.map(({ bytesByLabel }) => bytesByLabel),
        limit,
      ),
      seriesByPair: largest(
        found.map(({ seriesByPair }) => seriesByPair),
        limit,
      ),
    };
  }

  async newestBlockCardinality(limit: number): Promise<BlockCardinality | undefined> {
    const found = await Promise.all(this.#parts.map((part) => part.newestBlockCardinality(limit)));
    const blocks = found.filter((block) => block !== undefined);
    return blocks.length === 0 ? undefined : blocks.reduce((a, b) => (b.maxMs > a.maxMs ? b : a));
  }

  headTimes(): { readonly minMs: number; readonly maxMs: number } {
    const times = this.#parts.map((part) => part.headTimes()).filter(({ maxMs }) => maxMs !== 0);
    if (times.length === 0) return { minMs: 0, maxMs: 0 };
    return {
      minMs: Math.min(...times.map(({ minMs }) => minMs)),
      maxMs: Math.max(...times.map(({ maxMs }) => maxMs)),
    };
  }

  stats(): TimeSeriesDbStats {
    return this.#parts.map((part) => part.stats()).reduce(added);
  }
}

function joined(same: readonly SeriesColumns[], joiner: ColumnJoiner): SeriesColumns {
  return columnsOf(same[0]!.labels, joiner.join(same));
}

function grouped<T>(items: readonly T[], labelsOf: (item: T) => Labels): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = labelsKey(labelsOf(item));
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return groups;
}

function sorted(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].sort(compareStrings);
}

function largest(lists: readonly (readonly NamedCount[])[], limit: number): NamedCount[] {
  const counts = new Map<string, number>();
  for (const { name, value } of lists.flat()) counts.set(name, (counts.get(name) ?? 0) + value);
  return Array.from(counts, ([name, value]) => ({ name, value }))
    .sort((a, b) => b.value - a.value)
    .slice(0, limit);
}

function added(a: TimeSeriesDbStats, b: TimeSeriesDbStats): TimeSeriesDbStats {
  const { sealing: sealingOfA, ...countsOfA } = a;
  const { sealing: sealingOfB, ...countsOfB } = b;
  return { ...addedCounts(countsOfA, countsOfB), sealing: addedCounts(sealingOfA, sealingOfB) };
}

function addedCounts<T extends object>(a: T, b: T): T {
  const keys = Object.keys(a) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, Number(a[key]) + Number(b[key])])) as T;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
