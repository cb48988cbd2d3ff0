import { grownCapacity, grownU32 } from './typed-columns.ts';

const initialKeys = 64;
const headerWords = 3;
const firstBlockRecords = 4;
const maxBlockRecords = 4096;
/** Copying fewer words in a loop is faster than a call into the runtime. */
const shortRun = 32;

/**
 * For every key the numbers of its records, in order. A key with one record is one word in a column; from the second
 * on they lie in blocks of 4, 8, 16 … 4096 records, chained forwards. A block is `[next block, ordinal of its first
 * record, capacity, record …]`, so that the n-th record and the first one from a position are found block by block,
 * and what is recent at once, through the last block.
 */
export class Postings {
  private counts: Uint32Array;
  /** The only record of a key with one; otherwise the first block. */
  private heads: Uint32Array;
  private tails: Uint32Array;
  private words = new Uint32Array(1024);
  /** Word 0 is nobody's, so that 0 can say "no block". */
  private wordCount = 1;

  /** With room for `expectedKeys`; it grows where there are more. */
  constructor(expectedKeys = 0) {
    const capacity = Math.max(initialKeys, expectedKeys);
    this.counts = new Uint32Array(capacity);
    this.heads = new Uint32Array(capacity);
    this.tails = new Uint32Array(capacity);
  }

  get allocatedBytes(): number {
    return this.counts.byteLength + this.heads.byteLength + this.tails.byteLength + this.words.byteLength;
  }

  /** Number of records of `key`. */
  countOf(key: number): number {
    return key < this.counts.length ? this.counts[key]! : 0;
  }

  /** The record of a key that has one. */
  onlyOf(key: number): number {
    return this.heads[key]!;
  }

  /** Adds `record`, which is greater than every record of `key` so far. */
  push(key: number, record: number): void {
    if (key >= this.counts.length) this.growKeys(key + 1);
    const count = this.counts[key]!;
    this.counts[key] = count + 1;
    if (count === 0) {
      this.heads[key] = record;
      return;
    }
    if (count === 1) {
      const block = this.newBlock(0, firstBlockRecords);
      this.words[block + headerWords] = this.heads[key]!;
      this.words[block + headerWords + 1] = record;
      this.heads[key] = block;
      this.tails[key] = block;
      return;
    }
    let block = this.tails[key]!;
    const used = count - this.words[block + 1]!;
    if (used < this.words[block + 2]!) {
      this.words[block + headerWords + used] = record;
      return;
    }
    const next = this.newBlock(count, Math.min(maxBlockRecords, used * 2));
    this.words[block] = next;
    this.tails[key] = next;
    block = next;
    this.words[block + headerWords] = record;
  }

  /** How many records of `key` are less than `record`: the ordinal of the first one from there. */
  ordinalFrom(key: number, record: number): number {
    const count = this.countOf(key);
    if (count === 0) return 0;
    if (count === 1) return this.heads[key]! < record ? 1 : 0;
    const block = this.blockFrom(key, record);
    const first = this.words[block + 1]!;
    let low = 0;
    let high = this.usedOf(block, count);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.words[block + headerWords + middle]! < record) low = middle + 1;
      else high = middle;
    }
    return first + low;
  }

  /** Copies the records of `key` from `ordinal` on into `target`, as many as fit; returns how many. */
  copyFrom(key: number, ordinal: number, target: Uint32Array): number {
    const count = this.countOf(key);
    if (ordinal >= count) return 0;
    if (count === 1) {
      target[0] = this.heads[key]!;
      return target.length === 0 ? 0 : 1;
    }
    let block = this.words[this.tails[key]! + 1]! <= ordinal ? this.tails[key]! : this.heads[key]!;
    while (ordinal >= this.words[block + 1]! + this.words[block + 2]!) block = this.words[block]!;
    let copied = 0;
    let skip = ordinal - this.words[block + 1]!;
    while (block !== 0 && copied < target.length) {
      const length = Math.min(this.usedOf(block, count) - skip, target.length - copied);
      const start = block + headerWords + skip;
      if (length < shortRun) for (let i = 0; i < length; i++) target[copied + i] = this.words[start + i]!;
      else target.set(this.words.subarray(start, start + length), copied);
      copied += length;
      skip = 0;
      block = this.words[block]!;
    }
    return copied;
  }

  /** The block of `key` in which `record` is or would be: the last one that starts at or before it, or the first. */
  private blockFrom(key: number, record: number): number {
    const tail = this.tails[key]!;
    if (this.words[tail + headerWords]! <= record) return tail;
    let block = this.heads[key]!;
    for (;;) {
      const next = this.words[block]!;
      if (next === 0 || this.words[next + headerWords]! > record) return block;
      block = next;
    }
  }

  private usedOf(block: number, count: number): number {
    return Math.min(this.words[block + 2]!, count - this.words[block + 1]!);
  }

  private newBlock(firstOrdinal: number, capacity: number): number {
    const block = this.wordCount;
    const end = block + headerWords + capacity;
    if (end > this.words.length) this.words = grownU32(this.words, grownCapacity(this.words.length, end));
    this.wordCount = end;
    this.words[block + 1] = firstOrdinal;
    this.words[block + 2] = capacity;
    return block;
  }

  private growKeys(needed: number): void {
    const capacity = grownCapacity(this.counts.length, needed);
    this.counts = grownU32(this.counts, capacity);
    this.heads = grownU32(this.heads, capacity);
    this.tails = grownU32(this.tails, capacity);
  }
}
