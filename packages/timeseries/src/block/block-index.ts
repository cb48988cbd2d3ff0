import { compareStrings } from '@opendata/promql';
import { createYielder } from '../head/yielder.ts';
import type { DecodedPages } from './decoded-pages.ts';
import { compareValues } from './index/block-format.ts';
import type { BlockDescriptor, PageRef } from './index/descriptor.ts';
import { readDictionaryPage } from './index/dictionary-page.ts';
import { appendPostings, readPostingsPage, type SeriesIds } from './index/postings-page.ts';
import { readSeriesPage, type SeriesPage } from './index/series-page.ts';

/** The numbers `[first, end)`. */
export interface NumberRange {
  readonly first: number;
  readonly end: number;
}

/** The index of a block: label pairs, series and who has what, read page by page as it is needed. */
export class BlockIndex {
  readonly descriptor: BlockDescriptor;
  readonly #id: number;
  readonly #pages: DecodedPages;
  readonly #nameStarts: Uint32Array;

  constructor(id: number, descriptor: BlockDescriptor, pages: DecodedPages) {
    this.#id = id;
    this.descriptor = descriptor;
    this.#pages = pages;
    this.#nameStarts = Uint32Array.from(descriptor.names, ({ firstPair }) => firstPair);
  }

  /** The pairs of a label name; none where the block does not have it. */
  pairsOfName(name: string): NumberRange {
    const { names, pairCount } = this.descriptor;
    const at = names.findIndex((entry) => entry.name === name);
    if (at < 0) return { first: 0, end: 0 };
    return { first: names[at]!.firstPair, end: names[at + 1]?.firstPair ?? pairCount };
  }

  /** The name of a pair. */
  nameOf(pair: number): string {
    return this.descriptor.names[lastAtOrBefore(this.#nameStarts, pair)]!.name;
  }

  /** The values of the pairs in a range. */
  async values({ first, end }: NumberRange, signal?: AbortSignal): Promise<string[]> {
    const { dictionary } = this.descriptor;
    const values: string[] = [];
    if (first >= end) return values;
    const yielder = createYielder(signal);
    for (let i = pageWith(dictionary, first); i < dictionary.length && dictionary[i]!.first < end; i++) {
      const page = await this.#pages.get(this.#id, dictionary[i]!.page, readDictionaryPage, signal);
      const from = Math.max(first - dictionary[i]!.first, 0);
      for (let k = from; k < page.length && dictionary[i]!.first + k < end; k++) values.push(page[k]!);
      await yielder();
    }
    return values;
  }

  /** The pair `name="value"`, or -1. */
  async pairOf(name: string, value: string, signal?: AbortSignal): Promise<number> {
    const { dictionary } = this.descriptor;
    const { first, end } = this.pairsOfName(name);
    if (first >= end) return -1;
    // The last page that begins with a pair of the name that is not above the value; else the one before.
    let at = pageWith(dictionary, first);
    while (
      at + 1 < dictionary.length &&
      dictionary[at + 1]!.first < end &&
      compareValues(name, dictionary[at + 1]!.firstValue, value, compareStrings) <= 0
    ) {
      at++;
    }
    const start = dictionary[at]!.first;
    const page = await this.#pages.get(this.#id, dictionary[at]!.page, readDictionaryPage, signal);
    let low = Math.max(first - start, 0);
    let high = Math.min(end - start, page.length);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareValues(name, page[middle]!, value, compareStrings) < 0) low = middle + 1;
      else high = middle;
    }
    return low < page.length && start + low < end && page[low] === value ? start + low : -1;
  }

  /** A function that answers the value of a pair, and reads no page twice in a row. */
  valueReader(signal?: AbortSignal): (pair: number) => string | Promise<string> {
    const { dictionary } = this.descriptor;
    const pages = new Map<number, readonly string[]>();
    return (pair) => {
      const at = pageWith(dictionary, pair);
      const { page, first } = dictionary[at]!;
      const known = pages.get(at);
      if (known !== undefined) return known[pair - first]!;
      const read = this.#pages.get(this.#id, page, readDictionaryPage, signal);
      const keep = (values: readonly string[]): string => {
        pages.set(at, values);
        return values[pair - first]!;
      };
      return read instanceof Promise ? read.then(keep) : keep(read);
    };
  }

  /** Appends the series of a pair, ascending. */
  async appendSeriesOf(pair: number, out: SeriesIds, signal?: AbortSignal): Promise<void> {
    const { postings, seriesCount } = this.descriptor;
    // A list that goes on from page to page begins in the first page that may have the pair.
    let at = pageWith(postings, pair);
    while (at > 0 && postings[at]!.first === pair) at--;
    for (; at < postings.length && postings[at]!.first <= pair; at++) {
      const page = await this.#pages.get(this.#id, postings[at]!.page, readPostingsPage, signal);
      appendPostings(page, pair, seriesCount, out);
    }
  }

  /** The page of series that holds a series, and the number of its first one. */
  async seriesPage(
    series: number,
    signal?: AbortSignal,
  ): Promise<{ readonly page: SeriesPage; readonly first: number }> {
    const ref = this.descriptor.series[pageWith(this.descriptor.series, series)]!;
    return { page: await this.#pages.get(this.#id, ref.page, readSeriesPage, signal), first: ref.first };
  }
}

/** Index of the last page that begins at or before a number. */
export function pageWith(refs: readonly PageRef[], number: number): number {
  let low = 0;
  let high = refs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (refs[middle]!.first <= number) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function lastAtOrBefore(starts: Uint32Array, number: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= number) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
