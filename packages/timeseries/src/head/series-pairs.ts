import { PagedWords } from './paged-words.ts';
import { placeOf, WordArena } from './word-arena.ts';

/** The label pairs of each series, in the order of their names. */
export class SeriesPairs {
  readonly #arena = new WordArena();
  /** Where the pairs of a series are, and how many. */
  readonly #addresses = new PagedWords();
  readonly #counts = new PagedWords();

  get memoryBytes(): number {
    return this.#arena.usedBytes + this.#addresses.memoryBytes + this.#counts.memoryBytes;
  }

  /** @param pairs one at least */
  set(series: number, pairs: readonly number[]): void {
    this.#addresses.reserve(series + 1);
    this.#counts.reserve(series + 1);
    const address = this.#arena.allocate(pairs.length);
    const page = this.#arena.page(address);
    const place = placeOf(address);
    for (let i = 0; i < pairs.length; i++) page[place + i] = pairs[i]!;
    this.#addresses.set(series, address);
    this.#counts.set(series, pairs.length);
  }

  forEach(series: number, visit: (pair: number) => void): void {
    const address = this.#addresses.get(series);
    const page = this.#arena.page(address);
    const from = placeOf(address);
    const end = from + this.#counts.get(series);
    for (let i = from; i < end; i++) visit(page[i]!);
  }

  release(series: number): void {
    this.#arena.free(this.#addresses.get(series), this.#counts.get(series));
  }
}
