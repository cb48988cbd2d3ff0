import { compareStrings } from '@opendata/promql';
import { MAX_ENTRY_BYTES } from './byte-table.ts';
import { varintLength, writeLabelHead, writeValueHead } from './label-bytes.ts';
import type { LabelIndex } from './label-index.ts';

/** Puts label pairs into the canonical form (see label-bytes.ts). */
export class CanonicalLabels {
  readonly #index: LabelIndex;
  #bytes = new Uint8Array(4096);

  constructor(index: LabelIndex) {
    this.#index = index;
  }

  /** In the order of their names, without the labels that have no value. */
  sorted(pairs: readonly number[]): readonly number[] {
    const index = this.#index;
    return pairs.filter((pair) => pair >= 0).sort((a, b) => compareStrings(index.nameOf(a), index.nameOf(b)));
  }

  /** The label run of sorted pairs; valid until the next call. */
  write(pairs: readonly number[]): DataView {
    let at = 0;
    for (const pair of pairs) {
      const name = this.#index.nameBytes(pair);
      const value = this.#index.valueBytes(pair);
      const needed = at + name.length + value.length + 3 * (1 + varintLength(MAX_ENTRY_BYTES));
      if (needed > this.#bytes.length) {
        const grown = new Uint8Array(needed * 2);
        grown.set(this.#bytes);
        this.#bytes = grown;
      }
      at = writeLabelHead(this.#bytes, at, name.length, value.length);
      this.#bytes.set(name, at);
      at = writeValueHead(this.#bytes, at + name.length, value.length);
      this.#bytes.set(value, at);
      at += value.length;
    }
    return new DataView(this.#bytes.buffer, 0, at);
  }
}
