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

const PAIRS_PER_LOOK = 256;
const SERIES_PER_LOOK = 256;

/** Label sets of the series with samples in the range, each once, in no order. */
export async function headSeries(
  head: Head,
  request: LabelRequest,
  windows: readonly WindowHead[] = windowsOf(head, request),
): Promise<Labels[]> {
  const yielder = createYielder(request.signal);
  const labelSets: Labels[] = [];
  for (const series of await matchingSeries(head, request, windows)) {
    if (labelSets.length % SERIES_PER_LOOK === 0) await yielder();
    labelSets.push(head.series.labels(series));
  }
  return labelSets;
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
  const yielder = createYielder(request.signal);
  // Every pair of a name has a value of its own.
  const values: string[] = [];
  let visited = 0;
  if (request.matcherSets.length === 0) {
    for (const pair of index.pairsOfName(name)) {
      if (++visited % PAIRS_PER_LOOK === 0) await yielder();
      if (pairHasSamples(head, windows, pair, request)) values.push(index.valueOf(pair));
    }
  } else {
    const nameId = index.nameId(name);
    for (const pair of await pairsOf(head, request, windows)) {
      if (++visited % PAIRS_PER_LOOK === 0) await yielder();
      if (index.nameIdOf(pair) === nameId) values.push(index.valueOf(pair));
    }
  }
  return sortedStrings(values, yielder);
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

/** Each once. */
async function pairsOf(head: Head, request: LabelRequest, windows: readonly WindowHead[]): Promise<number[]> {
  const pairs: number[] = [];
  const yielder = createYielder(request.signal);
  const matching = await matchingSeries(head, request, windows);
  const isFound = new Uint8Array(head.series.index.pairLimit);
  let visited = 0;
  for (const series of matching) {
    head.series.forEachPair(series, (pair) => {
      if (isFound[pair] === 0) pairs.push(pair);
      isFound[pair] = 1;
    });
    if (++visited % SERIES_PER_LOOK === 0) await yielder();
  }
  return pairs;
}
