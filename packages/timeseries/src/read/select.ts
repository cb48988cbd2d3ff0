import type { Labels, SelectRequest, SeriesColumns } from '@opendata/promql';
import type { Block } from '../block/block.ts';
import { matchBlock } from '../block/match-block.ts';
import type { SeriesSamples } from '../block/merge-samples.ts';
import { readNewestSamples, readSamples, type SampleRange } from '../block/read-samples.ts';
import { withResetHints } from '../head/read-histograms.ts';
import { selectFromHead } from '../head/select.ts';
import { SharedTimestamps } from '../head/shared-timestamps.ts';
import { createYielder } from '../head/yielder.ts';
import { ColumnJoiner } from './column-joiner.ts';
import type { ReadView } from './view.ts';

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
  const parts = new Map<Labels, SeriesSamples[]>();
  const add = (labels: Labels, samples: SeriesSamples): void => {
    const known = parts.get(labels);
    if (known === undefined) parts.set(labels, [samples]);
    else known.push(samples);
  };
  for (const block of blocks) {
    const series = await matchBlock(block.index, request.matchers, request.signal);
    const labels = await identities.ofBlock(block, series, range.yielder, request.signal);
    await readSamples(
      block,
      series,
      range,
      inOrder(series, (i, samples) => add(labels[i]!, samples)),
    );
  }
  for (const columns of await selectFromHead(head, request, { windows, asStored: true })) {
    add(identities.ofHead(columns.labels), columns);
  }
  const joiner = new ColumnJoiner(shared);
  const result: SeriesColumns[] = [];
  for (const [labels, own] of parts) {
    result.push(columnsOf(labels, joiner.join(own)));
    if (result.length % 64 === 0) await range.yielder();
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
  const found = new Map<Labels, Newest>();
  const add = (labels: Labels, samples: SeriesSamples, rank: number): void => {
    const { timestamps } = samples;
    const timeMs = timestamps[timestamps.length - 1]!;
    const known = found.get(labels);
    if (known === undefined || timeMs > known.timeMs || (timeMs === known.timeMs && rank > known.rank)) {
      found.set(labels, { samples, timeMs, rank });
    }
  };
  for (const columns of await selectFromHead(head, request, { windows })) {
    add(identities.ofHead(columns.labels), columns, Number.POSITIVE_INFINITY);
  }
  for (const block of byNewest(blocks)) {
    const matched = await matchBlock(block.index, request.matchers, request.signal);
    const all = await identities.ofBlock(block, matched, range.yielder, request.signal);
    const { maxMs, rank } = block.descriptor;
    // What has a later sample already is not read from this block.
    const wanted = all.map((labels) => !((found.get(labels)?.timeMs ?? Number.NEGATIVE_INFINITY) > maxMs));
    const series = matched.filter((_, i) => wanted[i]);
    const labels = all.filter((_, i) => wanted[i]);
    await readNewestSamples(
      block,
      series,
      range,
      inOrder(series, (i, samples) => add(labels[i]!, samples, rank)),
    );
  }
  // Whether the counters of a histogram were reset is told by the samples before it.
  if ([...found.values()].some(({ samples }) => samples.histograms !== undefined)) return selectRange(view, request);
  return Array.from(found, ([labels, { samples }]) => columnsOf(labels, samples));
}

function columnsOf(labels: Labels, { timestamps, values, histograms }: SeriesSamples): SeriesColumns {
  if (histograms === undefined) return { labels, timestamps, values };
  return { labels, timestamps, values, histograms: withResetHints(histograms) };
}

function rangeOf({ startMs, endMs, signal, hold }: SelectRequest, shared: SharedTimestamps): SampleRange {
  const share = (timestamps: Float64Array): Float64Array => shared.share(timestamps, timestamps.length);
  return { startMs, endMs, signal, hold, yielder: createYielder(signal), share };
}

function byNewest(blocks: readonly Block[]): Block[] {
  return [...blocks].sort((a, b) => b.descriptor.maxMs - a.descriptor.maxMs || b.descriptor.rank - a.descriptor.rank);
}

/** Turns series numbers, which come ascending once or several times, into their places in `series`. */
function inOrder(
  series: Uint32Array,
  emit: (place: number, samples: SeriesSamples) => void,
): (number: number, samples: SeriesSamples) => void {
  let place = 0;
  return (number, samples) => {
    if (series[place]! > number) place = 0;
    while (series[place]! < number) place++;
    emit(place, samples);
  };
}
