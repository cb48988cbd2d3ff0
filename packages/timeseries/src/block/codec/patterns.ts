const TWO_32 = 2 ** 32;
/** Distances are exact below this, and so are the differences between any two. */
const MAX_RANGE = 2 ** 53;
const EXPONENTS = 0x7ff00000;

/**
 * Makes integers of the bits of doubles (`words`: low half, high half, …): the distance to the pattern of `reference`.
 * Doubles of one sign and of near exponents are near as integers. Values that are not near take the integer of the one
 * before and their index goes to `exceptions`; returns their number, or -1 where they are more than `mostExceptions`.
 */
export function toPatternDistances(
  words: Uint32Array,
  count: number,
  reference: number,
  integers: Float64Array,
  exceptions: Uint32Array,
  mostExceptions: number,
): number {
  const low0 = words[2 * reference]!;
  const high0 = words[2 * reference + 1]!;
  let found = 0;
  let before = 0;
  let least = 0;
  let most = 0;
  for (let i = 0; i < count; i++) {
    const high = words[2 * i + 1]!;
    const distance = (high - high0) * TWO_32 + (words[2 * i]! - low0);
    if ((high & EXPONENTS) === EXPONENTS || distance - least >= MAX_RANGE || most - distance >= MAX_RANGE) {
      if (found === mostExceptions) return -1;
      exceptions[found++] = i;
    } else {
      if (distance < least) least = distance;
      else if (distance > most) most = distance;
      before = distance;
    }
    integers[i] = before;
  }
  return found;
}

/** The first value that is a finite number other than zero, or 0. */
export function referenceIndex(words: Uint32Array, count: number): number {
  for (let i = 0; i < count; i++) {
    const exponent = words[2 * i + 1]! & EXPONENTS;
    if (exponent !== 0 && exponent !== EXPONENTS) return i;
  }
  return 0;
}

/** Turns distances back into doubles, in place. */
export function fromPatternDistances(
  target: Float64Array,
  at: number,
  count: number,
  low0: number,
  high0: number,
  divisor: number,
): void {
  const words = new Uint32Array(target.buffer, target.byteOffset + at * 8, count * 2);
  for (let i = 0; i < count; i++) {
    const distance = target[at + i]! * divisor;
    let high = Math.floor(distance / TWO_32);
    let low = distance - high * TWO_32 + low0;
    if (low >= TWO_32) {
      low -= TWO_32;
      high++;
    }
    words[2 * i] = low;
    words[2 * i + 1] = high + high0;
  }
}

/** Splits doubles into distances of their high and their low halves to those of the first. */
export function splitHalves(words: Uint32Array, count: number, highs: Float64Array, lows: Float64Array): void {
  const low0 = words[0]!;
  const high0 = words[1]!;
  for (let i = 0; i < count; i++) {
    lows[i] = words[2 * i]! - low0;
    highs[i] = words[2 * i + 1]! - high0;
  }
}

/** Puts doubles together from the high halves in `target` and the low ones in `lows`, in place. */
export function joinHalves(
  target: Float64Array,
  at: number,
  count: number,
  lows: Float64Array,
  low0: number,
  high0: number,
): void {
  const words = new Uint32Array(target.buffer, target.byteOffset + at * 8, count * 2);
  for (let i = 0; i < count; i++) {
    const high = target[at + i]!;
    words[2 * i] = lows[i]! + low0;
    words[2 * i + 1] = high + high0;
  }
}
