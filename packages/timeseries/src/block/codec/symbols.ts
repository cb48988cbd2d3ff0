/**
 * A list of symbols 0…15 in as few bits as their shares allow: a table-driven asymmetric numeral system (tANS) with 256
 * states. Two states take turns, so that a processor can follow both at once.
 *
 *     symbols := kinds + 32 * are even u8, [ { share u8 } ], bytes varint, state u8, state u8, { bits, low bits first }
 *
 * Symbols are 0…kinds-1. Shares are in 256ths and add up to 256; *even* ones are `floor(256 * (i + 1) / kinds) -
 * floor(256 * i / kinds)`. The states are assigned to the symbols by walking in steps of 163 from state 0 on, `share`
 * states for each symbol in turn. Of the states of a symbol with `share` of them, the i-th in ascending order stands for
 * `x = share + i`: it reads `b = 8 - floor(log2 x)` bits, and what follows is state `x * 2^b - 256 + bits`. Symbol i is that
 * of state i mod 2 of the pair. Behind the last symbols both states are 0 again.
 */

export const MOST_SYMBOLS = 16;
export const STATES = 256;
export const EVEN_FLAG = 32;
const STATE_BITS = 8;
const SPREAD_STEP = 163;

/** Which symbol each state has. */
export function spreadSymbols(shares: Uint16Array, kinds: number, symbolOf: Uint8Array): void {
  let state = 0;
  for (let symbol = 0; symbol < kinds; symbol++) {
    for (let i = shares[symbol]!; i > 0; i--) {
      symbolOf[state] = symbol;
      state = (state + SPREAD_STEP) & (STATES - 1);
    }
  }
}

/** Bits that are read in the state that stands for `x`, from 1 to 511. */
export function stateBits(x: number): number {
  return STATE_BITS - 31 + Math.clz32(x);
}

export function evenShares(kinds: number, shares: Uint16Array): void {
  let before = 0;
  for (let i = 0; i < kinds; i++) {
    const next = Math.floor((STATES * (i + 1)) / kinds);
    shares[i] = next - before;
    before = next;
  }
}
