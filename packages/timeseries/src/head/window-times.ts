import { CHUNK_SAMPLES, placeOf, segmentOf } from './chunk-pool.ts';
import type { WindowHead } from './window-head.ts';

/** Times of a window's oldest and newest sample, in ms; minMs > maxMs where there is none. */
export function timesOf(window: WindowHead): { readonly minMs: number; readonly maxMs: number } {
  const { chains, startMs, slotCount } = window;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let slot = 0; slot < slotCount; slot++) {
    const isSorted = chains.isUnsorted[slot] === 0;
    if (chains.newest[slot]! > max) max = chains.newest[slot]!;
    for (let chunk = chains.firstChunks[slot]!; chunk !== 0; chunk = chains.pool.next(chunk)) {
      const offsets = chains.pool.offsets[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === chains.lastChunks[slot] ? chains.lastFills[slot]! : CHUNK_SAMPLES);
      for (let i = place; i < (isSorted ? place + 1 : end); i++) if (offsets[i]! < min) min = offsets[i]!;
      if (isSorted) break;
    }
  }
  return { minMs: startMs + min, maxMs: startMs + max };
}

/** True where the slot has a sample with a time in `[fromMs, toMs]`, up to the slot's span in unsorted slots. */
export function overlaps(window: WindowHead, slot: number, fromMs: number, toMs: number): boolean {
  const { chains, startMs } = window;
  const newest = chains.newest[slot]!;
  if (newest < 0 || startMs + newest < fromMs) return false;
  if (toMs >= window.endMs - 1) return true;
  const first = chains.firstChunks[slot]!;
  return chains.isUnsorted[slot] === 1 || startMs + chains.pool.offsets[segmentOf(first)]![placeOf(first)]! <= toMs;
}

/** Time of the slot's first sample at or after `fromMs`; NaN where there is none, or the slot is not in order. */
export function firstTime({ chains, startMs }: WindowHead, slot: number, fromMs: number): number {
  if (chains.isUnsorted[slot] === 1) return Number.NaN;
  const from = fromMs - startMs;
  const last = chains.lastChunks[slot]!;
  for (let chunk = chains.firstChunks[slot]!; chunk !== 0; chunk = chains.pool.next(chunk)) {
    const offsets = chains.pool.offsets[segmentOf(chunk)]!;
    const place = placeOf(chunk);
    const end = place + (chunk === last ? chains.lastFills[slot]! : CHUNK_SAMPLES);
    if (offsets[end - 1]! < from) continue;
    let at = place;
    while (offsets[at]! < from) at++;
    return startMs + offsets[at]!;
  }
  return Number.NaN;
}

/** True where the slot has a sample of exactly this time. */
export function hasSampleAt({ chains, startMs }: WindowHead, slot: number, timestampMs: number): boolean {
  const offset = timestampMs - startMs;
  const last = chains.lastChunks[slot]!;
  const isSorted = chains.isUnsorted[slot] === 0;
  for (let chunk = chains.firstChunks[slot]!; chunk !== 0; chunk = chains.pool.next(chunk)) {
    const offsets = chains.pool.offsets[segmentOf(chunk)]!;
    const place = placeOf(chunk);
    const end = place + (chunk === last ? chains.lastFills[slot]! : CHUNK_SAMPLES);
    if (isSorted && offsets[end - 1]! < offset) continue;
    for (let i = place; i < end; i++) if (offsets[i] === offset) return true;
    if (isSorted) return false;
  }
  return false;
}
