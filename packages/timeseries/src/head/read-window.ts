import type { ChunkMemory } from './chunk-memory.ts';
import { CHUNK_SAMPLES, placeOf, segmentOf } from './chunk-pool.ts';
import type { WindowHead } from './window-head.ts';

const MAX_OFFSET = 2 ** 31 - 1;

/** What samples are read into. */
export interface WindowColumns {
  timestamps: Float64Array;
  values: Float64Array;
}

/** Most samples that `readSamples` can give for the slot. */
export function countOf({ chains }: WindowHead, slot: number): number {
  let count = chains.lastFills[slot]!;
  const last = chains.lastChunks[slot]!;
  for (let chunk = chains.firstChunks[slot]!; chunk !== last; chunk = chains.pool.next(chunk)) count += CHUNK_SAMPLES;
  return count;
}

/**
 * Writes the slot's samples with times in `[fromMs, toMs]` to `columns` from `at` on, in order of time.
 * @returns the position behind the last one
 */
export function readSamples(
  window: WindowHead,
  slot: number,
  fromMs: number,
  toMs: number,
  columns: WindowColumns,
  at: number,
): number {
  const { chains, startMs } = window;
  const { pool } = chains;
  const { timestamps, values } = columns;
  const from = fromMs - startMs;
  const to = toMs - startMs;
  const begin = at;
  const isSorted = chains.isUnsorted[slot] === 0;
  const last = chains.lastChunks[slot]!;
  for (let chunk = chains.firstChunks[slot]!; chunk !== 0; chunk = pool.next(chunk)) {
    const offsets = pool.offsets[segmentOf(chunk)]!;
    const chunkValues = pool.values[segmentOf(chunk)]!;
    const place = placeOf(chunk);
    const end = place + (chunk === last ? chains.lastFills[slot]! : CHUNK_SAMPLES);
    if (isSorted && offsets[end - 1]! < from) continue;
    if (isSorted && offsets[place]! > to) break;
    for (let i = place; i < end; i++) {
      const offset = offsets[i]!;
      if (offset >= from && offset <= to) {
        timestamps[at] = startMs + offset;
        values[at++] = chunkValues[i]!;
      }
    }
  }
  if (!isSorted) sortColumns(timestamps, values, begin, at);
  return at;
}

/**
 * Writes the slot's values with times in `[fromMs, toMs]` to `values` from `at` on, as long as their times are those
 * that `timestamps` has from `at` on.
 * @returns the position behind the last one, or -1 where the times differ or the slot is not in order
 */
export function readValuesAtTimes(
  window: WindowHead,
  slot: number,
  fromMs: number,
  toMs: number,
  timestamps: Float64Array,
  values: Float64Array,
  at: number,
): number {
  const { chains, startMs } = window;
  const { pool } = chains;
  if (chains.isUnsorted[slot] === 1) return -1;
  const from = fromMs - startMs;
  const to = toMs - startMs;
  const last = chains.lastChunks[slot]!;
  for (let chunk = chains.firstChunks[slot]!; chunk !== 0; chunk = pool.next(chunk)) {
    const segment = segmentOf(chunk);
    const offsets = pool.offsets[segment]!;
    let first = placeOf(chunk);
    let end = first + (chunk === last ? chains.lastFills[slot]! : CHUNK_SAMPLES);
    if (offsets[end - 1]! < from) continue;
    if (offsets[first]! > to) break;
    while (offsets[first]! < from) first++;
    while (end > first && offsets[end - 1]! > to) end--;
    if (at + end - first > timestamps.length) return -1;
    at = copyAtTimes(offsets, pool.values[segment]!, first, end, startMs, timestamps, values, at);
    if (at < 0) return -1;
  }
  return at;
}

/**
 * Lets the kernel copy the slot's samples with times in `[fromMs, toMs]` to its columns from `at` on.
 * @param known the times are to be those that the memory expects, and only the values are copied
 * @param room most samples in the columns
 * @returns the position behind the last one; negative where the times differ, or the kernel cannot do it
 */
export function copyByKernel(
  window: WindowHead,
  slot: number,
  fromMs: number,
  toMs: number,
  memory: ChunkMemory,
  at: number,
  room: number,
  known: boolean,
): number {
  const { chains, startMs } = window;
  if (chains.isUnsorted[slot] === 1) return -1;
  return memory.copyChain(
    chains.firstChunks[slot]!,
    chains.lastChunks[slot]!,
    chains.lastFills[slot]!,
    Math.max(0, Math.ceil(fromMs - startMs)),
    Math.min(MAX_OFFSET, Math.floor(toMs - startMs)),
    startMs,
    at,
    room,
    known ? 1 : 0,
  );
}

/** Writes the slot's newest sample with a time in `[fromMs, toMs]` to `columns[0]`; false where there is none. */
export function readNewest(
  window: WindowHead,
  slot: number,
  fromMs: number,
  toMs: number,
  columns: WindowColumns,
): boolean {
  const { chains, startMs } = window;
  const { pool } = chains;
  const from = fromMs - startMs;
  const to = toMs - startMs;
  const newest = chains.newest[slot]!;
  if (newest < from) return false;
  const last = chains.lastChunks[slot]!;
  if (chains.isUnsorted[slot] === 0 && newest <= to && last !== 0) {
    columns.timestamps[0] = startMs + newest;
    columns.values[0] = pool.values[segmentOf(last)]![placeOf(last) + chains.lastFills[slot]! - 1]!;
    return true;
  }
  let found = -1;
  for (let chunk = chains.firstChunks[slot]!; chunk !== 0; chunk = pool.next(chunk)) {
    const offsets = pool.offsets[segmentOf(chunk)]!;
    const place = placeOf(chunk);
    const end = place + (chunk === last ? chains.lastFills[slot]! : CHUNK_SAMPLES);
    for (let i = place; i < end; i++) {
      const offset = offsets[i]!;
      if (offset < from || offset > to || offset <= found) continue;
      found = offset;
      columns.values[0] = pool.values[segmentOf(chunk)]![i]!;
    }
    if (chains.isUnsorted[slot] === 0 && offsets[end - 1]! > to) break;
  }
  columns.timestamps[0] = startMs + found;
  return found >= from && found >= 0;
}

/** Copies the values in `[first, end)` if their times are those of `timestamps` from `at` on; -1 if not. */
function copyAtTimes(
  offsets: Int32Array,
  source: Float64Array,
  first: number,
  end: number,
  startMs: number,
  timestamps: Float64Array,
  values: Float64Array,
  at: number,
): number {
  for (let i = first; i < end; i++) {
    if (startMs + offsets[i]! !== timestamps[at]) return -1;
    values[at++] = source[i]!;
  }
  return at;
}

/** Sorts two parallel columns by time; the exact bits of the values are kept. */
function sortColumns(timestamps: Float64Array, values: Float64Array, from: number, to: number): void {
  const order = new Uint32Array(to - from);
  for (let i = 0; i < order.length; i++) order[i] = from + i;
  order.sort((a, b) => timestamps[a]! - timestamps[b]!);
  const sortedTimestamps = new Float64Array(order.length);
  const sortedValues = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) {
    sortedTimestamps[i] = timestamps[order[i]!]!;
    sortedValues[i] = values[order[i]!]!;
  }
  timestamps.set(sortedTimestamps, from);
  values.set(sortedValues, from);
}
