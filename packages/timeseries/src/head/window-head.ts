import type { ChunkMemory } from './chunk-memory.ts';
import { CHUNK_SAMPLES, type ChunkPool, placeOf, segmentOf } from './chunk-pool.ts';
import { growInt32, growUint8, growUint32 } from './growable.ts';
import { HISTOGRAM_MARKER, HistogramStore } from './histogram-store.ts';
import { StartTimes } from './start-times.ts';

const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
const PAGE_BYTES = 4 << PAGE_BITS;
const SLOTS_PER_TURN = 4096;
/** In the tables of a slot. */
const SLOT_BYTES = 18;
const MANY_SLOTS = 8192;
const MAX_OFFSET = 2 ** 31 - 1;

/** Reused answer of `WindowHead.read`. */
export interface WindowColumns {
  timestamps: Float64Array;
  values: Float64Array;
}

/**
 * The recent samples of one time window: the in-memory twin of one journal lane. Its series are numbered by *slot* in
 * the order in which the lane defines them, so that replaying the lane gives the same slots. A slot never holds two
 * samples of the same time: the same value again is free, another value replaces the first.
 */
export class WindowHead {
  readonly lane: number;
  /** Unix milliseconds. */
  readonly startMs: number;
  readonly durationMs: number;
  /** True once the window is not part of the head any more; who has retained it may still read it. */
  isDropped = false;
  /** Calls that brought samples. */
  appends = 0;
  /** Native histograms of the window, where it has any: in the columns stands a marker for each. */
  histograms: HistogramStore | undefined;
  /** When counters began to count, where anybody has said it. */
  startTimes: StartTimes | undefined;
  /** Samples held, without duplicates. */
  sampleCount = 0;
  #slotCount = 0;
  #readers = 0;
  readonly #pool: ChunkPool;
  readonly #expectedSlots: () => number;
  /** Slot + 1 by series, in pages that exist where a series of the page is in the window. */
  readonly #pages: (Uint32Array | undefined)[] = [];
  #pageCount = 0;
  #series = new Uint32Array(16);
  #firstChunks = new Uint32Array(16);
  #lastChunks = new Uint32Array(16);
  /** Samples in the last chunk. */
  #lastFills = new Uint8Array(16);
  /** Offset of the newest sample of a slot, in milliseconds from the start of the window. */
  #newest = new Int32Array(16);
  /** 1 where a slot's samples are not in order of time. */
  #isUnsorted = new Uint8Array(16);

  /** @param expectedSlots how many series a window with many of them will have */
  constructor(pool: ChunkPool, lane: number, startMs: number, durationMs: number, expectedSlots = () => 0) {
    this.#pool = pool;
    this.#expectedSlots = expectedSlots;
    this.lane = lane;
    this.startMs = startMs;
    this.durationMs = durationMs;
  }

  get endMs(): number {
    return this.startMs + this.durationMs;
  }

  get slotCount(): number {
    return this.#slotCount;
  }

  /** Bytes of the slot tables; the samples are the pool's. */
  get memoryBytes(): number {
    return (
      this.#slotCount * SLOT_BYTES +
      this.#pageCount * PAGE_BYTES +
      this.#pages.length * 8 +
      512 +
      (this.histograms?.memoryBytes ?? 0) +
      (this.startTimes?.memoryBytes ?? 0)
    );
  }

  seriesOf(slot: number): number {
    return this.#series[slot]!;
  }

  /** Slot of a series, or -1 where the window does not have it. */
  slotOf(series: number): number {
    const page = this.#pages[series >>> PAGE_BITS];
    return page === undefined ? -1 : page[series & PAGE_MASK]! - 1;
  }

  /** Time of the slot's newest sample, in ms from the start of the window. */
  newestOffset(slot: number): number {
    return this.#newest[slot]!;
  }

  /** Gives the next slot to a series that has none yet. */
  addSlot(series: number): number {
    const slot = this.#slotCount++;
    if (slot === this.#series.length) this.#grow(slot + 1);
    this.#series[slot] = series;
    this.#newest[slot] = -1;
    this.#setPage(series, slot + 1);
    return slot;
  }

  /** Takes back the newest slots, which have no samples yet, down to `slotCount`. */
  removeSlotsFrom(slotCount: number): void {
    while (this.#slotCount > slotCount) this.#setPage(this.#series[--this.#slotCount]!, 0);
  }

  /**
   * Adds `count` samples: slots, offsets in milliseconds from the start of the window, values, and when their counters
   * began to count, in Unix milliseconds or 0.
   */
  append(slots: Uint32Array, offsets: Int32Array, values: Float64Array, count: number, starts?: Float64Array): void {
    this.appends++;
    if (starts !== undefined || this.startTimes !== undefined) {
      this.#appendWithStarts(slots, offsets, values, count, starts);
      return;
    }
    const newest = this.#newest;
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      const offset = offsets[i]!;
      if (offset > newest[slot]!) {
        newest[slot] = offset;
        this.#push(slot, offset, values[i]!);
      } else {
        this.#insert(slot, offset, values, i);
      }
    }
  }

  #appendWithStarts(
    slots: Uint32Array,
    offsets: Int32Array,
    values: Float64Array,
    count: number,
    starts: Float64Array | undefined,
  ): void {
    this.startTimes ??= new StartTimes();
    const newest = this.#newest;
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      const offset = offsets[i]!;
      this.startTimes.set(slot, offset, starts?.[i] ?? 0, offset >= newest[slot]!);
      if (offset > newest[slot]!) {
        newest[slot] = offset;
        this.#push(slot, offset, values[i]!);
      } else {
        this.#insert(slot, offset, values, i);
      }
    }
  }

  /** Adds a native histogram (see histogram-bytes.ts). */
  appendHistogram(slot: number, offsetMs: number, histogram: Uint8Array, startMs = 0): void {
    this.histograms ??= new HistogramStore();
    this.histograms.set(slot, offsetMs, histogram);
    const starts = startMs === 0 ? undefined : Float64Array.of(startMs);
    this.append(Uint32Array.of(slot), Int32Array.of(offsetMs), HISTOGRAM_MARKER, 1, starts);
  }

  /** True where the slot has a sample of exactly this time. */
  hasSampleAt(slot: number, timestampMs: number): boolean {
    const offset = timestampMs - this.startMs;
    const last = this.#lastChunks[slot]!;
    const isSorted = this.#isUnsorted[slot] === 0;
    for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
      const offsets = this.#pool.offsets[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === last ? this.#lastFills[slot]! : CHUNK_SAMPLES);
      if (isSorted && offsets[end - 1]! < offset) continue;
      for (let i = place; i < end; i++) if (offsets[i] === offset) return true;
      if (isSorted) return false;
    }
    return false;
  }

  /** True where the slot has a sample with a time in `[fromMs, toMs]`, up to the slot's span in unsorted slots. */
  overlaps(slot: number, fromMs: number, toMs: number): boolean {
    if (this.startMs + this.#newest[slot]! < fromMs) return false;
    if (toMs >= this.endMs - 1) return true;
    const first = this.#firstChunks[slot]!;
    if (first === 0) return false;
    return (
      this.#isUnsorted[slot] === 1 || this.startMs + this.#pool.offsets[segmentOf(first)]![placeOf(first)]! <= toMs
    );
  }

  /** Times of the oldest and the newest sample, in ms; minMs > maxMs where there is none. */
  times(): { readonly minMs: number; readonly maxMs: number } {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let slot = 0; slot < this.#slotCount; slot++) {
      const isSorted = this.#isUnsorted[slot] === 0;
      if (this.#newest[slot]! > max) max = this.#newest[slot]!;
      for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
        const offsets = this.#pool.offsets[segmentOf(chunk)]!;
        const place = placeOf(chunk);
        const end = place + (chunk === this.#lastChunks[slot] ? this.#lastFills[slot]! : CHUNK_SAMPLES);
        for (let i = place; i < (isSorted ? place + 1 : end); i++) if (offsets[i]! < min) min = offsets[i]!;
        if (isSorted) break;
      }
    }
    return { minMs: this.startMs + min, maxMs: this.startMs + max };
  }

  /** Most samples that `read` can give for the slot. */
  countOf(slot: number): number {
    let count = this.#lastFills[slot]!;
    const last = this.#lastChunks[slot]!;
    for (let chunk = this.#firstChunks[slot]!; chunk !== last; chunk = this.#pool.next(chunk)) count += CHUNK_SAMPLES;
    return count;
  }

  /**
   * Writes the slot's samples with times in `[fromMs, toMs]` to `columns` from `at` on, in order of time.
   * @returns the position behind the last one
   */
  read(slot: number, fromMs: number, toMs: number, columns: WindowColumns, at: number): number {
    const { timestamps, values } = columns;
    const start = this.startMs;
    const from = fromMs - start;
    const to = toMs - start;
    const begin = at;
    const isSorted = this.#isUnsorted[slot] === 0;
    const last = this.#lastChunks[slot]!;
    for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
      const offsets = this.#pool.offsets[segmentOf(chunk)]!;
      const chunkValues = this.#pool.values[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === last ? this.#lastFills[slot]! : CHUNK_SAMPLES);
      if (isSorted && offsets[end - 1]! < from) continue;
      if (isSorted && offsets[place]! > to) break;
      for (let i = place; i < end; i++) {
        const offset = offsets[i]!;
        if (offset >= from && offset <= to) {
          timestamps[at] = start + offset;
          values[at++] = chunkValues[i]!;
        }
      }
    }
    if (!isSorted) sortColumns(timestamps, values, begin, at);
    return at;
  }

  /** Time of the slot's first sample at or after `fromMs`; NaN where there is none, or the slot is not in order. */
  firstTime(slot: number, fromMs: number): number {
    if (this.#isUnsorted[slot] === 1) return Number.NaN;
    const from = fromMs - this.startMs;
    const last = this.#lastChunks[slot]!;
    for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
      const offsets = this.#pool.offsets[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === last ? this.#lastFills[slot]! : CHUNK_SAMPLES);
      if (offsets[end - 1]! < from) continue;
      let at = place;
      while (offsets[at]! < from) at++;
      return this.startMs + offsets[at]!;
    }
    return Number.NaN;
  }

  /**
   * Writes the slot's values with times in `[fromMs, toMs]` to `values` from `at` on, as long as their times are those
   * that `timestamps` has from `at` on.
   * @returns the position behind the last one, or -1 where the times differ or the slot is not in order
   */
  readValues(
    slot: number,
    fromMs: number,
    toMs: number,
    timestamps: Float64Array,
    values: Float64Array,
    at: number,
  ): number {
    if (this.#isUnsorted[slot] === 1) return -1;
    const start = this.startMs;
    const from = fromMs - start;
    const to = toMs - start;
    const last = this.#lastChunks[slot]!;
    for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
      const segment = segmentOf(chunk);
      const offsets = this.#pool.offsets[segment]!;
      let first = placeOf(chunk);
      let end = first + (chunk === last ? this.#lastFills[slot]! : CHUNK_SAMPLES);
      if (offsets[end - 1]! < from) continue;
      if (offsets[first]! > to) break;
      while (offsets[first]! < from) first++;
      while (end > first && offsets[end - 1]! > to) end--;
      if (at + end - first > timestamps.length) return -1;
      at = copyAtTimes(offsets, this.#pool.values[segment]!, first, end, start, timestamps, values, at);
      if (at < 0) return -1;
    }
    return at;
  }

  /** The kernel's memory that the samples are in, where there is one. */
  get memory(): ChunkMemory | undefined {
    return this.#pool.memory;
  }

  /**
   * Lets the kernel copy the slot's samples with times in `[fromMs, toMs]` to its columns from `at` on.
   * @param known the times are to be those that the memory expects, and only the values are copied
   * @param room most samples in the columns
   * @returns the position behind the last one; negative where the times differ, or the kernel cannot do it
   */
  copyByKernel(
    slot: number,
    fromMs: number,
    toMs: number,
    memory: ChunkMemory,
    at: number,
    room: number,
    known: boolean,
  ): number {
    if (this.#isUnsorted[slot] === 1) return -1;
    const start = this.startMs;
    return memory.copyChain(
      this.#firstChunks[slot]!,
      this.#lastChunks[slot]!,
      this.#lastFills[slot]!,
      Math.max(0, Math.ceil(fromMs - start)),
      Math.min(MAX_OFFSET, Math.floor(toMs - start)),
      start,
      at,
      room,
      known ? 1 : 0,
    );
  }

  /** Writes the slot's newest sample with a time in `[fromMs, toMs]` to `columns[0]`; false where there is none. */
  readNewest(slot: number, fromMs: number, toMs: number, columns: WindowColumns): boolean {
    const from = fromMs - this.startMs;
    const to = toMs - this.startMs;
    const newest = this.#newest[slot]!;
    if (newest < from) return false;
    const last = this.#lastChunks[slot]!;
    if (this.#isUnsorted[slot] === 0 && newest <= to && last !== 0) {
      columns.timestamps[0] = this.startMs + newest;
      columns.values[0] = this.#pool.values[segmentOf(last)]![placeOf(last) + this.#lastFills[slot]! - 1]!;
      return true;
    }
    let found = -1;
    for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
      const offsets = this.#pool.offsets[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === last ? this.#lastFills[slot]! : CHUNK_SAMPLES);
      for (let i = place; i < end; i++) {
        const offset = offsets[i]!;
        if (offset < from || offset > to || offset <= found) continue;
        found = offset;
        columns.values[0] = this.#pool.values[segmentOf(chunk)]![i]!;
      }
      if (this.#isUnsorted[slot] === 0 && offsets[end - 1]! > to) break;
    }
    columns.timestamps[0] = this.startMs + found;
    return found >= from && found >= 0;
  }

  /** Keeps the samples readable until `release`, also when the window is dropped meanwhile. */
  retain(): void {
    this.#readers++;
  }

  release(): void {
    this.#readers--;
    if (this.isDropped && this.#readers === 0) this.#free();
  }

  /** Gives the room of all samples back to the pool, as soon as nobody reads them. */
  drop(): void {
    if (this.isDropped) return;
    this.isDropped = true;
    if (this.#readers === 0) this.#free();
  }

  /** Frees chunks in steps, so that a million slots do not hold up the event loop. */
  #free(): void {
    const chunks = this.#firstChunks;
    const count = this.#slotCount;
    const pool = this.#pool;
    const freeFrom = (first: number): void => {
      const end = Math.min(first + SLOTS_PER_TURN, count);
      for (let slot = first; slot < end; slot++) pool.freeChain(chunks[slot]!);
      if (end < count) setImmediate(freeFrom, end);
    };
    freeFrom(0);
    this.histograms = undefined;
    this.startTimes = undefined;
    this.sampleCount = 0;
    this.#slotCount = 0;
    this.#pages.length = 0;
    this.#pageCount = 0;
  }

  #setPage(series: number, value: number): void {
    const pageIndex = series >>> PAGE_BITS;
    while (this.#pages.length <= pageIndex) this.#pages.push(undefined);
    let page = this.#pages[pageIndex];
    if (page === undefined) {
      page = new Uint32Array(1 << PAGE_BITS);
      this.#pages[pageIndex] = page;
      this.#pageCount++;
    }
    page[series & PAGE_MASK] = value;
  }

  /** Few slots double; many grow at once, as copying them again and again would take longer than a turn may. */
  #grow(atLeast: number): void {
    const length = atLeast < MANY_SLOTS ? atLeast : Math.max(atLeast, this.#expectedSlots());
    this.#series = growUint32(this.#series, length);
    this.#firstChunks = growUint32(this.#firstChunks, length);
    this.#lastChunks = growUint32(this.#lastChunks, length);
    this.#lastFills = growUint8(this.#lastFills, length);
    this.#newest = growInt32(this.#newest, length);
    this.#isUnsorted = growUint8(this.#isUnsorted, length);
  }

  #push(slot: number, offset: number, value: number): void {
    let chunk = this.#lastChunks[slot]!;
    let fill = this.#lastFills[slot]!;
    if (chunk === 0 || fill === CHUNK_SAMPLES) {
      const next = this.#pool.allocate();
      if (chunk === 0) this.#firstChunks[slot] = next;
      else this.#pool.link(chunk, next);
      this.#lastChunks[slot] = next;
      chunk = next;
      fill = 0;
    }
    const place = placeOf(chunk) + fill;
    const segment = segmentOf(chunk);
    this.#pool.offsets[segment]![place] = offset;
    this.#pool.values[segment]![place] = value;
    this.#lastFills[slot] = fill + 1;
    this.sampleCount++;
  }

  /** A sample that is not newer than the slot's newest: replaces the one of its time, or makes the slot unsorted. */
  #insert(slot: number, offset: number, values: Float64Array, index: number): void {
    const last = this.#lastChunks[slot]!;
    const isUnsorted = this.#isUnsorted[slot] === 1;
    if (last !== 0 && !isUnsorted && offset === this.#newest[slot]) {
      this.#pool.values[segmentOf(last)]![placeOf(last) + this.#lastFills[slot]! - 1] = values[index]!;
      return;
    }
    for (let chunk = this.#firstChunks[slot]!; chunk !== 0; chunk = this.#pool.next(chunk)) {
      const offsets = this.#pool.offsets[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === last ? this.#lastFills[slot]! : CHUNK_SAMPLES);
      if (!isUnsorted && offsets[end - 1]! < offset) continue;
      for (let i = place; i < end; i++) {
        if (offsets[i] === offset) {
          this.#pool.values[segmentOf(chunk)]![i] = values[index]!;
          return;
        }
      }
      if (!isUnsorted) break;
    }
    this.#isUnsorted[slot] = 1;
    this.#push(slot, offset, values[index]!);
  }
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
