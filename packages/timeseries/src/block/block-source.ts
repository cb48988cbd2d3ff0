import type { Exemplar } from '../head/exemplars.ts';
import type { Block } from './block.ts';
import type { DataPage } from './index/data-page.ts';
import { readDataPage } from './index/data-page.ts';
import type { Slice } from './index/descriptor.ts';
import { readSeriesPage, type SeriesPage } from './index/series-page.ts';
import { readStartPage, type StartPage, startsAt } from './index/start-page.ts';
import { mergeSamples, type SeriesSamples } from './merge-samples.ts';
import type { BlockSource, NamedValues, SeriesCursor } from './sources.ts';

const NO_SAMPLES: SeriesSamples = { timestamps: new Float64Array(0), values: new Float64Array(0) };

/** A block as something that another is written from. */
export function blockSource(block: Block): BlockSource {
  const { index, descriptor } = block;
  return {
    seriesCount: descriptor.seriesCount,
    sampleCount: descriptor.sampleCount,
    pairLimit: descriptor.pairCount,
    names: () => descriptor.names.map(({ name }) => name),
    async values(name): Promise<NamedValues> {
      const range = index.pairsOfName(name);
      const values = await index.values(range);
      return { values, pairs: new Uint32Array(values.length).map((_, i) => range.first + i) };
    },
    async open(numbers): Promise<SeriesCursor> {
      const exemplars = new Map<number, Exemplar[]>();
      for (const { series, exemplar } of await block.exemplars()) {
        const known = exemplars.get(series);
        if (known === undefined) exemplars.set(series, [exemplar]);
        else known.push(exemplar);
      }
      return new BlockCursor(block, numbers, exemplars);
    },
  };
}

class BlockCursor implements SeriesCursor {
  key = new Uint32Array(16);
  keyLength = 0;
  readonly #numbers: Uint32Array;
  readonly #exemplars: ReadonlyMap<number, readonly Exemplar[]>;
  readonly #seriesPages: AsyncGenerator<SeriesPage>;
  readonly #slices: readonly SliceCursor[];
  readonly #starts: StartCursor;
  #page: SeriesPage | undefined;
  /** The series, by its place in the page and in the block. */
  #place = -1;
  #series = -1;

  constructor(block: Block, numbers: Uint32Array, exemplars: ReadonlyMap<number, readonly Exemplar[]>) {
    this.#numbers = numbers;
    this.#exemplars = exemplars;
    const seriesPages = block.descriptor.series.map(({ page }) => page);
    this.#seriesPages = block.pages.each(block.id, seriesPages, readSeriesPage);
    this.#slices = block.descriptor.slices.map((slice) => new SliceCursor(block, slice));
    this.#starts = new StartCursor(block);
  }

  advance(): boolean | Promise<boolean> {
    this.#place++;
    this.#series++;
    if (this.#page === undefined || this.#place >= this.#page.count) return this.#nextPage();
    this.#readKey(this.#page);
    return true;
  }

  read(): SeriesSamples | Promise<SeriesSamples> {
    if (!this.#starts.hasLoaded(this.#series)) return this.#readLoaded();
    for (const slice of this.#slices) if (!slice.hasLoaded(this.#series)) return this.#readLoaded();
    return this.#read();
  }

  exemplars(): readonly Exemplar[] {
    return this.#exemplars.get(this.#series) ?? [];
  }

  async #nextPage(): Promise<boolean> {
    const { value, done } = await this.#seriesPages.next();
    if (done === true) return false;
    this.#page = value;
    this.#place = 0;
    this.#readKey(value);
    return true;
  }

  #readKey({ pairs, starts }: SeriesPage): void {
    const start = starts[this.#place]!;
    const length = starts[this.#place + 1]! - start;
    if (length > this.key.length) this.key = new Uint32Array(length * 2);
    for (let i = 0; i < length; i++) this.key[i] = this.#numbers[pairs[start + i]!]!;
    this.keyLength = length;
  }

  async #readLoaded(): Promise<SeriesSamples> {
    for (const slice of this.#slices) await slice.load(this.#series);
    await this.#starts.load(this.#series);
    return this.#read();
  }

  #read(): SeriesSamples {
    const parts: SeriesSamples[] = [];
    for (const slice of this.#slices) {
      const part = slice.read(this.#series);
      if (part !== undefined) parts.push(part);
    }
    if (parts.length === 0) return NO_SAMPLES;
    const samples = mergeSamples(parts);
    const startTimestamps = this.#starts.read(this.#series, samples.timestamps);
    return startTimestamps === undefined ? samples : { ...samples, startTimestamps };
  }
}

/** When the counters of a block's series began to count, series by series. */
class StartCursor {
  readonly #pages: AsyncGenerator<StartPage>;
  #page: StartPage | undefined;
  #isAtEnd: boolean;
  #at = 0;

  constructor(block: Block) {
    const pages = block.descriptor.startPages.map(({ page }) => page);
    this.#pages = block.pages.each(block.id, pages, readStartPage);
    this.#isAtEnd = pages.length === 0;
  }

  hasLoaded(series: number): boolean {
    return this.#isAtEnd || (this.#page !== undefined && series <= (this.#page.series.at(-1) ?? -1));
  }

  async load(series: number): Promise<void> {
    while (!this.hasLoaded(series)) {
      const { value, done } = await this.#pages.next();
      this.#isAtEnd = done === true;
      this.#page = done === true ? undefined : value;
      this.#at = 0;
    }
  }

  read(series: number, timestamps: Float64Array): Float64Array | undefined {
    const page = this.#page;
    if (page === undefined) return undefined;
    while (page.series[this.#at]! < series) this.#at++;
    return page.series[this.#at] === series ? startsAt(page, this.#at, timestamps) : undefined;
  }
}

/** The samples of a slice, series by series. */
class SliceCursor {
  readonly #pages: AsyncGenerator<DataPage>;
  #page: DataPage | undefined;
  #isAtEnd = false;
  #at = 0;

  constructor(block: Block, slice: Slice) {
    const pages = slice.pages.map(({ page }) => page);
    this.#pages = block.pages.each(block.id, pages, readDataPage);
  }

  /** Whether the page that may have the series is there. */
  hasLoaded(series: number): boolean {
    return this.#isAtEnd || (this.#page !== undefined && series <= (this.#page.series.at(-1) ?? -1));
  }

  async load(series: number): Promise<void> {
    while (!this.hasLoaded(series)) {
      const { value, done } = await this.#pages.next();
      this.#isAtEnd = done === true;
      this.#page = done === true ? undefined : value;
      this.#at = 0;
    }
  }

  read(series: number): SeriesSamples | undefined {
    const page = this.#page;
    if (page === undefined) return undefined;
    while (page.series[this.#at]! < series) this.#at++;
    if (page.series[this.#at] !== series) return undefined;
    const { samples } = page;
    const values = new Float64Array(samples.sampleCount(this.#at));
    const histograms = samples.hasHistograms(this.#at) ? samples.readHistograms(this.#at, values) : undefined;
    if (histograms === undefined) samples.readValues(this.#at, values);
    return { timestamps: samples.timestamps(this.#at), values, histograms };
  }
}
