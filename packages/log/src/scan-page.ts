import { grownCapacity, grownF64, grownU32 } from './head/typed-columns.ts';

/**
 * Records of one read, as columns: values are byte ranges of the buffers that hold them, which never change.
 * A reader adds until {@link isFull}.
 */
export class ScanPage {
  readonly maxRecords: number;
  readonly maxBytes: number;
  sequences = new Float64Array(32);
  sources: Uint8Array[] = [];
  starts = new Uint32Array(32);
  ends = new Uint32Array(32);
  count = 0;
  valueBytes = 0;
  /** Where to go on reading: one past the last record when the page is full, else the end of what was looked at. */
  nextSequence = 0;

  /** Takes at most `maxRecords`, and no more once their values have `maxBytes` bytes. */
  constructor(maxRecords: number, maxBytes: number) {
    this.maxRecords = maxRecords;
    this.maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.count >= this.maxRecords || this.valueBytes >= this.maxBytes;
  }

  add(sequence: number, source: Uint8Array, start: number, end: number): void {
    const index = this.count++;
    if (index === this.sequences.length) this.grow();
    this.sequences[index] = sequence;
    this.sources[index] = source;
    this.starts[index] = start;
    this.ends[index] = end;
    this.valueBytes += end - start;
  }

  /** The value of record `index` of the page: a view, not a copy. */
  valueAt(index: number): Uint8Array {
    return this.sources[index]!.subarray(this.starts[index]!, this.ends[index]!);
  }

  private grow(): void {
    const capacity = grownCapacity(this.sequences.length, this.sequences.length * 2);
    this.sequences = grownF64(this.sequences, capacity);
    this.starts = grownU32(this.starts, capacity);
    this.ends = grownU32(this.ends, capacity);
  }
}
