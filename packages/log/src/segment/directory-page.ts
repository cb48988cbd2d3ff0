import { LogError } from '../errors.ts';
import { grownU32 } from '../head/typed-columns.ts';
import { copyBytes } from '../journal-entry.ts';
import { compareBytes } from '../key-bytes.ts';
import { VarintCursor, writeVarint } from '../varint.ts';

const version = 1;
const headBytes = 5;
/** The seven numbers of an entry take no more. */
const mostNumberBytes = 7 * 8;

/** A run: the records of one key in one data page. Sequences are relative to the segment's first. */
export interface Run {
  readonly page: number;
  /** Byte offset in the page. */
  readonly offset: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly count: number;
  /** Number of records of the key in this segment before the run. */
  readonly ordinal: number;
}

/**
 * Collects directory entries, ordered by (key, sequence), into a page: a version byte, the number of entries (u32, big
 * endian), the offset of each (u32), and the entries: key length, key, page, offset, first sequence, last - first,
 * count, ordinal, as varints.
 */
export class DirectoryPageBuilder {
  private offsets = new Uint32Array(1024);
  private entryCount = 0;
  private entries = Buffer.allocUnsafe(4096);
  private length = 0;

  get count(): number {
    return this.entryCount;
  }

  get sizeBytes(): number {
    return headBytes + this.entryCount * 4 + this.length;
  }

  /** Adds a run of the key `source[start, end)`. */
  add(source: Uint8Array, start: number, end: number, run: Run): void {
    const needed = end - start + mostNumberBytes;
    if (this.length + needed > this.entries.length) this.grow(needed);
    if (this.entryCount === this.offsets.length) this.offsets = grownU32(this.offsets, this.entryCount * 2);
    this.offsets[this.entryCount++] = this.length;
    const { entries } = this;
    let offset = writeVarint(entries, this.length, end - start);
    offset = copyBytes(source, start, end, entries, offset);
    offset = writeVarint(entries, offset, run.page);
    offset = writeVarint(entries, offset, run.offset);
    offset = writeVarint(entries, offset, run.firstSequence);
    offset = writeVarint(entries, offset, run.lastSequence - run.firstSequence);
    offset = writeVarint(entries, offset, run.count);
    this.length = writeVarint(entries, offset, run.ordinal);
  }

  /** The page; the builder is empty afterwards. */
  finish(): Uint8Array {
    const { offsets, entryCount } = this;
    const start = headBytes + entryCount * 4;
    const page = Buffer.allocUnsafeSlow(start + this.length);
    const view = new DataView(page.buffer);
    page[0] = version;
    view.setUint32(1, entryCount);
    for (let i = 0; i < entryCount; i++) view.setUint32(headBytes + i * 4, start + offsets[i]!);
    page.set(this.entries.subarray(0, this.length), start);
    this.entryCount = 0;
    this.length = 0;
    return page;
  }

  private grow(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.entries.length * 2, this.length + needed));
    grown.set(this.entries.subarray(0, this.length));
    this.entries = grown;
  }
}

/** Reads a page that {@link DirectoryPageBuilder} wrote. */
export class DirectoryPage {
  readonly count: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly cursor = new VarintCursor();

  /** @throws LogError corrupt */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < headBytes || bytes[0] !== version) throw new LogError('corrupt', 'not a directory page');
    this.count = this.view.getUint32(1);
    if (headBytes + this.count * 4 > bytes.length) throw new LogError('corrupt', 'directory page is cut short');
  }

  /** Index of the first entry that is not before (key, sequence), where an entry is placed by its last record. */
  lowerBound(key: Uint8Array, sequence: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBefore(middle, key, sequence)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The key of an entry: a view, not a copy. */
  keyAt(index: number): Uint8Array {
    const cursor = this.seek(index);
    const length = cursor.next();
    const start = cursor.skip(length);
    if (cursor.failed) throw new LogError('corrupt', 'directory page is cut short');
    return this.bytes.subarray(start, start + length);
  }

  /** @throws LogError corrupt */
  runAt(index: number): Run {
    const cursor = this.seek(index);
    cursor.skip(cursor.next());
    const page = cursor.next();
    const offset = cursor.next();
    const firstSequence = cursor.next();
    const lastSequence = firstSequence + cursor.next();
    const count = cursor.next();
    const ordinal = cursor.next();
    if (cursor.failed) throw new LogError('corrupt', 'directory page is cut short');
    return { page, offset, firstSequence, lastSequence, count, ordinal };
  }

  /** Whether an entry begins at or before byte `offset` of data page `page`. @throws LogError corrupt */
  startsBy(index: number, page: number, offset: number): boolean {
    const cursor = this.seek(index);
    cursor.skip(cursor.next());
    const ownPage = cursor.next();
    const ownOffset = cursor.next();
    if (cursor.failed) throw new LogError('corrupt', 'directory page is cut short');
    return ownPage < page || (ownPage === page && ownOffset <= offset);
  }

  private isBefore(index: number, key: Uint8Array, sequence: number): boolean {
    const own = this.keyAt(index);
    const order = compareBytes(own, 0, own.length, key, 0, key.length);
    return order < 0 || (order === 0 && this.runAt(index).lastSequence < sequence);
  }

  private seek(index: number): VarintCursor {
    this.cursor.reset(this.bytes, this.view.getUint32(headBytes + index * 4), this.bytes.length);
    return this.cursor;
  }
}
