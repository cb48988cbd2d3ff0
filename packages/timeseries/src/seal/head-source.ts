import { compareStrings } from '@opendata/promql';
import { compareValues, LAST_LABEL } from '../block/index/block-format.ts';
import type { SeriesSamples } from '../block/merge-samples.ts';
import { sortYielding } from '../block/sort-yielding.ts';
import type { BlockSource, NamedValues, SeriesCursor } from '../block/sources.ts';
import type { Exemplar, ExemplarRing } from '../head/exemplars.ts';
import type { Head } from '../head/head.ts';
import { hasHistograms, storedHistograms } from '../head/read-histograms.ts';
import { storedStarts } from '../head/read-start-times.ts';
import { SeriesReader } from '../head/series-reader.ts';
import type { WindowHead } from '../head/window-head.ts';

const SERIES_PER_TURN = 1024;

/** Heads that take no more samples, as something that a block is written from. */
export async function headSource(
  head: Head,
  windows: readonly WindowHead[],
  exemplars: ExemplarRing,
  yielder: () => Promise<void>,
): Promise<BlockSource> {
  const { index } = head.series;
  const series = await seriesOf(head, windows, yielder);
  const pairLimit = index.pairLimit;
  const isUsed = new Uint8Array(pairLimit);
  let keyLength = 0;
  for (let i = 0; i < series.length; i++) {
    head.series.forEachPair(series[i]!, (pair) => {
      isUsed[pair] = 1;
      keyLength++;
    });
    if (i % SERIES_PER_TURN === 0) await yielder();
  }
  const names = index
    .names()
    .filter((name) => index.pairsOfName(name).some((pair) => isUsed[pair] === 1))
    .sort(compareStrings);
  const lanes = new Set(windows.map(({ lane }) => lane));
  return {
    seriesCount: series.length,
    sampleCount: windows.reduce((sum, { sampleCount }) => sum + sampleCount, 0),
    pairLimit,
    names: () => names,
    async values(name): Promise<NamedValues> {
      const all = index.pairsOfName(name);
      const pairs = new Uint32Array(all.length);
      const values: string[] = [];
      for (let i = 0; i < all.length; i++) {
        if (i % SERIES_PER_TURN === 0) await yielder();
        const pair = all[i]!;
        if (pair >= pairLimit || isUsed[pair] === 0) continue;
        pairs[values.length] = pair;
        values.push(index.decodeValue(pair));
      }
      const order = numbersBelow(values.length);
      await sortYielding(order, (a, b) => compareValues(name, values[a]!, values[b]!, compareStrings), yielder);
      const sorted: string[] = [];
      for (let i = 0; i < order.length; i++) {
        if (i % SERIES_PER_TURN === 0) await yielder();
        sorted.push(values[order[i]!]!);
        order[i] = pairs[order[i]!]!;
      }
      return { values: sorted, pairs: order };
    },
    async open(numbers): Promise<SeriesCursor> {
      const keys = await buildKeys(head, series, numbers, keyLength, yielder);
      const order = numbersBelow(series.length);
      await sortYielding(order, keys.compare, yielder);
      return new HeadCursor(windows, series, order, keys, exemplars, lanes);
    },
  };
}

function numbersBelow(count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = i;
  return numbers;
}

/** Every series with a sample in one of the windows. */
async function seriesOf(
  head: Head,
  windows: readonly WindowHead[],
  yielder: () => Promise<void>,
): Promise<Uint32Array> {
  const marks = new Uint8Array(head.series.limit);
  let count = 0;
  for (const window of windows) {
    for (let slot = 0; slot < window.slotCount; slot++) {
      if (slot % (SERIES_PER_TURN * 16) === 0) await yielder();
      if (!window.hasSamples(slot)) continue;
      const series = window.seriesOf(slot);
      if (marks[series] === 0) count++;
      marks[series] = 1;
    }
  }
  const series = new Uint32Array(count);
  let at = 0;
  for (let id = 0; id < marks.length; id++) {
    if (id % (SERIES_PER_TURN * 16) === 0) await yielder();
    if (marks[id] === 1) series[at++] = id;
  }
  return series;
}

/** The keys of all series in one array. */
interface Keys {
  readonly pairs: Uint32Array;
  readonly starts: Uint32Array;
  readonly compare: (a: number, b: number) => number;
}

async function buildKeys(
  head: Head,
  series: Uint32Array,
  numbers: Uint32Array,
  length: number,
  yielder: () => Promise<void>,
): Promise<Keys> {
  const { index } = head.series;
  const lastName = index.nameId(LAST_LABEL);
  const pairs = new Uint32Array(length);
  const starts = new Uint32Array(series.length + 1);
  let at = 0;
  for (let i = 0; i < series.length; i++) {
    let last = -1;
    head.series.forEachPair(series[i]!, (pair) => {
      if (index.nameIdOf(pair) === lastName) last = numbers[pair]!;
      else pairs[at++] = numbers[pair]!;
    });
    if (last >= 0) pairs[at++] = last;
    starts[i + 1] = at;
    if (i % SERIES_PER_TURN === 0) await yielder();
  }
  const compare = (a: number, b: number): number => {
    let i = starts[a]!;
    let j = starts[b]!;
    const endA = starts[a + 1]!;
    const endB = starts[b + 1]!;
    for (; i < endA && j < endB; i++, j++) {
      const order = pairs[i]! - pairs[j]!;
      if (order !== 0) return order;
    }
    return endA - i - (endB - j);
  };
  return { pairs, starts, compare };
}

class HeadCursor implements SeriesCursor {
  key: Uint32Array = new Uint32Array(0);
  keyLength = 0;
  readonly #windows: readonly WindowHead[];
  readonly #series: Uint32Array;
  readonly #order: Uint32Array;
  readonly #keys: Keys;
  readonly #exemplars: ExemplarRing;
  readonly #lanes: ReadonlySet<number>;
  readonly #reader: SeriesReader;
  #at = 0;
  #current = 0;

  constructor(
    windows: readonly WindowHead[],
    series: Uint32Array,
    order: Uint32Array,
    keys: Keys,
    exemplars: ExemplarRing,
    lanes: ReadonlySet<number>,
  ) {
    this.#windows = windows;
    this.#series = series;
    this.#order = order;
    this.#keys = keys;
    this.#exemplars = exemplars;
    this.#lanes = lanes;
    this.#reader = new SeriesReader(windows, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  advance(): boolean {
    if (this.#at === this.#order.length) return false;
    const place = this.#order[this.#at++]!;
    const { pairs, starts } = this.#keys;
    this.key = pairs.subarray(starts[place]!, starts[place + 1]!);
    this.keyLength = this.key.length;
    this.#current = this.#series[place]!;
    return true;
  }

  read(): SeriesSamples {
    const reader = this.#reader;
    const series = this.#current;
    if (!reader.read(series)) return { timestamps: new Float64Array(0), values: new Float64Array(0) };
    const { timestamps, values } = reader;
    const histograms = hasHistograms(this.#windows, series)
      ? storedHistograms(this.#windows, series, timestamps, values)
      : undefined;
    return { timestamps, values, histograms, startTimestamps: storedStarts(this.#windows, series, timestamps) };
  }

  exemplars(): readonly Exemplar[] {
    return this.#exemplars.ofLanes(this.#current, this.#lanes);
  }
}
