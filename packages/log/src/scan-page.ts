import { grownF64, grownU32 } from './head/typed-columns.ts';

/** Pages of idle followers stay empty: they share these. */
const noNumbers = new Float64Array(0);
const noOffsets = new Uint32Array(0);

/**
 * Records of one read, as columns: values are byte ranges of the buffers that hold them, which never change.
 * A reader adds until {@link isFull}.
 */
export class ScanPage {
  readonly maxRecords: number;
  readonly maxBytes: number;
  sequences = noNumbers;
  sources: Uint8Array[] = [];
  starts = noOffsets;
  ends = noOffsets;
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
    const capacity = Math.max(32, this.sequences.length * 2);
    this.sequences = grownF64(this.sequences, capacity);
    this.starts = grownU32(this.starts, capacity);
    this.ends = grownU32(this.ends, capacity);
  }
}
