import type { Labels, Matcher } from '@opendata/promql';
import { sortedStrings } from '../block/sorted-in-turns.ts';
import type { Head } from './head.ts';
import { seriesFromHead } from './select.ts';
import type { WindowHead } from './window-head.ts';
import { overlaps } from './window-times.ts';
import { createYielder } from './yielder.ts';

/** What the label endpoints ask: any of the matcher sets (none: every series), a time range in ms. */
export interface LabelRequest {
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startMs: number;
  readonly endMs: number;
  readonly signal?: AbortSignal;
}

const PAIRS_PER_TURN = 1024;

/** Label sets of the series with samples in the range, each once, in no order. */
export async function headSeries(
  head: Head,
  request: LabelRequest,
  windows: readonly WindowHead[] = windowsOf(head, request),
): Promise<Labels[]> {
  return (await matchingSeries(head, request, windows)).map((series) => head.series.labels(series));
}

/** Label names of those series, sorted. */
export async function headLabelNames(
  head: Head,
  request: LabelRequest,
  windows: readonly WindowHead[] = windowsOf(head, request),
): Promise<string[]> {
  if (windows.length === 0) return [];
  const { index } = head.series;
  const names = new Set<string>();
  if (request.matcherSets.length === 0) {
    for (const name of index.names()) {
      for (const pair of index.pairsOfName(name)) {
        if (!pairHasSamples(head, windows, pair, request)) continue;
        names.add(name);
        break;
      }
    }
  } else {
    const pairs = await pairsOf(head, request, windows);
    for (const pair of pairs) names.add(index.nameOf(pair));
  }
  return sortedStrings(names, createYielder(request.signal));
}

/** Values of a label of those series, sorted. */
export async function headLabelValues(
  head: Head,
  name: string,
  request: LabelRequest,
  windows: readonly WindowHead[] = windowsOf(head, request),
): Promise<string[]> {
  if (windows.length === 0) return [];
  const { index } = head.series;
  const values = new Set<string>();
  if (request.matcherSets.length === 0) {
    const yielder = createYielder(request.signal);
    let visited = 0;
    for (const pair of index.pairsOfName(name)) {
      if (++visited % PAIRS_PER_TURN === 0) await yielder();
      if (pairHasSamples(head, windows, pair, request)) values.add(index.valueOf(pair));
    }
  } else {
    const nameId = index.nameId(name);
    for (const pair of await pairsOf(head, request, windows))
      if (index.nameIdOf(pair) === nameId) values.add(index.valueOf(pair));
  }
  return sortedStrings(values, createYielder(request.signal));
}

function pairHasSamples(head: Head, windows: readonly WindowHead[], pair: number, request: LabelRequest): boolean {
  return head.series.index.someSeriesOf(pair, (series) => {
    for (const window of windows) {
      const slot = window.slotOf(series);
      if (slot >= 0 && overlaps(window, slot, request.startMs, request.endMs)) return true;
    }
    return false;
  });
}

function windowsOf(head: Head, { startMs, endMs }: LabelRequest): readonly WindowHead[] {
  return head.windowsBetween(startMs, endMs);
}

async function matchingSeries(head: Head, request: LabelRequest, windows: readonly WindowHead[]): Promise<number[]> {
  const { startMs, endMs, signal } = request;
  const sets = request.matcherSets.length === 0 ? [[]] : request.matcherSets;
  const lists: number[][] = [];
  for (const matchers of sets) {
    lists.push(await seriesFromHead(head, { matchers, startMs, endMs, ...(signal && { signal }) }, windows));
  }
  return lists.length === 1 ? lists[0]! : [...new Set(lists.flat())];
}

async function pairsOf(head: Head, request: LabelRequest, windows: readonly WindowHead[]): Promise<Set<number>> {
  const pairs = new Set<number>();
  const yielder = createYielder(request.signal);
  let visited = 0;
  for (const series of await matchingSeries(head, request, windows)) {
    head.series.forEachPair(series, (pair) => pairs.add(pair));
    if (++visited % PAIRS_PER_TURN === 0) await yielder();
  }
  return pairs;
}
