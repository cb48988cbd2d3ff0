import { ChunkPool } from './chunk-pool.ts';
import { Forgetting } from './forgetting.ts';
import { ReadGate } from './read-gate.ts';
import { SeriesTable } from './series-table.ts';
import { WindowHead } from './window-head.ts';
import { timesOf } from './window-times.ts';

/**
 * What is recent, in memory: every series with its labels, and a head per time window. Journal lanes and window
 * heads are one to one; a window that was sealed or dropped may get a further head on a new lane.
 */
export class Head {
  readonly series = new SeriesTable();
  readonly pool = new ChunkPool();
  /** Who reads series or labels over turns of the event loop has to be inside. */
  readonly reads = new ReadGate();
  readonly forgetting = new Forgetting(this);
  readonly durationMs: number;
  /** Windows with series that were dropped so far. */
  drops = 0;
  readonly #byLane = new Map<number, WindowHead>();
  /** The head that takes new samples of a window, by the window's start. */
  readonly #open = new Map<number, WindowHead>();
  #lastLane = 0;

  /** @param lanesAfter new windows get lanes above this number */
  constructor(durationMs: number, lanesAfter = 0) {
    this.durationMs = durationMs;
    this.#lastLane = lanesAfter;
  }

  /** Bytes of series, samples and tables in use. */
  get memoryBytes(): number {
    let bytes = this.series.memoryBytes + this.pool.usedBytes;
    for (const window of this.#byLane.values()) bytes += window.memoryBytes;
    return bytes;
  }

  get sampleCount(): number {
    let count = 0;
    for (const window of this.#byLane.values()) count += window.sampleCount;
    return count;
  }

  /** Times of the oldest and the newest sample, in ms; 0 where there is none. */
  times(): { readonly minMs: number; readonly maxMs: number } {
    const windows = [...this.#byLane.values()].map(timesOf).filter(({ minMs, maxMs }) => minMs <= maxMs);
    if (windows.length === 0) return { minMs: 0, maxMs: 0 };
    return {
      minMs: Math.min(...windows.map(({ minMs }) => minMs)),
      maxMs: Math.max(...windows.map(({ maxMs }) => maxMs)),
    };
  }

  get windowCount(): number {
    return this.#byLane.size;
  }

  /** Start of the window that a time falls into. */
  windowStart(timestampMs: number): number {
    return Math.floor(timestampMs / this.durationMs) * this.durationMs;
  }

  /** The head for new samples of the window that starts at `startMs`, opened on the next lane where there is none. */
  openWindow(startMs: number): WindowHead {
    return this.#open.get(startMs) ?? this.addWindow(this.#lastLane + 1, startMs, this.durationMs);
  }

  /** The head for new samples of the window that starts at `startMs`, where there is one. */
  openedWindow(startMs: number): WindowHead | undefined {
    return this.#open.get(startMs);
  }

  /** The head of a lane, created where the lane is new: for replaying a journal. */
  addWindow(lane: number, startMs: number, durationMs: number): WindowHead {
    const known = this.#byLane.get(lane);
    if (known) return known;
    const window = new WindowHead(this.pool, lane, startMs, durationMs, () => this.series.limit);
    this.#lastLane = Math.max(this.#lastLane, lane);
    this.#byLane.set(lane, window);
    if (durationMs === this.durationMs) this.#open.set(startMs, window);
    return window;
  }

  window(lane: number): WindowHead | undefined {
    return this.#byLane.get(lane);
  }

  /** Heads with room for a sample in `[fromMs, toMs]`, in order of time; of one window, in order of their lanes. */
  windowsBetween(fromMs: number, toMs: number): WindowHead[] {
    const windows: WindowHead[] = [];
    for (const window of this.#byLane.values()) {
      if (window.startMs <= toMs && window.endMs > fromMs) windows.push(window);
    }
    return windows.sort((a, b) => a.startMs - b.startMs || a.lane - b.lane);
  }

  /** Heads whose whole window lies before `timestampMs`. */
  windowsBefore(timestampMs: number): WindowHead[] {
    return [...this.#byLane.values()].filter((window) => window.endMs <= timestampMs);
  }

  /** Every head, in order of their lanes. */
  windows(): WindowHead[] {
    return [...this.#byLane.values()].sort((a, b) => a.lane - b.lane);
  }

  isOpen(window: WindowHead): boolean {
    return this.#open.get(window.startMs) === window;
  }

  /** From now on the window's samples go to a further head. */
  close(window: WindowHead): void {
    if (this.isOpen(window)) this.#open.delete(window.startMs);
  }

  /** Forgets a head and gives its room back once nobody reads it. */
  drop(window: WindowHead): void {
    if (window.slotCount > 0) this.drops++;
    this.#byLane.delete(window.lane);
    if (this.#open.get(window.startMs) === window) this.#open.delete(window.startMs);
    window.drop();
  }
}
