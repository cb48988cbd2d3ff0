import { decodeAttributes } from '@opendata/wire';
import { LogError } from './errors.ts';
import { grownF64, grownU32 } from './head/typed-columns.ts';
import type { LogRecord } from './model.ts';
import { VarintCursor } from './varint.ts';

const cursor = new VarintCursor();

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
  /** Arrivals, ms since 1970. */
  times = noNumbers;
  /** Bytes of attributes right before each value; undefined while no record has any. */
  attributeLengths: Uint32Array | undefined;
  /** The key of each record; undefined where all are of one. */
  keySources: Uint8Array[] | undefined;
  keyStarts: Uint32Array | undefined;
  keyEnds: Uint32Array | undefined;
  count = 0;
  valueBytes = 0;
  /** Of a page over many keys; each record counts its own. */
  keyBytes = 0;
  /** Where to go on reading: one past the last record when the page is full, else the end of what was looked at. */
  nextSequence = 0;

  /** Takes at most `maxRecords`, and no more once their values and keys have `maxBytes` bytes. */
  constructor(maxRecords: number, maxBytes: number) {
    this.maxRecords = maxRecords;
    this.maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.count >= this.maxRecords || this.sizeBytes >= this.maxBytes;
  }

  get sizeBytes(): number {
    return this.valueBytes + this.keyBytes;
  }

  /** Adds the record with the value `source[start, end)`. */
  add(sequence: number, timeMs: number, source: Uint8Array, start: number, end: number): void {
    const index = this.count++;
    if (index === this.sequences.length) this.grow();
    this.sequences[index] = sequence;
    this.sources[index] = source;
    this.times[index] = timeMs;
    this.starts[index] = start;
    this.ends[index] = end;
    this.valueBytes += end - start;
  }

  /**
   * Adds the record with the body `source[start, end)`: the length of its attributes, the attributes, and its value.
   * @throws LogError corrupt
   */
  addWithAttributes(sequence: number, timeMs: number, source: Uint8Array, start: number, end: number): void {
    cursor.reset(source, start, end);
    const length = cursor.next();
    cursor.skip(length);
    if (cursor.failed) throw new LogError('corrupt', `record ${sequence} is cut short in its attributes`);
    this.add(sequence, timeMs, source, cursor.offset, end);
    const index = this.count - 1;
    this.attributeLengths ??= new Uint32Array(this.sequences.length);
    this.attributeLengths[index] = length;
    this.valueBytes += length;
  }

  /** Says that the record added last has the key `source[start, end)`. */
  setKey(source: Uint8Array, start: number, end: number): void {
    const index = this.count - 1;
    this.keySources ??= [];
    this.keyStarts ??= new Uint32Array(this.sequences.length);
    this.keyEnds ??= new Uint32Array(this.sequences.length);
    this.keySources[index] = source;
    this.keyStarts[index] = start;
    this.keyEnds[index] = end;
    this.keyBytes += end - start;
  }

  /** The key of record `index` of a page over many keys: a view, not a copy. */
  keyAt(index: number): Uint8Array {
    return this.keySources![index]!.subarray(this.keyStarts![index]!, this.keyEnds![index]!);
  }

  /** Record `index` as an object. @throws WireError malformed */
  recordAt(index: number): LogRecord {
    const length = this.attributeLengths?.[index] ?? 0;
    const start = this.starts[index]!;
    const record = { sequence: this.sequences[index]!, value: this.valueAt(index), arrivalTimeMs: this.times[index]! };
    return length === 0 ? record : { ...record, ...decodeAttributes(this.sources[index]!, start - length, start) };
  }

  /** Turns the order of the records round. */
  reverse(): void {
    const { count } = this;
    this.sources.length = count;
    this.sources.reverse();
    for (const column of [this.sequences, this.times, this.starts, this.ends, this.attributeLengths]) {
      column?.subarray(0, count).reverse();
    }
  }

  /** The value of record `index` of the page: a view, not a copy. */
  valueAt(index: number): Uint8Array {
    return this.sources[index]!.subarray(this.starts[index]!, this.ends[index]!);
  }

  private grow(): void {
    const capacity = Math.max(32, this.sequences.length * 2);
    this.sequences = grownF64(this.sequences, capacity);
    this.times = grownF64(this.times, capacity);
    if (this.attributeLengths !== undefined) this.attributeLengths = grownU32(this.attributeLengths, capacity);
    if (this.keyStarts !== undefined) this.keyStarts = grownU32(this.keyStarts, capacity);
    if (this.keyEnds !== undefined) this.keyEnds = grownU32(this.keyEnds, capacity);
    this.starts = grownU32(this.starts, capacity);
    this.ends = grownU32(this.ends, capacity);
  }
}
