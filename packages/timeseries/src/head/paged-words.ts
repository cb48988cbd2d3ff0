const PAGE_BITS = 12;
const PAGE_WORDS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_WORDS - 1;

/** A u32 array that grows by pages: nothing is ever copied, so that growing takes no time however long it is. */
export class PagedWords {
  readonly #pages: Uint32Array[] = [];

  get memoryBytes(): number {
    return this.#pages.length * PAGE_WORDS * 4;
  }

  /** Makes room for `length` words; new ones are 0. */
  reserve(length: number): void {
    while (this.#pages.length << PAGE_BITS < length) this.#pages.push(new Uint32Array(PAGE_WORDS));
  }

  get(index: number): number {
    return this.#pages[index >>> PAGE_BITS]![index & PAGE_MASK]!;
  }

  set(index: number, word: number): void {
    this.#pages[index >>> PAGE_BITS]![index & PAGE_MASK] = word;
  }
}
