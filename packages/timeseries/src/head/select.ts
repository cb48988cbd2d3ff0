import type { SelectRequest, SeriesColumns } from '@opendata/promql';
import { growFloat64 } from './growable.ts';
import type { Head } from './head.ts';
import { matchSeries } from './match-series.ts';
import { SharedTimestamps } from './shared-timestamps.ts';
import type { WindowColumns, WindowHead } from './window-head.ts';
import { createYielder } from './yielder.ts';

const SERIES_PER_TURN = 128;

/** Reads what a selector asks for from the head; gives the event loop its turns in between. */
export async function selectFromHead(head: Head, request: SelectRequest): Promise<SeriesColumns[]> {
  const { startMs, endMs, signal } = request;
  const windows = head.windowsBetween(startMs, endMs);
  if (windows.length === 0) return [];
  const ids = matchSeries(head.series.index, head.series.count, request.matchers);
  const result: SeriesColumns[] = [];
  const shared = new SharedTimestamps();
  const columns: WindowColumns = { timestamps: new Float64Array(1024), values: new Float64Array(1024) };
  const yielder = createYielder(signal);
  for (let i = 0; i < ids.length; i++) {
    if (i % SERIES_PER_TURN === 0) await yielder();
    const count = readSeries(windows, ids[i]!, startMs, endMs, columns);
    if (count === 0) continue;
    result.push({
      labels: head.series.labels(ids[i]!),
      timestamps: shared.share(columns.timestamps, count),
      values: columns.values.slice(0, count),
    });
  }
  return result;
}

/** Series that match and have a sample in `[startMs, endMs]`, ascending. */
export async function seriesFromHead(head: Head, request: SelectRequest): Promise<number[]> {
  const { startMs, endMs } = request;
  const windows = head.windowsBetween(startMs, endMs);
  if (windows.length === 0) return [];
  const ids = matchSeries(head.series.index, head.series.count, request.matchers);
  const result: number[] = [];
  const yielder = createYielder(request.signal);
  for (let i = 0; i < ids.length; i++) {
    if (i % (SERIES_PER_TURN * 16) === 0) await yielder();
    if (hasSamples(windows, ids[i]!, startMs, endMs)) result.push(ids[i]!);
  }
  return result;
}

function hasSamples(windows: readonly WindowHead[], series: number, startMs: number, endMs: number): boolean {
  for (const window of windows) {
    const slot = window.slotOf(series);
    if (slot >= 0 && window.overlaps(slot, startMs, endMs)) return true;
  }
  return false;
}

/** Fills the columns with a series' samples in order of time; where heads of one window overlap, the later lane wins. */
function readSeries(
  windows: readonly WindowHead[],
  series: number,
  startMs: number,
  endMs: number,
  columns: WindowColumns,
): number {
  let count = 0;
  let previous: WindowHead | undefined;
  for (const window of windows) {
    const slot = window.slotOf(series);
    if (slot < 0) continue;
    const needed = count + window.countOf(slot);
    if (needed > columns.timestamps.length) {
      columns.timestamps = growFloat64(columns.timestamps, needed);
      columns.values = growFloat64(columns.values, needed);
    }
    const before = count;
    count = window.read(slot, startMs, endMs, columns, count);
    if (previous !== undefined && window.startMs < previous.endMs && before > 0 && count > before) {
      count = mergeOverlap(columns, before, count);
    }
    previous = window;
  }
  return count;
}

/** Merges the sorted runs `[0, middle)` and `[middle, end)`; of equal times the second run's sample stays. */
function mergeOverlap(columns: WindowColumns, middle: number, end: number): number {
  const { timestamps, values } = columns;
  if (timestamps[middle - 1]! < timestamps[middle]!) return end;
  const oldTimestamps = timestamps.slice(0, end);
  const oldValues = values.slice(0, end);
  let a = 0;
  let b = middle;
  let at = 0;
  while (a < middle || b < end) {
    const isSecond = a === middle || (b < end && oldTimestamps[b]! <= oldTimestamps[a]!);
    if (isSecond && a < middle && oldTimestamps[a] === oldTimestamps[b]) a++;
    const from = isSecond ? b++ : a++;
    timestamps[at] = oldTimestamps[from]!;
    values[at++] = oldValues[from]!;
  }
  return at;
}
