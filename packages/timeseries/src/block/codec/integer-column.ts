import { MAX_WIDTH, packBits, packedBytes, widthOf } from './bit-pack.ts';
import { type ByteWriter, signedVarintBytes } from './byte-writer.ts';
import {
  miniBlockEntries,
  OUTLIERS_FLAG,
  SIZE_CODES,
  SMALLEST_MINI_BLOCK,
  SYMBOLS_FLAG,
  WHOLE_CODE,
} from './column-format.ts';
import { HighSymbols } from './high-symbols.ts';
import { findOutliers, type Outliers } from './outliers.ts';

/** Differences of differences are exact up to this size of the differences. */
const MAX_DIFFERENCE = 2 ** 51;
/** How many entries a first look takes. */
const LOOKED_AT = 32;
/** An order that leaves this many times the distances of another is not tried. */
const CLEARLY = 3;
/**
 * Symbols are looked at in columns of so many entries, in mini-blocks of 256 where there are two, and in one for all.
 * What takes more bits than this has little to win.
 */
const FEWEST_WITH_SYMBOLS = 96;
const SMALLEST_WITH_SYMBOLS = 3;
const WIDEST_WITH_SYMBOLS = 26;
/** They must save at least this share of the bytes, as they take longer to read. */
const WORTHWHILE = 0.98;

/** Encodes integer columns; see column-format.ts. Its scratch arrays grow to the longest column that it met. */
export class IntegerColumnEncoder {
  #first = new Float64Array(512);
  #second = new Float64Array(512);
  #minimums = new Float64Array(16);
  #maximums = new Float64Array(16);
  readonly #outliers: Outliers = { count: 0, places: new Uint32Array(64), base: 0, width: 0 };
  readonly #highs = new HighSymbols();
  #bestBytes = 0;
  #bestOrder = 0;
  #bestSize = 0;

  /**
   * Decides how to encode `entries[0…count-1]`, integers of which no two are 2^53 or more apart; `entries[0]` is 0.
   * Returns about how many bytes that takes, outliers not considered.
   */
  measure(entries: Float64Array, count: number): number {
    this.#grow(count);
    this.#bestBytes = Number.POSITIVE_INFINITY;
    const first = this.#first;
    const second = this.#second;
    const orders = plausibleOrders(entries, count);
    if ((orders & 6) !== 0) {
      differences(entries, first, 1, count);
      this.#try(first, 1, count);
    }
    if ((orders & 4) !== 0 && largest(first, 1, count) < MAX_DIFFERENCE) {
      differences(first, second, 2, count);
      this.#try(second, 2, count);
    }
    if ((orders & 1) !== 0 || this.#bestBytes === Number.POSITIVE_INFINITY) this.#try(entries, 0, count);
    this.#trySymbols(entries, count);
    return this.#bestBytes + 1;
  }

  /** Adds the column that was measured last, which must not have changed since; it is used up. */
  write(writer: ByteWriter, entries: Float64Array, count: number): void {
    const first = this.#first;
    const second = this.#second;
    const order = this.#bestOrder;
    writer.byte(order | (this.#bestSize << 2));
    if (order === 2) writer.signedVarint(first[1]!);
    this.#write(writer, order === 0 ? entries : order === 1 ? first : second, order, count);
  }

  #grow(count: number): void {
    if (count <= this.#first.length) return;
    const length = Math.max(count, this.#first.length * 2);
    this.#first = new Float64Array(length);
    this.#second = new Float64Array(length);
    this.#minimums = new Float64Array(Math.ceil(length / SMALLEST_MINI_BLOCK));
    this.#maximums = new Float64Array(this.#minimums.length);
  }

  /** Notes the cheapest size of mini-blocks for an order, where it is cheaper than what is known. */
  #try(entries: Float64Array, order: number, count: number): void {
    const minimums = this.#minimums;
    const maximums = this.#maximums;
    let blocks = extremes(entries, order, count, minimums, maximums);
    let blockEntries = SMALLEST_MINI_BLOCK;
    for (let size = 0; size < SIZE_CODES; size++) {
      if (size === WHOLE_CODE) blocks = mergeAll(minimums, maximums, blocks);
      else if (size > 0) blocks = mergePairs(minimums, maximums, blocks);
      if (size > 0 && size < WHOLE_CODE) blockEntries *= 2;
      const perBlock = size === WHOLE_CODE ? count - order : blockEntries;
      const bytes = order + costOf(minimums, maximums, blocks, perBlock, count - order, this.#bestBytes);
      if (bytes < this.#bestBytes || (bytes === this.#bestBytes && order === this.#bestOrder)) {
        this.#bestBytes = bytes;
        this.#bestOrder = order;
        this.#bestSize = size;
      }
      if (blocks <= 1 && size < WHOLE_CODE - 1) size = WHOLE_CODE - 1;
    }
  }

  #write(writer: ByteWriter, entries: Float64Array, order: number, count: number): void {
    const blockEntries = miniBlockEntries(this.#bestSize, count - order);
    const outliers = this.#outliers;
    for (let from = order; from < count; from += blockEntries) {
      const to = Math.min(count, from + blockEntries);
      const head = writer.length;
      const hasOutliers = findOutliers(entries, from, to, outliers);
      const { base, width } = outliers;
      writer.byte(hasOutliers ? width | OUTLIERS_FLAG : width);
      writer.signedVarint(base);
      if (hasOutliers) takeOutliers(writer, entries, from, outliers);
      if (this.#paysSymbols(entries, from, to, base, width)) {
        const lowWidth = this.#highs.lowWidth;
        writer.bytes[head] = lowWidth | (hasOutliers ? OUTLIERS_FLAG : 0) | SYMBOLS_FLAG;
        this.#highs.write(writer);
      } else packBits(writer, entries, from, to, base, width);
    }
  }

  #paysSymbols(entries: Float64Array, from: number, to: number, base: number, width: number): boolean {
    if (width === 0 || width > WIDEST_WITH_SYMBOLS || to - from < FEWEST_WITH_SYMBOLS) return false;
    return this.#highs.take(entries, from, to, base, width) < packedBytes(to - from, width) * WORTHWHILE;
  }

  /** Looks whether the order that was found costs less with symbols, and in which size of mini-blocks. */
  #trySymbols(entries: Float64Array, count: number): void {
    const order = this.#bestOrder;
    if (count - order < FEWEST_WITH_SYMBOLS || this.#bestBytes * 8 > count * WIDEST_WITH_SYMBOLS) return;
    const column = order === 0 ? entries : order === 1 ? this.#first : this.#second;
    for (let size = SMALLEST_WITH_SYMBOLS; size < SIZE_CODES; size++) {
      const blockEntries = miniBlockEntries(size, count - order);
      if (size < WHOLE_CODE && blockEntries * 2 > count - order) continue;
      let bytes = order;
      for (let from = order; from < count && bytes < this.#bestBytes; from += blockEntries) {
        const to = Math.min(count, from + blockEntries);
        const [least, width] = rangeOf(column, from, to);
        if (width > MAX_WIDTH) bytes = Number.POSITIVE_INFINITY;
        bytes += 1 + signedVarintBytes(least);
        if (width > 0 && width <= WIDEST_WITH_SYMBOLS) {
          bytes += Math.min(this.#highs.take(column, from, to, least, width), packedBytes(to - from, width));
        } else bytes += packedBytes(to - from, width);
      }
      if (bytes < this.#bestBytes) {
        this.#bestBytes = bytes;
        this.#bestSize = size;
      }
    }
  }
}

/** Writes the outliers, and puts the base in their places. */
function takeOutliers(
  writer: ByteWriter,
  entries: Float64Array,
  from: number,
  { count, places, base }: Outliers,
): void {
  writer.varint(count);
  let place = from;
  for (let i = 0; i < count; i++) {
    const next = places[i]!;
    writer.varint(next - place);
    writer.signedVarint(entries[next]! - base);
    entries[next] = base;
    place = next;
  }
}

/** The least entry, and the bits that the others are above it. */
function rangeOf(entries: Float64Array, from: number, to: number): [number, number] {
  let least = entries[from]!;
  let most = least;
  for (let i = from; i < to; i++) {
    const value = entries[i]!;
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  return [least, widthOf(most - least)];
}

function differences(source: Float64Array, target: Float64Array, from: number, to: number): void {
  let before = source[from - 1]!;
  for (let i = from; i < to; i++) {
    const value = source[i]!;
    target[i] = value - before;
    before = value;
  }
}

function largest(source: Float64Array, from: number, to: number): number {
  let most = 0;
  for (let i = from; i < to; i++) {
    const magnitude = Math.abs(source[i]!);
    if (magnitude > most) most = magnitude;
  }
  return most;
}

/** Least and greatest entry of each smallest mini-block; returns how many there are. */
function extremes(
  entries: Float64Array,
  from: number,
  count: number,
  minimums: Float64Array,
  maximums: Float64Array,
): number {
  let block = 0;
  for (let start = from; start < count; start += SMALLEST_MINI_BLOCK) {
    const end = Math.min(count, start + SMALLEST_MINI_BLOCK);
    let least = entries[start]!;
    let most = least;
    for (let i = start + 1; i < end; i++) {
      const value = entries[i]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    minimums[block] = least;
    maximums[block++] = most;
  }
  return block;
}

function mergePairs(minimums: Float64Array, maximums: Float64Array, blocks: number): number {
  let merged = 0;
  for (let i = 0; i < blocks; i += 2) {
    const other = i + 1 < blocks ? i + 1 : i;
    const least = Math.min(minimums[i]!, minimums[other]!);
    maximums[merged] = Math.max(maximums[i]!, maximums[other]!);
    minimums[merged++] = least;
  }
  return merged;
}

function mergeAll(minimums: Float64Array, maximums: Float64Array, blocks: number): number {
  while (blocks > 1) blocks = mergePairs(minimums, maximums, blocks);
  return blocks;
}

/** Bytes of mini-blocks; anything above `enough` where they are more. */
function costOf(
  minimums: Float64Array,
  maximums: Float64Array,
  blocks: number,
  blockEntries: number,
  entries: number,
  enough: number,
): number {
  let bytes = 0;
  let left = entries;
  for (let i = 0; i < blocks && bytes <= enough; i++) {
    const least = minimums[i]!;
    const width = widthOf(maximums[i]! - least);
    if (width > MAX_WIDTH) return Number.POSITIVE_INFINITY;
    bytes += 1 + signedVarintBytes(least) + ((Math.min(left, blockEntries) * width + 7) >>> 3);
    left -= blockEntries;
  }
  return bytes;
}

/**
 * A first look at how far entries, their differences and the differences of those are from their mean. Answers the
 * orders that may be the cheapest, as bits.
 */
function plausibleOrders(entries: Float64Array, count: number): number {
  if (count < 3) return count < 2 ? 1 : 3;
  const stride = Math.max(1, Math.floor(count / LOOKED_AT));
  let sum = 0;
  let looked = 0;
  for (let i = 2; i < count; i += stride) {
    sum += entries[i]!;
    looked++;
  }
  const mean = sum / looked;
  const slope = (entries[count - 1]! - entries[0]!) / (count - 1);
  let apart = 0;
  let steps = 0;
  let bends = 0;
  for (let i = 2; i < count; i += stride) {
    const step = entries[i]! - entries[i - 1]!;
    apart += Math.abs(entries[i]! - mean);
    steps += Math.abs(step - slope);
    bends += Math.abs(step - entries[i - 1]! + entries[i - 2]!);
  }
  const least = CLEARLY * Math.min(apart, steps, bends);
  if (least === 0) return 7;
  return (apart <= least ? 1 : 0) | (steps <= least ? 2 : 0) | (bends < steps ? 4 : 0);
}
