import { type ChunkMemory, KERNEL_CAPACITY } from './chunk-memory.ts';
import { growFloat64 } from './growable.ts';
import {
  copyByKernel,
  countOf,
  readNewest,
  readSamples,
  readValuesAtTimes,
  type WindowColumns,
} from './read-window.ts';
import { SharedTimestamps } from './shared-timestamps.ts';
import type { WindowHead } from './window-head.ts';
import { firstTime, overlaps } from './window-times.ts';

/** Values of several series are allocated together: small buffers of their own are slow to make and to collect. */
const MAX_SLAB_VALUES = 32_768;

/**
 * Reads series by series from window heads that are in order of time. A series mostly has the timestamps of one that
 * was read before, scraped from the same target: then only its values are copied, and the time column is shared.
 */
export class SeriesReader {
  /** Of the series read last; not to be written to. */
  timestamps: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  /** So many of the first values are known to be neither NaN nor below the one before. */
  ascendingCount = 0;
  readonly #windows: readonly WindowHead[];
  readonly #startMs: number;
  readonly #endMs: number;
  /** Some of the windows overlap, so that samples have to be merged. */
  readonly #overlaps: boolean;
  readonly #shared = new SharedTimestamps();
  readonly #scratch: WindowColumns = { timestamps: new Float64Array(1024), values: new Float64Array(1024) };
  readonly #singleTimes = new Map<number, Float64Array>();
  #slab = new Float64Array(0);
  #slabUsed = 0;

  /** @param windows in order of time; of one window, in order of their lanes */
  constructor(windows: readonly WindowHead[], startMs: number, endMs: number) {
    this.#windows = windows;
    this.#startMs = startMs;
    this.#endMs = endMs;
    let endMsSoFar = Number.NEGATIVE_INFINITY;
    this.#overlaps = windows.some((window) => {
      const overlaps = window.startMs < endMsSoFar;
      endMsSoFar = Math.max(endMsSoFar, window.endMs);
      return overlaps;
    });
  }

  /** Reads the samples of a series in the interval; false where it has none. */
  read(series: number): boolean {
    const memory = this.#overlaps ? undefined : this.#windows[0]?.memory;
    const copied = memory === undefined ? -1 : this.#readByKernel(series, memory);
    if (copied >= 0) return copied > 0;
    this.ascendingCount = 0;
    if (!this.#overlaps && this.#readShared(series)) return true;
    const count = this.#readAll(series);
    if (count === 0) return false;
    this.timestamps = this.#shared.share(this.#scratch.timestamps, count);
    this.values = this.#scratch.values.slice(0, count);
    return true;
  }

  /** Reads a series' newest sample in the interval; false where it has none. */
  readNewest(series: number): boolean {
    const { timestamps, values } = this.#scratch;
    let newest = Number.NEGATIVE_INFINITY;
    let value = 0;
    for (let i = this.#windows.length - 1; i >= 0; i--) {
      const window = this.#windows[i]!;
      if (window.endMs <= newest) continue;
      const slot = window.slotOf(series);
      if (slot < 0 || !readNewest(window, slot, this.#startMs, this.#endMs, this.#scratch)) continue;
      // Of equal times the later lane's sample stays.
      if (timestamps[0]! <= newest) continue;
      newest = timestamps[0]!;
      value = values[0]!;
    }
    if (newest === Number.NEGATIVE_INFINITY) return false;
    let column = this.#singleTimes.get(newest);
    if (column === undefined) this.#singleTimes.set(newest, (column = Float64Array.of(newest)));
    this.timestamps = column;
    this.values = this.#allocate(1);
    this.values[0] = value;
    this.#slabUsed++;
    return true;
  }

  /** Number of samples; -1 where the kernel cannot read them. */
  #readByKernel(series: number, memory: ChunkMemory): number {
    const latest = this.timestamps;
    let count = -1;
    if (latest.length > 0 && latest.length <= KERNEL_CAPACITY) {
      memory.expect(latest);
      count = this.#copyByKernel(series, memory, latest.length, true);
    }
    if (count !== latest.length) {
      count = this.#copyByKernel(series, memory, KERNEL_CAPACITY, false);
      if (count <= 0) return count;
      this.timestamps = this.#shared.share(memory.times, count);
    }
    this.values = this.#allocate(count);
    this.values.set(memory.values.subarray(0, count));
    this.#slabUsed += count;
    this.ascendingCount = memory.ascendingCount(count);
    return count;
  }

  #copyByKernel(series: number, memory: ChunkMemory, room: number, known: boolean): number {
    let at = 0;
    for (const window of this.#windows) {
      const slot = window.slotOf(series);
      if (slot < 0) continue;
      at = copyByKernel(window, slot, this.#startMs, this.#endMs, memory, at, room, known);
      if (at < 0) return -1;
    }
    return at;
  }

  #readShared(series: number): boolean {
    const firstMs = this.#firstTime(series);
    for (const timestamps of this.#shared.startingAt(firstMs)) {
      const values = this.#allocate(timestamps.length);
      let at = 0;
      for (const window of this.#windows) {
        const slot = window.slotOf(series);
        if (slot < 0) continue;
        at = readValuesAtTimes(window, slot, this.#startMs, this.#endMs, timestamps, values, at);
        if (at < 0) break;
      }
      if (at !== timestamps.length) continue;
      this.timestamps = timestamps;
      this.values = values;
      this.#slabUsed += values.length;
      return true;
    }
    return false;
  }

  #firstTime(series: number): number {
    for (const window of this.#windows) {
      const slot = window.slotOf(series);
      if (slot < 0 || !overlaps(window, slot, this.#startMs, this.#endMs)) continue;
      return firstTime(window, slot, this.#startMs);
    }
    return Number.NaN;
  }

  /** Room for so many values, taken once `#slabUsed` is moved. */
  #allocate(count: number): Float64Array {
    if (this.#slab.length - this.#slabUsed < count) {
      const size = Math.min(MAX_SLAB_VALUES, Math.max(this.#slab.length * 4, count));
      // Not filled with zeros: only what is written is ever given out.
      this.#slab = new Float64Array(Buffer.allocUnsafeSlow(Math.max(size, count) * 8).buffer);
      this.#slabUsed = 0;
    }
    return this.#slab.subarray(this.#slabUsed, this.#slabUsed + count);
  }

  /** Fills the scratch columns in order of time; where heads of one window overlap, the later lane wins. */
  #readAll(series: number): number {
    const columns = this.#scratch;
    let count = 0;
    let previous: WindowHead | undefined;
    for (const window of this.#windows) {
      const slot = window.slotOf(series);
      if (slot < 0) continue;
      const needed = count + countOf(window, slot);
      if (needed > columns.timestamps.length) {
        columns.timestamps = growFloat64(columns.timestamps, needed);
        columns.values = growFloat64(columns.values, needed);
      }
      const before = count;
      count = readSamples(window, slot, this.#startMs, this.#endMs, columns, count);
      if (previous !== undefined && window.startMs < previous.endMs && before > 0 && count > before) {
        count = mergeOverlap(columns, before, count);
      }
      previous = window;
    }
    return count;
  }
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
