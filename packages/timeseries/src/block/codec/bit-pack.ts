import type { ByteWriter } from './byte-writer.ts';

/** Widest residual, in bits: what a double counts exactly. */
export const MAX_WIDTH = 53;
/** Up to this width, a residual at any bit of a byte is within four bytes. */
const NARROW_WIDTH = 25;
const TWO_32 = 2 ** 32;

/** Bits that `range` needs, an integer from 0 on; more than {@link MAX_WIDTH} where it is not below 2^53. */
export function widthOf(range: number): number {
  if (range < TWO_32) return 32 - Math.clz32(range);
  return range < 2 ** 53 ? 64 - Math.clz32(range / TWO_32) : 64;
}

export function packedBytes(count: number, width: number): number {
  return Math.ceil((count * width) / 8);
}

/** Writes `source[from…to-1] - base`, each in `width` bits, low bits first. */
export function packBits(
  writer: ByteWriter,
  source: Float64Array,
  from: number,
  to: number,
  base: number,
  width: number,
): void {
  const size = packedBytes(to - from, width);
  writer.reserve(size + 8);
  if (width === 0) return;
  if (width <= NARROW_WIDTH) packNarrow(writer.view, writer.length, source, from, to, base, width);
  else packWide(writer.view, writer.length, source, from, to, base, width);
  writer.length += size;
}

function packNarrow(
  view: DataView,
  at: number,
  source: Float64Array,
  from: number,
  to: number,
  base: number,
  width: number,
): void {
  let shift = 0;
  let carry = 0;
  for (let i = from; i < to; i++) {
    const word = carry | ((source[i]! - base) << shift);
    view.setInt32(at, word, true);
    shift += width;
    const whole = shift & ~7;
    at += whole >>> 3;
    shift &= 7;
    carry = whole === 32 ? 0 : word >>> whole;
  }
}

function packWide(
  view: DataView,
  at: number,
  source: Float64Array,
  from: number,
  to: number,
  base: number,
  width: number,
): void {
  let shift = 0;
  let carry = 0;
  for (let i = from; i < to; i++) {
    const residual = source[i]! - base;
    const high = Math.floor(residual / TWO_32);
    const low = residual - high * TWO_32;
    const word0 = carry | (low << shift);
    const word1 = (high << shift) | ((low >>> 1) >>> (31 - shift));
    view.setInt32(at, word0, true);
    view.setInt32(at + 4, word1, true);
    shift += width;
    const whole = shift & ~7;
    at += whole >>> 3;
    shift &= 7;
    carry = whole >= 32 ? word1 >>> (whole - 32) : word0 >>> whole;
  }
}

/**
 * Reads `count` residuals of `width` bits from byte `at` on, and puts each plus `base` at `target[to…]`.
 * Loads up to {@link READ_SLACK_BYTES} behind the last one.
 */
export function unpackBits(
  view: DataView,
  at: number,
  target: Float64Array,
  to: number,
  count: number,
  base: number,
  width: number,
): void {
  if (width === 0) target.fill(base, to, to + count);
  else if (width <= NARROW_WIDTH) unpackNarrow(view, at, target, to, count, base, width);
  else unpackWide(view, at, target, to, count, base, width);
}

function unpackNarrow(
  view: DataView,
  at: number,
  target: Float64Array,
  to: number,
  count: number,
  base: number,
  width: number,
): void {
  const mask = (1 << width) - 1;
  const end = to + count;
  let bit = at * 8;
  for (let i = to; i < end; i++) {
    target[i] = base + ((view.getInt32(bit >>> 3, true) >>> (bit & 7)) & mask);
    bit += width;
  }
}

function unpackWide(
  view: DataView,
  at: number,
  target: Float64Array,
  to: number,
  count: number,
  base: number,
  width: number,
): void {
  const highMask = width <= 32 ? 0 : 2 ** (width - 32) - 1;
  const lowMask = width < 32 ? (1 << width) - 1 : -1;
  const end = to + count;
  let bit = at * 8;
  for (let i = to; i < end; i++) {
    const place = bit >>> 3;
    const shift = bit & 7;
    const word0 = view.getInt32(place, true);
    const word1 = view.getInt32(place + 4, true);
    const low = ((word0 >>> shift) | ((word1 << 1) << (31 - shift))) & lowMask;
    target[i] = base + ((word1 >>> shift) & highMask) * TWO_32 + (low >>> 0);
    bit += width;
  }
}
