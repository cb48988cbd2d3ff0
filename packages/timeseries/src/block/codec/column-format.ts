/**
 * An integer column: integers k[0] = 0, k[1], … (the first one is the caller's to keep), in one of three orders:
 * as they are, as differences, or as differences of differences. The entries of order d start at k[d]; of order 2,
 * the difference k[1] - k[0] comes first.
 *
 *     column := order + 4 * size code u8, [first difference signed varint], { mini-block }
 *     mini-block := width + 64 * has outliers + 128 * has symbols u8, base signed varint,
 *                   [ count varint, { distance to the one before varint, value - base signed varint } ],
 *                   entries - base in `width` bits each, low bits first, up to a whole byte, [symbols]
 *
 * Symbols (see symbols.ts) are what is left of the entries above their `width` bits, which are 49 at most then.
 * Size codes 0 to 4 are mini-blocks of 32, 64, 128, 256 entries, and one for all.
 */

export const SMALLEST_MINI_BLOCK = 32;
export const SIZE_CODES = 5;
export const WHOLE_CODE = SIZE_CODES - 1;
export const OUTLIERS_FLAG = 64;
export const SYMBOLS_FLAG = 128;
/** Most bits below symbols. */
export const MAX_LOW_WIDTH = 49;

export function miniBlockEntries(sizeCode: number, entries: number): number {
  return sizeCode === WHOLE_CODE ? entries : SMALLEST_MINI_BLOCK << sizeCode;
}
