import { formatFloat } from './engine/format.ts';
import { quote } from './go-strings.ts';

const DECIMAL = /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const INTEGER = /^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/;
const MIN_LARGE_EXPONENT = 6;
const MAX_INT64 = 2n ** 63n - 1n;

/** A number as Prometheus reads it, or why it cannot, in its words. */
export type ParsedNumber = { readonly value: number } | { readonly error: string };

/** Reads a number token: an integer as in Go (`0x1f`, octal `0755`, `1_000`), else a decimal fraction, `Inf` or `NaN`. */
export function parseNumber(text: string): ParsedNumber {
  if (/^[1-9][0-9]{0,14}$|^0$/.test(text)) return { value: Number(text) };
  const digits = text.includes('_') ? withoutUnderscores(text) : text;
  if (digits !== undefined) {
    const integer = parseInteger(digits);
    if (integer !== undefined) return { value: integer };
    if (/^inf$/i.test(digits)) return { value: Number.POSITIVE_INFINITY };
    if (/^nan$/i.test(digits)) return { value: Number.NaN };
    if (DECIMAL.test(digits)) {
      const value = Number(digits);
      return Number.isFinite(value) ? { value } : { error: parseFloatError(text, 'value out of range') };
    }
  }
  return { error: parseFloatError(text, 'invalid syntax') };
}

/** An integer of 64 bits in base 16, 8 (leading zero) or 10. */
function parseInteger(text: string): number | undefined {
  if (!INTEGER.test(text)) return undefined;
  const isOctal = text.length > 1 && text.startsWith('0') && !/^0x/i.test(text);
  if (isOctal && /[89]/.test(text)) return undefined;
  const value = BigInt(isOctal ? `0o${text.slice(1)}` : text);
  return value > MAX_INT64 ? undefined : Number(value);
}

/** Underscores may stand between digits and after a base prefix; `undefined` where one stands elsewhere. */
function withoutUnderscores(text: string): string | undefined {
  const isHex = /^0x/i.test(text);
  const isMisplaced = isHex
    ? /(?<![0-9a-f])_|_(?![0-9a-f])/i.test(`0${text.slice(2)}`)
    : /(?<![0-9])_|_(?![0-9])/.test(text);
  return isMisplaced ? undefined : text.replaceAll('_', '');
}

function parseFloatError(text: string, reason: string): string {
  return `error parsing number: strconv.ParseFloat: parsing ${quote(text)}: ${reason}`;
}

/** A number as Go's `%v` prints it: with an exponent from a million on and below 0.0001. */
export function formatShortest(value: number): string {
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string | undefined];
  const exponent = Number(exponentText);
  // NaN where the value is not finite.
  if (!(exponent < -4 || exponent >= MIN_LARGE_EXPONENT)) return formatFloat(value);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
