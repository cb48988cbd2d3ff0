import { packBits } from './bit-pack.ts';
import type { ByteWriter } from './byte-writer.ts';
import { MAX_LOW_WIDTH } from './column-format.ts';
import { MOST_SYMBOLS } from './symbols.ts';
import { SymbolsEncoder } from './symbols-encode.ts';

/** Bits of an entry that become a symbol. */
const SYMBOL_BITS = 4;

/** Splits the entries of a mini-block into symbols, their highest four bits, and the bits below them. */
export class HighSymbols {
  readonly #encoder = new SymbolsEncoder();
  #symbols = new Uint8Array(512);
  #entries: Float64Array = new Float64Array(0);
  #lows = new Float64Array(512);
  #from = 0;
  #total = 0;
  #base = 0;
  #kinds = 0;
  /** Bits below the symbols. */
  lowWidth = 0;

  /**
   * Splits `entries[from…to-1] - base`, of which the greatest has `width` bits, at least one. Returns about how many
   * bytes they take so.
   */
  take(entries: Float64Array, from: number, to: number, base: number, width: number): number {
    const lowWidth = Math.max(0, width - SYMBOL_BITS);
    if (lowWidth > MAX_LOW_WIDTH) return Number.POSITIVE_INFINITY;
    const total = to - from;
    if (this.#symbols.length < total) {
      this.#symbols = new Uint8Array(2 * total);
      this.#lows = new Float64Array(2 * total);
    }
    const { counts } = this.#encoder;
    counts.fill(0);
    const scale = 2 ** -lowWidth;
    const symbols = this.#symbols;
    for (let i = from; i < to; i++) {
      const symbol = (entries[i]! - base) * scale;
      symbols[i - from] = symbol;
      counts[symbol & (MOST_SYMBOLS - 1)]!++;
    }
    let kinds = MOST_SYMBOLS;
    while (counts[kinds - 1] === 0) kinds--;
    this.#entries = entries;
    this.#from = from;
    this.#total = total;
    this.#base = base;
    this.#kinds = kinds;
    this.lowWidth = lowWidth;
    return this.#encoder.measure(total, kinds) + Math.ceil((total * lowWidth) / 8);
  }

  /** Adds what was split last: the low bits and the symbols. */
  write(writer: ByteWriter): void {
    const total = this.#total;
    const lows = this.#lows;
    const scale = 2 ** this.lowWidth;
    for (let i = 0; i < total; i++) {
      lows[i] = this.#entries[this.#from + i]! - this.#base - this.#symbols[i]! * scale;
    }
    packBits(writer, lows, 0, total, 0, this.lowWidth);
    this.#encoder.write(writer, this.#symbols, total, this.#kinds);
  }
}
