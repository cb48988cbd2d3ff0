/** Powers of ten that are exact as doubles. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** More decimals than this are noise: such values cost less as bit patterns. */
export const MAX_DECIMALS = 15;
/** Integers up to this size are taken as such, so that the difference of any two is exact. */
const MAX_INTEGER = 2 ** 52 - 1;
/** Scaled values up to this size round to the right integer. */
const MAX_SCALED = 2 ** 50;

/** Where so many values at the beginning are exceptions, the others are not looked at. */
const HOPELESS = 8;

/**
 * What became of `toIntegers`: `decimals` is the scale, or -1 where the values are no decimal numbers; `exceptions`
 * counts the values that were left out.
 */
export interface Scaling {
  decimals: number;
  exceptions: number;
}

/**
 * Makes integers of values: `integers[i] = values[i] * 10^decimals` for the least scale that is exact for all. A value
 * that is none at any scale (NaN, infinities, -0, too many digits) takes the integer of the one before it and its
 * index goes to `exceptions`; more than `exceptions.length` of them end the attempt.
 */
export function toIntegers(
  values: Float64Array,
  count: number,
  integers: Float64Array,
  exceptions: Uint32Array,
  mostExceptions: number,
  scaling: Scaling,
): void {
  let decimals = 0;
  for (;;) {
    const stop = decimals === 0 ? scaleWhole(values, count, integers) : scaleDecimal(values, count, integers, decimals);
    if (stop === count) {
      scaling.decimals = decimals;
      scaling.exceptions = 0;
      return;
    }
    const needed = decimalsOf(values[stop]!, decimals + 1);
    if (needed < 0) break;
    decimals = needed;
  }
  scaleWithExceptions(values, count, integers, exceptions, mostExceptions, scaling);
}

/** Scales until a value is not an integer; returns where it stopped. */
function scaleWhole(values: Float64Array, count: number, integers: Float64Array): number {
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (Math.floor(value) !== value || value > MAX_INTEGER || value < -MAX_INTEGER) return i;
    if (value === 0 && 1 / value < 0) return i;
    integers[i] = value;
  }
  return count;
}

function scaleDecimal(values: Float64Array, count: number, integers: Float64Array, decimals: number): number {
  const power = POWERS_OF_TEN[decimals]!;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const integer = Math.floor(value * power + 0.5);
    if (integer / power !== value || integer > MAX_SCALED || integer < -MAX_SCALED) return i;
    if (integer === 0 && 1 / value < 0) return i;
    integers[i] = integer;
  }
  return count;
}

/** The least number of decimals, from `least` on, at which the value is exact, or -1. */
function decimalsOf(value: number, least: number): number {
  if (value === 0 && 1 / value < 0) return -1;
  for (let decimals = least; decimals <= MAX_DECIMALS; decimals++) {
    const power = POWERS_OF_TEN[decimals]!;
    const integer = Math.floor(value * power + 0.5);
    if (Math.abs(integer) > MAX_SCALED) return -1;
    if (integer / power === value) return decimals;
  }
  return -1;
}

function scaleWithExceptions(
  values: Float64Array,
  count: number,
  integers: Float64Array,
  exceptions: Uint32Array,
  mostExceptions: number,
  scaling: Scaling,
): void {
  let decimals = 0;
  let found = 0;
  scaling.decimals = -1;
  for (let i = 0; i < count; i++) {
    if (isExactAt(values[i]!, decimals)) continue;
    const needed = decimalsOf(values[i]!, decimals);
    if (needed >= 0) decimals = needed;
    else if (found === mostExceptions || (found === HOPELESS && i === HOPELESS)) return;
    else exceptions[found++] = i;
  }
  const power = POWERS_OF_TEN[decimals]!;
  let before = 0;
  let next = 0;
  for (let i = 0; i < count; i++) {
    if (next < found && exceptions[next] === i) {
      next++;
    } else {
      if (!isExactAt(values[i]!, decimals)) return;
      before = decimals === 0 ? values[i]! : Math.floor(values[i]! * power + 0.5);
    }
    integers[i] = before;
  }
  let leading = 0;
  while (leading < found && exceptions[leading] === leading) leading++;
  integers.fill(leading < count ? integers[leading]! : 0, 0, leading);
  scaling.decimals = decimals;
  scaling.exceptions = found;
}

function isExactAt(value: number, decimals: number): boolean {
  if (value === 0 && 1 / value < 0) return false;
  const power = POWERS_OF_TEN[decimals]!;
  const integer = Math.floor(value * power + 0.5);
  return integer / power === value && Math.abs(integer) <= (decimals === 0 ? MAX_INTEGER : MAX_SCALED);
}
