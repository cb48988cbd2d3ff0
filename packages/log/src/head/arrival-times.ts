import { firstIndex } from '../binary-search.ts';
import { grownCapacity, grownF64, grownU32 } from './typed-columns.ts';

/** When records arrived: an entry for each ms in which some did. Times never go back. */
export class ArrivalTimes {
  private records = new Uint32Array(64);
  private timesMs = new Float64Array(64);
  count = 0;
  /** One past the entry found last: records that are read one after the other often share it. */
  private found = 0;
  private readonly notBeforeMs: number;

  constructor(notBeforeMs = 0) {
    this.notBeforeMs = notBeforeMs;
  }

  get allocatedBytes(): number {
    return this.records.byteLength + this.timesMs.byteLength;
  }

  /** Arrival of the last record, or of the last one before. */
  get lastMs(): number {
    return this.count === 0 ? this.notBeforeMs : this.timesMs[this.count - 1]!;
  }

  /** Entry `index`: the first record of a ms. */
  recordAt(index: number): number {
    return this.records[index]!;
  }

  /** Entry `index`: the ms. */
  timeAt(index: number): number {
    return this.timesMs[index]!;
  }

  /** The first record that arrived at `timeMs` or later, or -1. */
  recordFrom(timeMs: number): number {
    const first = firstIndex(this.count, (i) => this.timesMs[i]! >= timeMs);
    return first === this.count ? -1 : this.records[first]!;
  }

  /** Says that the records from `record` on arrived at `timeMs`. */
  push(record: number, timeMs: number): void {
    if (this.count > 0 && timeMs <= this.lastMs) return;
    if (this.count === this.records.length) {
      const capacity = grownCapacity(this.count, this.count + 1);
      this.records = grownU32(this.records, capacity);
      this.timesMs = grownF64(this.timesMs, capacity);
    }
    this.records[this.count] = record;
    this.timesMs[this.count] = timeMs;
    this.count++;
  }

  /** Arrival of `record`, ms since 1970. */
  timeOf(record: number): number {
    let low = this.found;
    if (low > 0 && this.records[low - 1]! <= record && (low === this.count || record < this.records[low]!)) {
      return this.timesMs[low - 1]!;
    }
    low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.records[middle]! <= record) low = middle + 1;
      else high = middle;
    }
    this.found = low;
    return low === 0 ? 0 : this.timesMs[low - 1]!;
  }
}
