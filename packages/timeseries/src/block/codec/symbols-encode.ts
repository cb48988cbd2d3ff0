import type { ByteWriter } from './byte-writer.ts';
import { EVEN_FLAG, evenShares, MOST_SYMBOLS, STATES, spreadSymbols, stateBits } from './symbols.ts';

/** Logarithms of lesser counts are in a table. */
const LARGEST_LOGARITHM = 4096;
/** `n * log2 n` */
const logarithms = Float64Array.from({ length: LARGEST_LOGARITHM }, (_, n) => (n < 2 ? 0 : n * Math.log2(n)));

/** Finds out what symbols cost, and writes them; see symbols.ts. */
export class SymbolsEncoder {
  /** How often each symbol comes. */
  readonly counts = new Uint32Array(MOST_SYMBOLS);
  readonly #shares = new Uint16Array(MOST_SYMBOLS);
  readonly #starts = new Uint16Array(MOST_SYMBOLS);
  readonly #symbolOf = new Uint8Array(STATES);
  /** The states of symbol 0 in ascending order, then those of symbol 1, and so on. */
  readonly #stateOf = new Uint8Array(STATES);
  #bits = new Uint8Array(512);
  #bitCounts = new Uint8Array(512);

  /** About how many bytes `total` symbols take, of which each comes as often as `counts` says; `counts` of 16. */
  measure(total: number, kinds: number): number {
    const { counts } = this;
    let bits = nLogN(total);
    for (let i = 0; i < kinds; i++) bits -= nLogN(counts[i]!);
    const evenBits = total * Math.log2(kinds);
    return 5 + Math.min(bits / 8 + kinds, evenBits / 8);
  }

  /** Adds `symbols[0…total-1]`, numbers below `kinds`, which is 2 to 16. The counts must be theirs. */
  write(writer: ByteWriter, symbols: Uint8Array, total: number, kinds: number): void {
    this.#writeShares(writer, total, kinds);
    this.#assignStates(kinds);
    if (this.#bits.length < total) {
      this.#bits = new Uint8Array(2 * total);
      this.#bitCounts = new Uint8Array(2 * total);
    }
    const starts = this.#starts;
    const shares = this.#shares;
    const stateOf = this.#stateOf;
    let even = 0;
    let odd = 0;
    let bitCount = 0;
    for (let i = total - 1; i >= 0; i--) {
      const symbol = symbols[i]!;
      const share = shares[symbol]!;
      const x = ((i & 1) === 0 ? even : odd) + STATES;
      let bits = stateBits(share);
      if (x >>> bits < share) bits--;
      this.#bits[i] = x & ((1 << bits) - 1);
      this.#bitCounts[i] = bits;
      bitCount += bits;
      const next = stateOf[starts[symbol]! + (x >>> bits) - share]!;
      if ((i & 1) === 0) even = next;
      else odd = next;
    }
    const bytes = 2 + ((bitCount + 7) >>> 3);
    writer.varint(bytes);
    writer.byte(even);
    writer.byte(odd);
    this.#writeBits(writer, total);
  }

  #writeShares(writer: ByteWriter, total: number, kinds: number): void {
    const { counts } = this;
    const shares = this.#shares;
    let ownBits = nLogN(total);
    for (let i = 0; i < kinds; i++) ownBits -= nLogN(counts[i]!);
    if (total * Math.log2(kinds) <= ownBits + kinds * 8) {
      evenShares(kinds, shares);
      writer.byte(kinds | EVEN_FLAG);
      return;
    }
    this.#shareOut(total, kinds);
    writer.byte(kinds);
    for (let i = 0; i < kinds; i++) writer.byte(shares[i]!);
  }

  /** Gives every symbol that comes a share that is near its own, at least one. */
  #shareOut(total: number, kinds: number): void {
    const { counts } = this;
    const shares = this.#shares;
    let left = STATES;
    for (let i = 0; i < kinds; i++) {
      const count = counts[i]!;
      const share = count === 0 ? 0 : Math.max(1, Math.round((count * STATES) / total));
      shares[i] = share;
      left -= share;
    }
    for (; left !== 0; left -= Math.sign(left)) {
      const step = Math.sign(left);
      // To or from the symbol for which it changes the least.
      let best = -1;
      let bestGain = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < kinds; i++) {
        const share = shares[i]!;
        if (share === 0 || share + step === 0) continue;
        const gain = counts[i]! * Math.log2((share + step) / share);
        if (gain > bestGain) {
          bestGain = gain;
          best = i;
        }
      }
      shares[best] = shares[best]! + step;
    }
  }

  #assignStates(kinds: number): void {
    const starts = this.#starts;
    const shares = this.#shares;
    spreadSymbols(shares, kinds, this.#symbolOf);
    let start = 0;
    for (let i = 0; i < kinds; i++) {
      starts[i] = start;
      start += shares[i]!;
    }
    for (let state = 0; state < STATES; state++) {
      const symbol = this.#symbolOf[state]!;
      const place = starts[symbol]!;
      this.#stateOf[place] = state;
      starts[symbol] = place + 1;
    }
    for (let i = 0; i < kinds; i++) starts[i] = starts[i]! - shares[i]!;
  }

  #writeBits(writer: ByteWriter, total: number): void {
    writer.reserve(total + 4);
    const { bytes } = writer;
    let at = writer.length;
    let word = 0;
    let held = 0;
    for (let i = 0; i < total; i++) {
      word |= this.#bits[i]! << held;
      held += this.#bitCounts[i]!;
      while (held >= 8) {
        bytes[at++] = word;
        word >>>= 8;
        held -= 8;
      }
    }
    if (held > 0) bytes[at++] = word;
    writer.length = at;
  }
}

function nLogN(n: number): number {
  return n < LARGEST_LOGARITHM ? logarithms[n]! : n * Math.log2(n);
}
