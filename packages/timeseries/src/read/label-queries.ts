import { type Labels, labelValue } from '@opendata/promql';
import type { Block } from '../block/block.ts';
import { matchBlock } from '../block/match-block.ts';
import { mergedStrings, sortedStrings } from '../block/sorted-in-turns.ts';
import { headLabelNames, headLabelValues, headSeries, type LabelRequest } from '../head/label-queries.ts';
import { createYielder } from '../head/yielder.ts';
import type { ReadView } from './view.ts';

/** Label sets of the series with samples in the range, each once, in no order. */
export async function viewSeries(view: ReadView, request: LabelRequest): Promise<Labels[]> {
  const { head, windows, blocks, identities } = view;
  const ofHead = await headSeries(head, request, windows);
  if (blocks.length === 0) return ofHead;
  const yielder = createYielder(request.signal);
  const found = new Set<Labels>();
  for (const labels of ofHead) {
    if (found.size % LABELS_PER_TURN === 0) await yielder();
    found.add(identities.ofHead(labels));
  }
  for (const block of blocks) {
    const known = await rememberedLabels(view, block, request);
    const labelSets =
      known ?? (await identities.ofBlock(block, await matchingSeries(block, request), yielder, request.signal));
    for (let i = 0; i < labelSets.length; i++) {
      found.add(labelSets[i]!);
      if (i % LABELS_PER_TURN === 0) await yielder();
    }
  }
  return [...found];
}

/** Label names of those series, sorted. */
export async function viewLabelNames(view: ReadView, request: LabelRequest): Promise<string[]> {
  const names = new Set(await headLabelNames(view.head, request, view.windows));
  for (const block of view.blocks) {
    if (isWhole(block, request)) for (const { name } of block.descriptor.names) names.add(name);
    else for (const pair of await pairsOf(block, request)) names.add(block.index.nameOf(pair));
  }
  return sortedStrings(names, createYielder(request.signal));
}

/** Values of a label of those series, sorted. */
export async function viewLabelValues(view: ReadView, name: string, request: LabelRequest): Promise<readonly string[]> {
  const yielder = createYielder(request.signal);
  let all: readonly string[] = await headLabelValues(view.head, name, request, view.windows);
  for (const block of view.blocks) {
    const values = await blockLabelValues(view, block, name, request, yielder);
    all = await mergedStrings(all, await sortedStrings(values, yielder), yielder);
  }
  return all;
}

/** Each once, in no order. */
async function blockLabelValues(
  view: ReadView,
  block: Block,
  name: string,
  request: LabelRequest,
  yielder: () => Promise<void>,
): Promise<Iterable<string>> {
  const { index } = block;
  const range = index.pairsOfName(name);
  if (range.first === range.end) return [];
  if (isWhole(block, request)) return await index.values(range, request.signal);
  const known = await rememberedLabels(view, block, request);
  if (known !== undefined) {
    const found = new Set<string>();
    for (let i = 0; i < known.length; i++) {
      const value = labelValue(known[i]!, name);
      if (value !== '') found.add(value);
      if (i % LABELS_PER_TURN === 0) await yielder();
    }
    return found;
  }
  const values: string[] = [];
  const readValue = index.valueReader(request.signal);
  for (const pair of await pairsOf(block, request)) {
    if (pair >= range.first && pair < range.end) values.push(await readValue(pair));
    if (values.length % LABELS_PER_TURN === 0) await yielder();
  }
  return values;
}

const LABELS_PER_TURN = 256;
/** Larger blocks are not worth remembering what their series are called. */
const MAX_REMEMBERED_SERIES = 50_000;

/**
 * Label sets of the series of a block that match, where that is only a question of the one matcher set: then the answer
 * is remembered, as for queries.
 */
async function rememberedLabels(
  { identities }: ReadView,
  block: Block,
  { matcherSets, startMs, endMs, signal }: LabelRequest,
): Promise<readonly Labels[] | undefined> {
  const [matchers] = matcherSets;
  if (matcherSets.length !== 1 || !block.isWithin(startMs, endMs)) return undefined;
  if (block.descriptor.seriesCount > MAX_REMEMBERED_SERIES) return undefined;
  return (await identities.matching(block, matchers!, createYielder(signal), signal)).labels;
}

/** Whether the answer is everything that the block has. */
function isWhole(block: Block, { matcherSets, startMs, endMs }: LabelRequest): boolean {
  return matcherSets.length === 0 && block.isWithin(startMs, endMs);
}

/** Series of a block that match any of the sets and have samples in the range, ascending. */
async function matchingSeries(block: Block, request: LabelRequest): Promise<Uint32Array> {
  const { matcherSets, startMs, endMs, signal } = request;
  const all = new Set<number>();
  let series = new Uint32Array(0) as Uint32Array;
  const sets = matcherSets.length === 0 ? [[]] : matcherSets;
  for (const matchers of sets) {
    series = await matchBlock(block.index, matchers, signal);
    if (sets.length > 1) for (const number of series) all.add(number);
  }
  if (sets.length > 1) series = Uint32Array.from(all).sort();
  return block.isWithin(startMs, endMs) ? series : withSamples(block, series, request);
}

async function withSamples(
  block: Block,
  series: Uint32Array,
  { startMs, endMs, signal }: LabelRequest,
): Promise<Uint32Array> {
  const kept = new Uint32Array(series.length);
  let count = 0;
  let page = await block.index.seriesPage(0, signal);
  for (const number of series) {
    if (number >= page.first + page.page.count) page = await block.index.seriesPage(number, signal);
    const place = number - page.first;
    if (page.page.minMs[place]! <= endMs && page.page.maxMs[place]! >= startMs) kept[count++] = number;
  }
  return kept.subarray(0, count);
}

async function pairsOf(block: Block, request: LabelRequest): Promise<Set<number>> {
  const found = new Set<number>();
  let page = await block.index.seriesPage(0, request.signal);
  const yielder = createYielder(request.signal);
  let visited = 0;
  for (const number of await matchingSeries(block, request)) {
    if (number >= page.first + page.page.count || number < page.first) {
      page = await block.index.seriesPage(number, request.signal);
    }
    const { starts, pairs } = page.page;
    const place = number - page.first;
    for (let i = starts[place]!; i < starts[place + 1]!; i++) found.add(pairs[i]!);
    if (++visited % 1024 === 0) await yielder();
  }
  return found;
}
