import { packedBytes, widthOf } from './bit-pack.ts';
import { signedVarintBytes } from './byte-writer.ts';

/** How to pack a mini-block: `count` entries at `places` stand apart, the others are `base` plus `width` bits. */
export interface Outliers {
  count: number;
  readonly places: Uint32Array;
  base: number;
  width: number;
}

/** Below this width, outliers cannot pay. */
const MIN_WIDTH = 3;
/** A range that is not wider than this many mean distances from the mean has no outliers worth a search. */
const SUSPICIOUS_SPREAD = 8;
/** Most entries that are taken out at each end. */
const MOST_AT_AN_END = 16;

const lowest = new Float64Array(MOST_AT_AN_END + 1);
const highest = new Float64Array(MOST_AT_AN_END + 1);

/** Fills `found` with the cheapest packing of `entries[from…to-1]`; true where it has outliers. */
export function findOutliers(entries: Float64Array, from: number, to: number, found: Outliers): boolean {
  let least = entries[from]!;
  let most = least;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = entries[i]!;
    if (value < least) least = value;
    if (value > most) most = value;
    sum += value;
  }
  found.count = 0;
  found.base = least;
  found.width = widthOf(most - least);
  if (found.width < MIN_WIDTH || to - from < 4) return false;
  const mean = sum / (to - from);
  let distance = 0;
  for (let i = from; i < to; i++) distance += Math.abs(entries[i]! - mean);
  if ((most - least) * (to - from) <= distance * SUSPICIOUS_SPREAD) return false;
  return search(entries, from, to, found);
}

/** Tries every way to leave out a few of the lowest and a few of the highest entries. */
function search(entries: Float64Array, from: number, to: number, found: Outliers): boolean {
  const count = to - from;
  const ends = Math.min(MOST_AT_AN_END, (count >>> 2) - 1);
  if (ends < 1) return false;
  collect(entries, from, to, ends + 1, 1, lowest);
  collect(entries, from, to, ends + 1, -1, highest);
  let bestBytes = 1 + signedVarintBytes(found.base) + packedBytes(count, found.width);
  let low = found.base;
  let high = -highest[0]!;
  let isBetter = false;
  const placeBytes = count > 512 ? 2 : 1;
  let lowBytes = 0;
  for (let i = 0; i <= ends; i++) {
    const base = lowest[i]!;
    let outlierBytes = lowBytes;
    for (let j = 0; j <= ends; j++) {
      const top = -highest[j]!;
      if (top < base) break;
      const width = widthOf(top - base);
      const bytes = 1 + signedVarintBytes(base) + packedBytes(count, width) + (i + j === 0 ? 0 : 1) + outlierBytes;
      if (bytes < bestBytes) {
        bestBytes = bytes;
        low = base;
        high = top;
        isBetter = true;
      }
      outlierBytes += placeBytes + signedVarintBytes(top - base);
    }
    lowBytes += placeBytes + signedVarintBytes(found.base - base);
  }
  if (!isBetter) return false;
  found.base = low;
  found.width = widthOf(high - low);
  let outliers = 0;
  for (let i = from; i < to; i++) {
    const value = entries[i]!;
    if (value < low || value > high) found.places[outliers++] = i;
  }
  found.count = outliers;
  return outliers > 0;
}

/** The `count` lowest of `sign * entry`, ascending. */
function collect(
  entries: Float64Array,
  from: number,
  to: number,
  count: number,
  sign: number,
  sorted: Float64Array,
): void {
  let held = 0;
  for (let i = from; i < to; i++) {
    const value = sign * entries[i]!;
    if (held === count && value >= sorted[held - 1]!) continue;
    let place = held < count ? held++ : held - 1;
    while (place > 0 && sorted[place - 1]! > value) {
      sorted[place] = sorted[place - 1]!;
      place--;
    }
    sorted[place] = value;
  }
}
