/** The largest counts, descending; of equal ones those that came first. */
export class TopList<Key> {
  readonly list: { readonly key: Key; readonly value: number }[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param key made where it is among the largest */
  add(value: number, key: () => Key): void {
    const { list } = this;
    if (list.length === this.#limit && value <= list[list.length - 1]!.value) return;
    let at = list.length;
    while (at > 0 && list[at - 1]!.value < value) at--;
    list.splice(at, 0, { key: key(), value });
    if (list.length > this.#limit) list.pop();
  }
}
