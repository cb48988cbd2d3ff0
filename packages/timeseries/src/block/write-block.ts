import type { BlockWriter } from '@opendata/storage';
import { IdLists } from '../head/id-lists.ts';
import { INDEX_PAGE_BYTES } from './index/block-format.ts';
import type { BlockDescriptor, PageRef } from './index/descriptor.ts';
import { ExemplarPageWriter } from './index/exemplar-page.ts';
import { packPage } from './index/packed-page.ts';
import { PostingsPageWriter } from './index/postings-page.ts';
import { SeriesPageWriter } from './index/series-page.ts';
import { StartPageWriter } from './index/start-page.ts';
import { mergeSamples } from './merge-samples.ts';
import { PageBreaks } from './page-breaks.ts';
import { planSlices, SliceWriter } from './slices.ts';
import { type BlockSource, compareKeys, type SeriesCursor } from './sources.ts';
import { type PageSink, writeDictionary } from './write-dictionary.ts';

export interface WriteBlockOptions {
  /** The span of time that the block stands for, in ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly rank: number;
  /** Gives the event loop its turns; throws where the work is to be broken off. */
  readonly yielder: () => Promise<void>;
}

/**
 * Writes the pages of a block that holds what its sources hold: of samples with the same series and time, that of the
 * last source. Nothing is published.
 */
export async function writeBlock(
  writer: BlockWriter,
  sources: readonly BlockSource[],
  options: WriteBlockOptions,
): Promise<BlockDescriptor> {
  const writePage: PageSink = (page) => writer.writePage(page);
  const { yielder } = options;
  const writeIndexPage: PageSink = async (page) => {
    await yielder();
    return writePage(packPage(page));
  };
  const dictionary = await writeDictionary(sources, writeIndexPage, yielder);
  const slices = planSlices(sources, options.startMs, options.endMs).map((slice) => new SliceWriter(slice, writePage));
  const breaks = new PageBreaks(dictionary.names, dictionary.pairCount);
  const series = new SeriesList();
  const postings = new IdLists();
  const exemplars = new ExemplarPageWriter();
  const starts = new StartPageWriter();
  const totals = { minMs: Number.POSITIVE_INFINITY, maxMs: Number.NEGATIVE_INFINITY, samples: 0, histograms: 0 };
  const cursors = await openCursors(sources, dictionary.numbers, yielder);
  for (let live = cursors; live.length > 0; await yielder()) {
    const same = leastOf(live);
    const parts = [];
    for (const cursor of same) {
      const read = cursor.read();
      const samples = read instanceof Promise ? await afterPage(read, yielder) : read;
      if (samples.timestamps.length > 0) parts.push(samples);
    }
    if (parts.length > 0) {
      const { key, keyLength } = same[0]!;
      const samples = mergeSamples(parts);
      const { timestamps, values, histograms, startTimestamps } = samples;
      const minMs = timestamps[0]!;
      const maxMs = timestamps[timestamps.length - 1]!;
      const number = series.add(key, keyLength, minMs, maxMs);
      for (let i = 0; i < keyLength; i++) postings.append(key[i]!, number);
      for (const cursor of same) for (const exemplar of cursor.exemplars()) exemplars.add(number, exemplar);
      if (startTimestamps !== undefined && starts.add(number, timestamps, startTimestamps))
        await starts.writePage(writeIndexPage);
      breaks.next(key, keyLength);
      for (const slice of slices) {
        if (slice.isFullBefore(breaks)) await slice.writePage();
        slice.add(number, timestamps, values, histograms);
      }
      totals.minMs = Math.min(totals.minMs, minMs);
      totals.maxMs = Math.max(totals.maxMs, maxMs);
      totals.samples += timestamps.length;
      if (histograms !== undefined)
        for (const histogram of histograms) if (histogram !== undefined) totals.histograms++;
    }
    live = await advance(live, same, yielder);
  }
  for (const slice of slices) await slice.finish();
  return {
    startMs: options.startMs,
    endMs: options.endMs,
    minMs: totals.samples === 0 ? options.startMs : totals.minMs,
    maxMs: totals.samples === 0 ? options.startMs : totals.maxMs,
    rank: options.rank,
    seriesCount: series.count,
    pairCount: dictionary.pairCount,
    sampleCount: totals.samples,
    histogramCount: totals.histograms,
    names: dictionary.names,
    dictionary: dictionary.pages,
    series: await series.write(writeIndexPage),
    postings: await writePostings(postings, dictionary.pairCount, writeIndexPage, yielder),
    slices: slices.map(({ written }) => written),
    exemplarPages: await exemplars.write(writeIndexPage),
    startPages: await starts.finish(writeIndexPage),
  };
}

async function openCursors(
  sources: readonly BlockSource[],
  numbers: readonly Uint32Array[],
  yielder: () => Promise<void>,
): Promise<SeriesCursor[]> {
  const cursors: SeriesCursor[] = [];
  for (const [i, source] of sources.entries()) {
    const cursor = await source.open(numbers[i]!);
    if (await cursor.advance()) cursors.push(cursor);
    await yielder();
  }
  return cursors;
}

/** The cursors at the first series of all, in their order. */
function leastOf(cursors: readonly SeriesCursor[]): readonly SeriesCursor[] {
  if (cursors.length === 1) return cursors;
  let same: SeriesCursor[] = [];
  for (const cursor of cursors) {
    const order = same.length === 0 ? -1 : compareKeys(cursor, same[0]!);
    if (order < 0) same = [cursor];
    else if (order === 0) same.push(cursor);
  }
  return same;
}

/** Moves the cursors `same` on, and leaves out those at their end. */
async function advance(
  live: SeriesCursor[],
  same: readonly SeriesCursor[],
  yielder: () => Promise<void>,
): Promise<SeriesCursor[]> {
  let ended: SeriesCursor[] | undefined;
  for (const cursor of same) {
    const more = cursor.advance();
    if (!(typeof more === 'boolean' ? more : await afterPage(more, yielder))) (ended ??= []).push(cursor);
  }
  return ended === undefined ? live : live.filter((cursor) => !ended.includes(cursor));
}

/** What a source has only once it has decoded a page: blocks of the same series come to their next pages all at once. */
async function afterPage<T>(read: Promise<T>, yielder: () => Promise<void>): Promise<T> {
  const value = await read;
  await yielder();
  return value;
}

/** Collects the series of a block; their pages are written behind the samples. */
class SeriesList {
  count = 0;
  readonly #pages: { readonly bytes: Uint8Array; readonly first: number }[] = [];
  readonly #writer = new SeriesPageWriter();
  #first = 0;

  add(pairs: Uint32Array, pairCount: number, minMs: number, maxMs: number): number {
    this.#writer.add(pairs, pairCount, minMs, maxMs);
    const number = this.count++;
    if (this.#writer.sizeBytes >= INDEX_PAGE_BYTES) this.#finishPage();
    return number;
  }

  async write(writePage: PageSink): Promise<PageRef[]> {
    if (this.#first < this.count) this.#finishPage();
    const refs: PageRef[] = [];
    for (const { bytes, first } of this.#pages) refs.push({ page: await writePage(bytes), first });
    return refs;
  }

  #finishPage(): void {
    this.#pages.push({ bytes: this.#writer.finish(), first: this.#first });
    this.#first = this.count;
  }
}

async function writePostings(
  postings: IdLists,
  pairCount: number,
  writePage: PageSink,
  yielder: () => Promise<void>,
): Promise<PageRef[]> {
  const refs: PageRef[] = [];
  const writer = new PostingsPageWriter();
  let first = 0;
  for (let pair = 0; pair < pairCount; pair++) {
    const ids = postings.toArray(pair);
    let from = 0;
    do {
      if (writer.isEmpty) first = pair;
      from = writer.add(pair, ids, from, INDEX_PAGE_BYTES);
      if (writer.sizeBytes >= INDEX_PAGE_BYTES) refs.push({ page: await writePage(writer.finish()), first });
    } while (from < ids.length);
    await yielder();
  }
  if (!writer.isEmpty) refs.push({ page: await writePage(writer.finish()), first });
  return refs;
}
