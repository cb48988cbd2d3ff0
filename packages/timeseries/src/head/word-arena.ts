const PAGE_BITS = 15;
const PAGE_WORDS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_WORDS - 1;

/**
 * Runs of u32 words, in pages that a run does not cross. What is freed serves later runs of the same length. Address 0
 * is never handed out, so that it can mean none.
 */
export class WordArena {
  readonly #pages: Uint32Array[] = [];
  /** The first free run by length; each begins with the address of the next. */
  readonly #free: number[] = [0];
  #end = 1;
  #usedWords = 0;

  /** Bytes of the runs in use. */
  get usedBytes(): number {
    return this.#usedWords * 4;
  }

  /** @param length in words, at most a page of 32,768; the content is undefined */
  allocate(length: number): number {
    this.#usedWords += length;
    const free = this.#free[length];
    if (free !== undefined && free !== 0) {
      this.#free[length] = this.page(free)[placeOf(free)]!;
      return free;
    }
    if ((this.#end & PAGE_MASK) + length > PAGE_WORDS) this.#end = (this.#end | PAGE_MASK) + 1;
    const address = this.#end;
    this.#end += length;
    while (this.#pages.length << PAGE_BITS < this.#end) this.#pages.push(new Uint32Array(PAGE_WORDS));
    return address;
  }

  free(address: number, length: number): void {
    this.#usedWords -= length;
    while (this.#free.length <= length) this.#free.push(0);
    this.page(address)[placeOf(address)] = this.#free[length]!;
    this.#free[length] = address;
  }

  /** The page that the run at `address` is in; the run begins at `placeOf(address)`. */
  page(address: number): Uint32Array {
    return this.#pages[address >>> PAGE_BITS]!;
  }
}

/** Where a run begins in its page. */
export function placeOf(address: number): number {
  return address & PAGE_MASK;
}
