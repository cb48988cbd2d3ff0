import { CHUNK_SAMPLES, type ChunkPool, placeOf, segmentOf } from './chunk-pool.ts';
import { growInt32, growUint8, growUint32 } from './growable.ts';

const SLOTS_PER_TURN = 4096;
const NO_OFFSETS: Int32Array = new Int32Array(0);
const NO_VALUES: Float64Array = new Float64Array(0);

/**
 * The samples of a window's slots: of each a chain of the pool's chunks, with times as offsets in milliseconds from the
 * start of the window. A slot never holds two samples of the same time: the same value again is free, another value
 * replaces the first. The tables are for reading (see read-window.ts) and move when they grow.
 */
export class SampleChains {
  readonly pool: ChunkPool;
  /** First and last chunk of a slot; 0 where it has no samples. */
  firstChunks = new Uint32Array(16);
  lastChunks = new Uint32Array(16);
  /** Samples in the last chunk. */
  lastFills = new Uint8Array(16);
  /** Offset of the newest sample of a slot; -1 where there is none. */
  newest = new Int32Array(16);
  /** 1 where a slot's samples are not in order of time. */
  isUnsorted = new Uint8Array(16);
  #sampleCount = 0;

  constructor(pool: ChunkPool) {
    this.pool = pool;
  }

  /** Samples held, without duplicates. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  reserve(slots: number): void {
    this.firstChunks = growUint32(this.firstChunks, slots);
    this.lastChunks = growUint32(this.lastChunks, slots);
    this.lastFills = growUint8(this.lastFills, slots);
    this.newest = growInt32(this.newest, slots);
    this.isUnsorted = growUint8(this.isUnsorted, slots);
  }

  /** Begins an empty chain. */
  addSlot(slot: number): void {
    this.newest[slot] = -1;
  }

  /**
   * Adds the first `count` samples, one after the other as {@link add} does. Nearly all are newer than their slots' newest,
   * and their last chunks lie in few segments: then the loop touches nothing but arrays.
   */
  append(slots: Uint32Array, offsets: Int32Array, values: Float64Array, count: number): void {
    const { pool, newest, lastChunks, lastFills } = this;
    let segment = -1;
    let segmentOffsets = NO_OFFSETS;
    let segmentValues = NO_VALUES;
    let pushed = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      const offset = offsets[i]!;
      if (offset <= newest[slot]!) {
        this.#insert(slot, offset, values, i);
        // A further segment may have moved the others.
        segment = -1;
        continue;
      }
      let chunk = lastChunks[slot]!;
      let fill = lastFills[slot]!;
      if (chunk === 0 || fill === CHUNK_SAMPLES) {
        chunk = this.#addChunk(slot, chunk);
        fill = 0;
        segment = -1;
      }
      if (segmentOf(chunk) !== segment) {
        segment = segmentOf(chunk);
        segmentOffsets = pool.offsets[segment]!;
        segmentValues = pool.values[segment]!;
      }
      const place = placeOf(chunk) + fill;
      segmentOffsets[place] = offset;
      segmentValues[place] = values[i]!;
      newest[slot] = offset;
      lastFills[slot] = fill + 1;
      pushed++;
    }
    this.#sampleCount += pushed;
  }

  /** Adds the sample `values[index]`. */
  add(slot: number, offset: number, values: Float64Array, index: number): void {
    if (offset > this.newest[slot]!) {
      this.newest[slot] = offset;
      this.#push(slot, offset, values[index]!);
    } else {
      this.#insert(slot, offset, values, index);
    }
  }

  /** Frees the chains of the first `slotCount` slots in steps, so that a million do not hold up the event loop. */
  free(slotCount: number): void {
    const chunks = this.firstChunks;
    const pool = this.pool;
    const freeFrom = (first: number): void => {
      const end = Math.min(first + SLOTS_PER_TURN, slotCount);
      for (let slot = first; slot < end; slot++) pool.freeChain(chunks[slot]!);
      if (end < slotCount) setImmediate(freeFrom, end);
    };
    freeFrom(0);
    this.#sampleCount = 0;
  }

  #push(slot: number, offset: number, value: number): void {
    let chunk = this.lastChunks[slot]!;
    let fill = this.lastFills[slot]!;
    if (chunk === 0 || fill === CHUNK_SAMPLES) {
      chunk = this.#addChunk(slot, chunk);
      fill = 0;
    }
    const place = placeOf(chunk) + fill;
    const segment = segmentOf(chunk);
    this.pool.offsets[segment]![place] = offset;
    this.pool.values[segment]![place] = value;
    this.lastFills[slot] = fill + 1;
    this.#sampleCount++;
  }

  /** A further chunk of the slot, behind its last one if there is one. */
  #addChunk(slot: number, last: number): number {
    const next = this.pool.allocate();
    if (last === 0) this.firstChunks[slot] = next;
    else this.pool.link(last, next);
    this.lastChunks[slot] = next;
    return next;
  }

  /** A sample that is not newer than the slot's newest: replaces the one of its time, or makes the slot unsorted. */
  #insert(slot: number, offset: number, values: Float64Array, index: number): void {
    const last = this.lastChunks[slot]!;
    const isUnsorted = this.isUnsorted[slot] === 1;
    if (last !== 0 && !isUnsorted && offset === this.newest[slot]) {
      this.pool.values[segmentOf(last)]![placeOf(last) + this.lastFills[slot]! - 1] = values[index]!;
      return;
    }
    for (let chunk = this.firstChunks[slot]!; chunk !== 0; chunk = this.pool.next(chunk)) {
      const offsets = this.pool.offsets[segmentOf(chunk)]!;
      const place = placeOf(chunk);
      const end = place + (chunk === last ? this.lastFills[slot]! : CHUNK_SAMPLES);
      if (!isUnsorted && offsets[end - 1]! < offset) continue;
      for (let i = place; i < end; i++) {
        if (offsets[i] === offset) {
          this.pool.values[segmentOf(chunk)]![i] = values[index]!;
          return;
        }
      }
      if (!isUnsorted) break;
    }
    this.isUnsorted[slot] = 1;
    this.#push(slot, offset, values[index]!);
  }
}
