import { readLatin1 } from '../utf8.ts';

const DOT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Powers of ten that a double holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const TWO_53 = 9007199254740992;

/** True if the last `parseFloatBytes` met a number. (A second result without an object.) */
export const floatResult = { isValid: false };

/**
 * The number in a byte range, correctly rounded. Takes what Prometheus takes: decimal numbers as of Go's ParseFloat
 * (`1`, `-1.`, `.5e+3`), `inf` and `infinity` with or without sign and `nan` without, in any case; no hexadecimal, no
 * underscores, no number that overflows. Sets `floatResult`.
 */
export function parseFloatBytes(bytes: Uint8Array, start: number, end: number): number {
  floatResult.isValid = true;
  let at = start;
  let negative = false;
  if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) negative = bytes[at++] === MINUS;
  const digitsStart = at;
  let mantissa = 0;
  let digits = 0;
  for (; at < end; at++, digits++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    mantissa = mantissa * 10 + digit;
  }
  let fraction = 0;
  if (at < end && bytes[at] === DOT) {
    for (at++; at < end; at++, fraction++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      mantissa = mantissa * 10 + digit;
    }
  }
  if (digits + fraction === 0) return parseWord(bytes, start, digitsStart, end, negative);
  if (at === end && mantissa < TWO_53 && fraction <= 22) {
    const value = fraction === 0 ? mantissa : mantissa / POWERS[fraction]!;
    return negative ? -value : value;
  }
  if (at < end && !isExponent(bytes, at, end)) return invalid();
  const value = Number(readLatin1(bytes, start, end));
  return Number.isFinite(value) ? value : invalid();
}

function isExponent(bytes: Uint8Array, at: number, end: number): boolean {
  if ((bytes[at]! | 0x20) !== 0x65) return false;
  at++;
  if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
  if (at === end) return false;
  for (; at < end; at++) if (bytes[at]! < ZERO || bytes[at]! > NINE) return false;
  return true;
}

function parseWord(bytes: Uint8Array, start: number, at: number, end: number, negative: boolean): number {
  if (end - at > 8) return invalid();
  const word = readLatin1(bytes, at, end).toLowerCase();
  if (word === 'inf' || word === 'infinity') return negative ? -Infinity : Infinity;
  if (word === 'nan' && at === start) return Number.NaN;
  return invalid();
}

function invalid(): number {
  floatResult.isValid = false;
  return Number.NaN;
}
