import type { Labels, SelectRequest, SeriesColumns } from '@opendata/promql';
import type { Block } from '../block/block.ts';
import type { SampleRange } from '../block/column-reader.ts';
import type { SeriesSamples } from '../block/merge-samples.ts';
import { readNewestSamples, readSamples } from '../block/read-samples.ts';
import { withResetHints } from '../head/read-histograms.ts';
import { selectFromHead } from '../head/select.ts';
import { SharedTimestamps } from '../head/shared-timestamps.ts';
import { createYielder } from '../head/yielder.ts';
import { ColumnJoiner } from './column-joiner.ts';
import type { MatchedSeries } from './series-identities.ts';
import type { ReadView } from './view.ts';

/** Samples joined between two looks at the clock, and what a series costs beside its samples. */
const WORK_PER_LOOK = 30_000;
const WORK_PER_SERIES = 100;
/** Series of the head whose labels are looked up between two looks at the clock. */
const SERIES_PER_LOOK = 256;

/** Reads what a selector asks for from the head and from blocks, block by block. */
export async function selectFromView(view: ReadView, request: SelectRequest): Promise<SeriesColumns[]> {
  const { head, windows, blocks } = view;
  if (blocks.length === 0) return selectFromHead(head, request, { windows });
  return request.newestOnly === true ? selectNewest(view, request) : selectRange(view, request);
}

async function selectRange(view: ReadView, request: SelectRequest): Promise<SeriesColumns[]> {
  const { head, windows, blocks, identities } = view;
  const shared = new SharedTimestamps();
  const range = rangeOf(request, shared);
  if (blocks.length === 1 && windows.length === 0) return selectFromBlock(view, blocks[0]!, request, range, shared);
  const parts = new Map<Labels, SeriesSamples[]>();
  const add = (labels: Labels, samples: SeriesSamples): void => {
    const known = parts.get(labels);
    if (known === undefined) parts.set(labels, [samples]);
    else known.push(samples);
  };
  for (const block of blocks) {
    const { series, labels } = await identities.matching(block, request.matchers, range.yielder, request.signal);
    await readSamples(block, series, range, (_, samples, place) => add(labels[place]!, samples));
  }
  let added = 0;
  for (const columns of await selectFromHead(head, request, { windows, asStored: true })) {
    add(identities.ofHead(columns.labels), columns);
    if (++added % SERIES_PER_LOOK === 0) await range.yielder();
  }
  const joiner = new ColumnJoiner(shared);
  const result: SeriesColumns[] = [];
  let work = 0;
  for (const [labels, own] of parts) {
    const columns = columnsOf(labels, joiner.join(own));
    result.push(columns);
    work += columns.timestamps.length + WORK_PER_SERIES;
    if (work < WORK_PER_LOOK) continue;
    work = 0;
    await range.yielder();
  }
  return result;
}

/** As `selectRange`, where nothing has to be found together but the slices of the only block. */
async function selectFromBlock(
  { identities }: ReadView,
  block: Block,
  request: SelectRequest,
  range: SampleRange,
  shared: SharedTimestamps,
): Promise<SeriesColumns[]> {
  const { series, labels } = await identities.matching(block, request.matchers, range.yielder, request.signal);
  const first: (SeriesSamples | undefined)[] = new Array(series.length);
  const others = new Map<number, SeriesSamples[]>();
  await readSamples(block, series, range, (_, samples, place) => {
    const before = first[place];
    if (before === undefined) first[place] = samples;
    else if (others.has(place)) others.get(place)!.push(samples);
    else others.set(place, [before, samples]);
  });
  const joiner = new ColumnJoiner(shared);
  const result: SeriesColumns[] = [];
  let work = 0;
  for (let place = 0; place < first.length; place++) {
    const samples = first[place];
    if (samples === undefined) continue;
    const parts = others.get(place);
    result.push(columnsOf(labels[place]!, parts === undefined ? samples : joiner.join(parts)));
    work += WORK_PER_SERIES + (parts === undefined ? 0 : result[result.length - 1]!.timestamps.length);
    if (work < WORK_PER_LOOK) continue;
    work = 0;
    await range.yielder();
  }
  return result;
}

interface Newest {
  readonly samples: SeriesSamples;
  readonly timeMs: number;
  readonly rank: number;
}

async function selectNewest(view: ReadView, request: SelectRequest): Promise<SeriesColumns[]> {
  const { head, windows, blocks, identities } = view;
  const range = rangeOf(request, new SharedTimestamps());
  if (blocks.length === 1 && windows.length === 0) return newestOfBlock(view, blocks[0]!, request, range);
  const found = new Map<Labels, Newest>();
  const add = (labels: Labels, samples: SeriesSamples, rank: number): void => {
    const { timestamps } = samples;
    const timeMs = timestamps[timestamps.length - 1]!;
    const known = found.get(labels);
    if (known === undefined || timeMs > known.timeMs || (timeMs === known.timeMs && rank > known.rank)) {
      found.set(labels, { samples, timeMs, rank });
    }
  };
  let added = 0;
  for (const columns of await selectFromHead(head, request, { windows })) {
    add(identities.ofHead(columns.labels), columns, Number.POSITIVE_INFINITY);
    if (++added % SERIES_PER_LOOK === 0) await range.yielder();
  }
  for (const block of byNewest(blocks)) {
    const { maxMs, rank } = block.descriptor;
    const matched = await identities.matching(block, request.matchers, range.yielder, request.signal);
    // What has a later sample already is not read from this block.
    const { series, labels } = found.size === 0 ? matched : await withoutLater(matched, found, maxMs, range.yielder);
    await readNewestSamples(block, series, range, (_, samples, place) => add(labels[place]!, samples, rank));
  }
  const result: SeriesColumns[] = [];
  for (const [labels, { samples }] of found) {
    // Whether the counters of a histogram were reset is told by the samples before it.
    if (samples.histograms !== undefined) return selectRange(view, request);
    result.push(columnsOf(labels, samples));
    if (result.length % SERIES_PER_LOOK === 0) await range.yielder();
  }
  return result;
}

/** The series of a block without those whose newest sample so far is later than all of the block's. */
async function withoutLater(
  { series, labels }: MatchedSeries,
  found: ReadonlyMap<Labels, Newest>,
  maxMs: number,
  yielder: () => Promise<void>,
): Promise<MatchedSeries> {
  const wanted = new Uint32Array(series.length);
  const wantedLabels: Labels[] = [];
  for (let i = 0; i < series.length; i++) {
    if (i % SERIES_PER_LOOK === 0) await yielder();
    const own = labels[i]!;
    if ((found.get(own)?.timeMs ?? Number.NEGATIVE_INFINITY) > maxMs) continue;
    wanted[wantedLabels.length] = series[i]!;
    wantedLabels.push(own);
  }
  return { series: wanted.subarray(0, wantedLabels.length), labels: wantedLabels };
}

/** As `selectNewest`, where nothing has to be found together. */
async function newestOfBlock(
  view: ReadView,
  block: Block,
  request: SelectRequest,
  range: SampleRange,
): Promise<SeriesColumns[]> {
  const { series, labels } = await view.identities.matching(block, request.matchers, range.yielder, request.signal);
  const result: SeriesColumns[] = [];
  let hasHistograms = false;
  await readNewestSamples(block, series, range, (_, samples, place) => {
    if (samples.histograms !== undefined) hasHistograms = true;
    else result.push(columnsOf(labels[place]!, samples));
  });
  return hasHistograms ? selectRange(view, request) : result;
}

/** A series as a query gets it. */
export function columnsOf(labels: Labels, samples: SeriesSamples): SeriesColumns {
  const { timestamps, values, histograms, ascendingCount, startTimestamps } = samples;
  const starts = startTimestamps === undefined ? undefined : { startTimestamps };
  if (histograms !== undefined) {
    return { labels, timestamps, values, histograms: withResetHints(histograms), ...starts };
  }
  const columns = { labels, timestamps, values, ascendingCount };
  return starts === undefined ? columns : { ...columns, ...starts };
}

function rangeOf({ startMs, endMs, signal, hold }: SelectRequest, shared: SharedTimestamps): SampleRange {
  const share = (timestamps: Float64Array): Float64Array => shared.share(timestamps, timestamps.length);
  return { startMs, endMs, signal, hold, yielder: createYielder(signal), share };
}

function byNewest(blocks: readonly Block[]): Block[] {
  return [...blocks].sort((a, b) => b.descriptor.maxMs - a.descriptor.maxMs || b.descriptor.rank - a.descriptor.rank);
}
