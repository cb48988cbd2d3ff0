import type { Head } from './head.ts';
import type { WindowHead } from './window-head.ts';
import { createYielder } from './yielder.ts';

/** Calls `mark` with the number of every series that it will use again. */
export type SeriesHolder = (mark: (series: number) => void) => void;

const SERIES_PER_TURN = 1024;
/** Marks of a series in a round. */
const BUSY = 1;
const ACTIVE = 2;

/**
 * Takes series out of the head that have no samples in memory any more: all of theirs are in blocks, or expired. Their
 * labels, their place in the index and their numbers serve others then.
 *
 * A series is *condemned* after a few rounds in which no window and no holder had it. Asking for its number, or a
 * sample, saves it until it is removed. Numbers of series and of label pairs come again only once all who were reading
 * when they were removed have left.
 */
export class Forgetting {
  readonly #head: Head;
  readonly #holders = new Set<SeriesHolder>();
  #isRunning = false;
  #forgotten = 0;
  #active = 0;

  constructor(head: Head) {
    this.#head = head;
  }

  /** Series forgotten so far. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Series that the last round has found active. */
  get active(): number {
    return this.#active;
  }

  /** From now on asks the holder which series have to stay. @returns what ends that */
  addHolder(holder: SeriesHolder): () => void {
    this.#holders.add(holder);
    return () => this.#holders.delete(holder);
  }

  /**
   * One round; nothing where another one is under way.
   * @param enough rounds without samples after which a series goes, 2 to 254: one may have been asked for just before
   * @param activeFromMs series with a sample since then are counted as active
   * @returns how many series were forgotten
   */
  async round(
    enough: number,
    activeFromMs = Number.POSITIVE_INFINITY,
    yielder: () => Promise<void> = createYielder(),
  ): Promise<number> {
    if (this.#isRunning) return 0;
    this.#isRunning = true;
    try {
      return await this.#round(Math.min(254, Math.max(2, enough)), activeFromMs, yielder);
    } finally {
      this.#isRunning = false;
    }
  }

  async #round(enough: number, activeFromMs: number, yielder: () => Promise<void>): Promise<number> {
    const { reads, series, drops } = this.#head;
    const condemned = await this.#condemn(enough, activeFromMs, yielder);
    if (condemned.length === 0) return 0;
    // Who reads now may read a window that was dropped, with samples of these series.
    await reads.left();
    const marks = new Uint8Array(series.limit);
    const removed: number[] = [];
    for (let i = 0; i < condemned.length && this.#head.drops === drops; ) {
      const windows = this.#head.windows();
      const end = Math.min(condemned.length, i + SERIES_PER_TURN / 4);
      for (; i < end; i++) if (this.#remove(condemned[i]!, windows)) removed.push(condemned[i]!);
      await yielder();
    }
    for (const id of removed) marks[id] = 1;
    const { pairs, names } = await this.#removeFromIndex(removed, marks, yielder);
    await reads.left();
    for (const pair of pairs) series.index.releasePair(pair);
    for (const name of names) series.index.releaseName(name);
    // The lowest number comes first again.
    for (let i = removed.length - 1; i >= 0; i--) series.release(removed[i]!);
    this.#forgotten += removed.length;
    return removed.length;
  }

  /** Ascending. */
  async #condemn(enough: number, activeFromMs: number, yielder: () => Promise<void>): Promise<number[]> {
    const { series } = this.#head;
    const limit = series.limit;
    const marks = new Uint8Array(limit);
    const mark = (id: number): void => {
      if (id < limit) marks[id]! |= BUSY;
    };
    for (const window of this.#head.windows()) {
      const activeFrom = activeFromMs - window.startMs;
      for (let slot = 0; slot < window.slotCount; slot++) {
        const id = window.seriesOf(slot);
        if (id < limit) marks[id]! |= window.newestOffset(slot) >= activeFrom ? BUSY | ACTIVE : BUSY;
        if (slot % (SERIES_PER_TURN * 16) === 0) await yielder();
      }
    }
    for (const holder of this.#holders) {
      holder(mark);
      await yielder();
    }
    const condemned: number[] = [];
    let active = 0;
    for (let id = 0; id < limit; id++) {
      if (id % (SERIES_PER_TURN * 16) === 0) await yielder();
      if (!series.has(id)) continue;
      if (marks[id]! >= ACTIVE) active++;
      if (marks[id] !== 0) series.idleness.setBusy(id);
      else if (series.idleness.addRound(id, enough)) condemned.push(id);
    }
    this.#active = active;
    return condemned;
  }

  /** False where the series has been asked for, or has samples, since it was condemned. */
  #remove(id: number, windows: readonly WindowHead[]): boolean {
    const { series } = this.#head;
    if (!series.idleness.isCondemned(id) || windows.some((window) => window.slotOf(id) >= 0)) return false;
    series.remove(id);
    return true;
  }

  /** @returns the pairs and names that nobody has any more */
  async #removeFromIndex(removed: readonly number[], marks: Uint8Array, yielder: () => Promise<void>) {
    const { index } = this.#head.series;
    const gone = new Uint8Array(index.pairLimit);
    const isTouched = new Uint8Array(index.pairLimit);
    const touched: number[] = [];
    for (let i = 0; i < removed.length; i++) {
      this.#head.series.forEachPair(removed[i]!, (pair) => {
        if (isTouched[pair] === 0) touched.push(pair);
        isTouched[pair] = 1;
      });
      if (i % SERIES_PER_TURN === 0) await yielder();
    }
    const pairs: number[] = [];
    const names: number[] = [];
    const touchedNames = new Set<number>();
    for (const pair of touched) {
      if (index.removeSeries(pair, marks)) {
        pairs.push(pair);
        gone[pair] = 1;
        touchedNames.add(index.nameIdOf(pair));
      }
      await yielder();
    }
    for (const name of touchedNames) {
      if (index.removePairs(name, gone)) names.push(name);
      await yielder();
    }
    return { pairs, names };
  }
}
