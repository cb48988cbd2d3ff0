import type { Head } from '../head/head.ts';

/** Records gathered at a time. */
const most = 32;

/**
 * Walks the records of a head in the order of (key, sequence), some at a time. They lie all over the memory: touched one
 * right after the other they are fetched side by side, and are there when they are copied.
 */
export class RecordWalk {
  /** The number of the key of each record. */
  readonly keys = new Uint32Array(most);
  readonly records = new Uint32Array(most);
  private readonly head: Head;
  private readonly order: Uint32Array;
  private readonly found = new Uint32Array(most);
  /** Where the next record is: index of its key, and which one of the key it is. */
  private index = 0;
  private ordinal = 0;

  /** @param order the numbers of the keys */
  constructor(head: Head, order: Uint32Array) {
    this.head = head;
    this.order = order;
  }

  /** Steps on to the next records; returns how many there are, 0 behind the last. */
  next(): number {
    const { order, keys, records } = this;
    const { postings } = this.head;
    let count = 0;
    while (count < most && this.index < order.length) {
      const key = order[this.index]!;
      const total = postings.countOf(key);
      if (total === 1) {
        records[count] = postings.onlyOf(key);
        keys[count++] = key;
        this.index++;
        continue;
      }
      const room = this.found.subarray(0, most - count);
      const copied = postings.copyFrom(key, this.ordinal, room);
      for (let i = 0; i < copied; i++) {
        records[count] = room[i]!;
        keys[count++] = key;
      }
      this.ordinal += copied;
      if (this.ordinal < total) continue;
      this.ordinal = 0;
      this.index++;
    }
    this.head.touch(records, keys, count);
    return count;
  }
}
