import type { SelectRequest, SeriesColumns } from '@opendata/promql';
import type { Head } from './head.ts';
import { matchSeries } from './match-series.ts';
import { hasHistograms, readHistograms, storedHistograms } from './read-histograms.ts';
import { storedStarts } from './read-start-times.ts';
import { SeriesReader } from './series-reader.ts';
import type { WindowHead } from './window-head.ts';
import { overlaps } from './window-times.ts';
import { createYielder } from './yielder.ts';

const SERIES_PER_TURN = 32;
const NO_STARTS = {};

export interface HeadSelectOptions {
  /** The heads to read, as `Head.windowsBetween` gives them; those of the interval unless given. */
  readonly windows?: readonly WindowHead[];
  /** Histograms as they were sent, without hints about counter resets. */
  readonly asStored?: boolean;
}

/** Reads what a selector asks for from the head; gives the event loop its turns in between. */
export async function selectFromHead(
  head: Head,
  request: SelectRequest,
  options: HeadSelectOptions = {},
): Promise<SeriesColumns[]> {
  const { startMs, endMs, hold } = request;
  const windows = options.windows ?? head.windowsBetween(startMs, endMs);
  const histogramsOf = options.asStored === true ? storedHistograms : readHistograms;
  if (windows.length === 0) return [];
  const haveStarts = windows.some(({ startTimes }) => startTimes !== undefined);
  const startsOf = (series: number, timestamps: Float64Array): { readonly startTimestamps?: Float64Array } => {
    const startTimestamps = haveStarts ? storedStarts(windows, series, timestamps) : undefined;
    return startTimestamps === undefined ? NO_STARTS : { startTimestamps };
  };
  const yielder = createYielder(request.signal);
  const ids = await matchSeries(head.series.index, head.series.limit, request.matchers, yielder);
  const reader = new SeriesReader(windows, startMs, endMs);
  const result: SeriesColumns[] = [];
  let read = 0;
  let withHistograms: readonly WindowHead[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (i % SERIES_PER_TURN === 0) {
      hold?.(read * 8);
      read = 0;
      await yielder();
      withHistograms = windows.filter(({ histograms }) => histograms !== undefined);
    }
    if (withHistograms.length > 0 && hasHistograms(withHistograms, ids[i]!)) {
      if (!reader.read(ids[i]!)) continue;
      const { timestamps, values } = reader;
      const histograms = histogramsOf(windows, ids[i]!, timestamps, values);
      const labels = head.series.labels(ids[i]!);
      result.push({ labels, timestamps, values, histograms, ...startsOf(ids[i]!, timestamps) });
      continue;
    }
    const isRead = request.newestOnly === true ? reader.readNewest(ids[i]!) : reader.read(ids[i]!);
    if (!isRead) continue;
    read += reader.values.length;
    const { timestamps, values } = reader;
    const ascendingCount = request.newestOnly === true ? undefined : reader.ascendingCount;
    const columns = { labels: head.series.labels(ids[i]!), timestamps, values, ascendingCount };
    result.push(haveStarts ? { ...columns, ...startsOf(ids[i]!, timestamps) } : columns);
  }
  return result;
}

/** Series that match and have a sample in `[startMs, endMs]`, ascending. */
export async function seriesFromHead(
  head: Head,
  request: SelectRequest,
  windows: readonly WindowHead[] = head.windowsBetween(request.startMs, request.endMs),
): Promise<number[]> {
  const { startMs, endMs } = request;
  if (windows.length === 0) return [];
  const yielder = createYielder(request.signal);
  const ids = await matchSeries(head.series.index, head.series.limit, request.matchers, yielder);
  const result: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (i % (SERIES_PER_TURN * 64) === 0) await yielder();
    if (hasSamples(windows, ids[i]!, startMs, endMs)) result.push(ids[i]!);
  }
  return result;
}

function hasSamples(windows: readonly WindowHead[], series: number, startMs: number, endMs: number): boolean {
  for (const window of windows) {
    const slot = window.slotOf(series);
    if (slot >= 0 && overlaps(window, slot, startMs, endMs)) return true;
  }
  return false;
}
