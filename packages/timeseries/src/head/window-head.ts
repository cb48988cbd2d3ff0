import type { ChunkMemory } from './chunk-memory.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { HISTOGRAM_MARKER, HistogramStore } from './histogram-store.ts';
import { SampleChains } from './sample-chains.ts';
import { SlotIndex } from './slot-index.ts';
import { StartTimes } from './start-times.ts';

/** In the tables of a slot. */
const SLOT_BYTES = 18;
const MANY_SLOTS = 8192;

/**
 * The recent samples of one time window: the in-memory twin of one journal lane. What it has of a series is at the
 * series' slot (see slot-index.ts). It is read by the functions of read-window.ts.
 */
export class WindowHead {
  readonly lane: number;
  /** Unix milliseconds. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly chains: SampleChains;
  /** True once the window is not part of the head any more; who has retained it may still read it. */
  isDropped = false;
  /** Calls that brought samples. */
  appends = 0;
  /** Native histograms of the window, where it has any: in the columns stands a marker for each. */
  histograms: HistogramStore | undefined;
  /** When counters began to count, where anybody has said it. */
  startTimes: StartTimes | undefined;
  #readers = 0;
  readonly #slots = new SlotIndex();
  readonly #expectedSlots: () => number;

  /** @param expectedSlots how many series a window with many of them will have */
  constructor(pool: ChunkPool, lane: number, startMs: number, durationMs: number, expectedSlots = () => 0) {
    this.chains = new SampleChains(pool);
    this.#expectedSlots = expectedSlots;
    this.lane = lane;
    this.startMs = startMs;
    this.durationMs = durationMs;
  }

  get endMs(): number {
    return this.startMs + this.durationMs;
  }

  get slotCount(): number {
    return this.#slots.count;
  }

  /** Samples held, without duplicates. */
  get sampleCount(): number {
    return this.chains.sampleCount;
  }

  /** Bytes of the slot tables; the samples are the pool's. */
  get memoryBytes(): number {
    return (
      this.slotCount * SLOT_BYTES +
      this.#slots.pageBytes +
      512 +
      (this.histograms?.memoryBytes ?? 0) +
      (this.startTimes?.memoryBytes ?? 0)
    );
  }

  /** The kernel's memory that the samples are in, where there is one. */
  get memory(): ChunkMemory | undefined {
    return this.chains.pool.memory;
  }

  seriesOf(slot: number): number {
    return this.#slots.seriesOf(slot);
  }

  /** Slot of a series, or -1 where the window does not have it. */
  slotOf(series: number): number {
    return this.#slots.slotOf(series);
  }

  /** Series may have been given slots ahead of their samples. */
  hasSamples(slot: number): boolean {
    return this.chains.firstChunks[slot] !== 0;
  }

  /** Gives the next slot to a series that has none yet. */
  addSlot(series: number): number {
    if (this.#slots.count === this.#slots.room) this.#grow(this.#slots.count + 1);
    const slot = this.#slots.add(series);
    this.chains.addSlot(slot);
    return slot;
  }

  /** The slots of the first `count` of `series`, which get one where they have none. */
  slotsFor(series: Uint32Array, count: number, slots: Uint32Array): void {
    let from = this.#slots.find(series, 0, count, slots);
    while (from < count) {
      slots[from] = this.addSlot(series[from]!);
      from = this.#slots.find(series, from + 1, count, slots);
    }
  }

  /** Takes back the newest slots, which have no samples yet, down to `slotCount`. */
  removeSlotsFrom(slotCount: number): void {
    this.#slots.removeFrom(slotCount);
  }

  /**
   * Adds `count` samples: slots, offsets in milliseconds from the start of the window, values, and when their counters
   * began to count, in Unix milliseconds or 0.
   */
  append(slots: Uint32Array, offsets: Int32Array, values: Float64Array, count: number, starts?: Float64Array): void {
    this.appends++;
    if (starts === undefined && this.startTimes === undefined) this.chains.append(slots, offsets, values, count);
    else this.#appendWithStarts(slots, offsets, values, count, starts);
  }

  /** Adds a native histogram (see histogram-bytes.ts). */
  appendHistogram(slot: number, offsetMs: number, histogram: Uint8Array, startMs = 0): void {
    this.histograms ??= new HistogramStore();
    this.histograms.set(slot, offsetMs, histogram);
    const starts = startMs === 0 ? undefined : Float64Array.of(startMs);
    this.append(Uint32Array.of(slot), Int32Array.of(offsetMs), HISTOGRAM_MARKER, 1, starts);
  }

  /** Time of the slot's newest sample, in ms from the start of the window. */
  newestOffset(slot: number): number {
    return this.chains.newest[slot]!;
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

  #free(): void {
    this.chains.free(this.slotCount);
    this.#slots.clear();
    this.histograms = undefined;
    this.startTimes = undefined;
  }

  #appendWithStarts(
    slots: Uint32Array,
    offsets: Int32Array,
    values: Float64Array,
    count: number,
    starts: Float64Array | undefined,
  ): void {
    this.startTimes ??= new StartTimes();
    const { chains } = this;
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      const offset = offsets[i]!;
      this.startTimes.set(slot, offset, starts?.[i] ?? 0, offset >= chains.newest[slot]!);
      chains.add(slot, offset, values, i);
    }
  }

  /** Few slots double; many grow at once, as copying them again and again would take longer than a turn may. */
  #grow(atLeast: number): void {
    const slots = atLeast < MANY_SLOTS ? atLeast : Math.max(atLeast, this.#expectedSlots());
    this.#slots.reserve(slots);
    this.chains.reserve(slots);
  }
}
