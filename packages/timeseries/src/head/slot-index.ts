import { growUint32 } from './growable.ts';

const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
const PAGE_BYTES = 4 << PAGE_BITS;

/**
 * Which series are in a window: each has a *slot*, numbered in the order in which the window's lane defines them, so that
 * replaying the lane gives the same slots.
 */
export class SlotIndex {
  #count = 0;
  #series = new Uint32Array(16);
  /** Slot + 1 by series, in pages that exist where a series of the page is in the window. */
  readonly #pages: (Uint32Array | undefined)[] = [];
  #pageCount = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of the pages, without the 4 bytes of each slot. */
  get pageBytes(): number {
    return this.#pageCount * PAGE_BYTES + this.#pages.length * 8;
  }

  seriesOf(slot: number): number {
    return this.#series[slot]!;
  }

  /** Slot of a series, or -1 where the window does not have it. */
  slotOf(series: number): number {
    const page = this.#pages[series >>> PAGE_BITS];
    return page === undefined ? -1 : page[series & PAGE_MASK]! - 1;
  }

  /**
   * Writes the slots of `series` from the position `from` up to `count` to the same positions of `slots`. Whoever sends
   * series again does so in the order in which they came first, so each is looked for behind the one before.
   * @returns the position of the first series that the window does not have, or `count`
   */
  find(series: Uint32Array, from: number, count: number, slots: Uint32Array): number {
    const known = this.#series;
    const slotCount = this.#count;
    let next = 0;
    for (let i = from; i < count; i++) {
      const id = series[i]!;
      const slot = next < slotCount && known[next] === id ? next : this.slotOf(id);
      if (slot < 0) return i;
      slots[i] = slot;
      next = slot + 1;
    }
    return count;
  }

  /** How many slots there is room for. */
  get room(): number {
    return this.#series.length;
  }

  reserve(slots: number): void {
    this.#series = growUint32(this.#series, slots);
  }

  /** Gives the next slot, for which there has to be room, to a series that has none yet. */
  add(series: number): number {
    const slot = this.#count++;
    this.#series[slot] = series;
    this.#setPage(series, slot + 1);
    return slot;
  }

  /** Takes back the newest slots, down to `count`. */
  removeFrom(count: number): void {
    while (this.#count > count) this.#setPage(this.#series[--this.#count]!, 0);
  }

  clear(): void {
    this.#count = 0;
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
}
