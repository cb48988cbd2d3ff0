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
  readonly #slices: readonly PageCursor<DataPage>[];
  readonly #starts: PageCursor<StartPage>;
  #page: SeriesPage | undefined;
  /** The series, by its place in the page and in the block. */
  #place = -1;
  #series = -1;

  constructor(block: Block, numbers: Uint32Array, exemplars: ReadonlyMap<number, readonly Exemplar[]>) {
    this.#numbers = numbers;
    this.#exemplars = exemplars;
    const seriesPages = block.descriptor.series.map(({ page }) => page);
    this.#seriesPages = block.pages.each(block.id, seriesPages, readSeriesPage);
    this.#slices = block.descriptor.slices.map((slice) => sliceCursor(block, slice));
    this.#starts = startCursor(block);
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
      const part = slice.find(this.#series, samplesAt);
      if (part !== undefined) parts.push(part);
    }
    if (parts.length === 0) return NO_SAMPLES;
    const samples = mergeSamples(parts);
    const startTimestamps = this.#starts.find(this.#series, (page, at) => startsAt(page, at, samples.timestamps));
    return startTimestamps === undefined ? samples : { ...samples, startTimestamps };
  }
}

/** The pages of a column of a block, one after the other, for series in ascending order. */
class PageCursor<P extends { readonly series: Uint32Array | readonly number[] }> {
  readonly #pages: AsyncGenerator<P>;
  #page: P | undefined;
  #isAtEnd = false;
  #at = 0;

  constructor(pages: AsyncGenerator<P>) {
    this.#pages = pages;
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

  /** What `read` makes of the series' place in its page; `undefined` where it has none. */
  find<T>(series: number, read: (page: P, at: number) => T): T | undefined {
    const page = this.#page;
    if (page === undefined) return undefined;
    while (page.series[this.#at]! < series) this.#at++;
    return page.series[this.#at] === series ? read(page, this.#at) : undefined;
  }
}

function startCursor(block: Block): PageCursor<StartPage> {
  const pages = block.descriptor.startPages.map(({ page }) => page);
  return new PageCursor(block.pages.each(block.id, pages, readStartPage));
}

function sliceCursor(block: Block, slice: Slice): PageCursor<DataPage> {
  const pages = slice.pages.map(({ page }) => page);
  return new PageCursor(block.pages.each(block.id, pages, readDataPage));
}

function samplesAt({ samples }: DataPage, at: number): SeriesSamples {
  const values = new Float64Array(samples.sampleCount(at));
  const histograms = samples.hasHistograms(at) ? samples.readHistograms(at, values) : undefined;
  if (histograms === undefined) samples.readValues(at, values);
  return { timestamps: samples.timestamps(at), values, histograms };
}
