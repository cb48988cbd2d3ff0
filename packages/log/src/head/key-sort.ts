import type { WorkPacer } from '../yielding.ts';
import type { KeyIndex } from './key-index.ts';

/** Bytes of a key that a sample has; three in each of its halves. */
const sampleBytes = 6;
/** A sample ends with how many bytes the key has left, or that there are more of them than it takes. */
const lengthBits = 3;
const moreThanSampled = sampleBytes + 1;
/** From so many keys on they are put in order digit by digit. */
const manyKeys = 512;
const digitBits = 14;
const digits = 1 << digitBits;
const digitMask = digits - 1;
/** Keys handled between two looks at the clock. */
const slice = 512;

/**
 * Puts the numbers of distinct keys in the order of the keys' bytes. Keys lie all over the memory, so they are not compared
 * with one another: the bytes behind what a range of them has in common are read once, into columns, by which the range is
 * sorted; ranges of keys that are alike so far are next. Each byte of a key is read about once, whatever the keys are.
 */
export class KeySort {
  private readonly keys: KeyIndex;
  private readonly numbers: Uint32Array;
  private readonly pacer: WorkPacer;
  /** The least number. Samples of key n are at n - this. */
  private readonly first: number;
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly counts = new Uint32Array(digits);
  private spare = new Uint32Array(0);

  /** `numbers` rise from the first one by one. */
  constructor(keys: KeyIndex, numbers: Uint32Array, pacer: WorkPacer) {
    this.keys = keys;
    this.numbers = numbers;
    this.pacer = pacer;
    this.first = numbers[0] ?? 0;
    this.high = new Uint32Array(numbers.length);
    this.low = new Uint32Array(numbers.length);
  }

  async sort(): Promise<void> {
    /** Ranges to be sorted: from, to, and how many bytes their keys are known to have in common. */
    const ranges: number[] = [];
    await this.sortRange(0, this.numbers.length, this.keys.commonLength, ranges);
    while (ranges.length > 0) {
      const known = ranges.pop()!;
      const to = ranges.pop()!;
      const from = ranges.pop()!;
      await this.sortRange(from, to, await this.commonLength(from, to, known), ranges);
    }
  }

  /** Sorts a range by what comes behind the `common` bytes that its keys begin with. Those with the same go into `ranges`. */
  private async sortRange(from: number, to: number, common: number, ranges: number[]): Promise<void> {
    await this.inSlices(from, to, (start, end) => this.sample(start, end, common));
    if (to - from < manyKeys) this.numbers.subarray(from, to).sort((a, b) => this.compare(a, b));
    else await this.sortByDigits(from, to);
    await this.addTies(from, to, common + sampleBytes, ranges);
  }

  private async inSlices(from: number, to: number, work: (start: number, end: number) => void): Promise<void> {
    for (let start = from; start < to; start += slice) {
      work(start, Math.min(to, start + slice));
      if (to - from > slice ? this.pacer.isDueNow() : this.pacer.isDue()) await this.pacer.pause();
    }
  }

  /** How many bytes all keys of a range begin with; `known` of them are known. */
  private async commonLength(from: number, to: number, known: number): Promise<number> {
    const { keys, numbers } = this;
    const first = keys.bytesOf(numbers[from]!);
    let common = first.length;
    await this.inSlices(from + 1, to, (start, end) => {
      for (let i = start; i < end; i++) {
        const key = numbers[i]!;
        const bytes = keys.chunkOf(key);
        const offset = keys.offsetOf(key);
        common = Math.min(common, keys.lengthOf(key));
        let at = known;
        while (at < common && bytes[offset + at] === first[at]) at++;
        common = Math.min(common, at);
      }
    });
    return common;
  }

  private sample(from: number, to: number, skipped: number): void {
    const { keys, numbers } = this;
    for (let i = from; i < to; i++) {
      const key = numbers[i]!;
      const bytes = keys.chunkOf(key);
      const start = keys.offsetOf(key) + skipped;
      const left = keys.lengthOf(key) - skipped;
      let high = 0;
      let low = 0;
      for (let at = 0; at < 3; at++) high = (high << 8) | (at < left ? bytes[start + at]! : 0);
      for (let at = 3; at < sampleBytes; at++) low = (low << 8) | (at < left ? bytes[start + at]! : 0);
      this.high[key - this.first] = high;
      this.low[key - this.first] = (low << lengthBits) | Math.min(left, moreThanSampled);
    }
  }

  private compare(a: number, b: number): number {
    const { high, low, first } = this;
    return high[a - first]! - high[b - first]! || low[a - first]! - low[b - first]!;
  }

  private async sortByDigits(from: number, to: number): Promise<void> {
    if (this.spare.length < to - from) this.spare = new Uint32Array(to - from);
    const range = this.numbers.subarray(from, to);
    let source: Uint32Array = range;
    let target: Uint32Array = this.spare.subarray(0, to - from);
    for (const [column, shift] of [
      [this.low, 0],
      [this.low, digitBits],
      [this.high, 0],
      [this.high, digitBits],
    ] as const) {
      const [read, written] = [source, target];
      this.counts.fill(0);
      await this.inSlices(0, range.length, (start, end) => this.countDigits(read, start, end, column, shift));
      if (!this.startDigits(range.length)) continue;
      await this.inSlices(0, range.length, (start, end) => this.place(read, written, start, end, column, shift));
      [source, target] = [target, source];
    }
    if (source !== range) range.set(source);
  }

  private countDigits(source: Uint32Array, from: number, to: number, column: Uint32Array, shift: number): void {
    const { counts, first } = this;
    for (let i = from; i < to; i++) counts[(column[source[i]! - first]! >>> shift) & digitMask]!++;
  }

  /** Turns the numbers of each digit into where they begin; false if all have the same one. */
  private startDigits(total: number): boolean {
    const { counts } = this;
    let start = 0;
    for (let digit = 0; digit < digits; digit++) {
      const count = counts[digit]!;
      if (count === total) return false;
      counts[digit] = start;
      start += count;
    }
    return true;
  }

  private place(
    source: Uint32Array,
    target: Uint32Array,
    from: number,
    to: number,
    column: Uint32Array,
    shift: number,
  ): void {
    const { counts, first } = this;
    for (let i = from; i < to; i++) {
      const key = source[i]!;
      target[counts[(column[key - first]! >>> shift) & digitMask]!++] = key;
    }
  }

  /** Adds the ranges of keys with the same sample. */
  private async addTies(from: number, to: number, common: number, ranges: number[]): Promise<void> {
    let start = from;
    await this.inSlices(from + 1, to, (first, end) => {
      for (let i = first; i < end; i++) {
        if (this.compare(this.numbers[start]!, this.numbers[i]!) === 0) continue;
        if (i - start > 1) ranges.push(start, i, common);
        start = i;
      }
    });
    if (to - start > 1) ranges.push(start, to, common);
  }
}
