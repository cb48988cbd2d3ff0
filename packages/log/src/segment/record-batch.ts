import { LogError } from '../errors.ts';
import { copyBytes } from '../journal-entry.ts';
import type { ScanPage } from '../scan-page.ts';
import { type BodyPlace, locateBody } from './data-page.ts';
import type { SegmentDescriptor } from './descriptor.ts';
import { DirectoryCursor } from './directory-cursor.ts';
import type { SegmentPages } from './segment-pages.ts';
import { TimeWalk } from './time-walk.ts';

/** Data pages fetched at once when several in a row have records of a batch. */
const pagesAtOnce = 16;
const slabBytes = 64 * 1024;
/** What a batch may copy beside what the page still takes, before it goes on with fewer records. */
const spareBytes = 1024 * 1024;
/** Records of a batch are below this number: their index shares a double with their position. */
const indexScale = 2 ** 14;

/**
 * Records of one segment by their positions, wherever in its data pages they are. They are fetched in the order of the
 * pages and copied, since pages from all over the segment must not be held.
 */
export class RecordBatch {
  count = 0;
  private readonly descriptor: SegmentDescriptor;
  private readonly pages: SegmentPages;
  private readonly records: Uint32Array;
  private readonly positions: Float64Array;
  private readonly sources: Uint8Array[] = [];
  private readonly keyStarts: Uint32Array;
  private readonly bodyStarts: Uint32Array;
  private readonly bodyEnds: Uint32Array;
  private readonly attributed: Uint8Array;
  private slab = Buffer.alloc(0);
  private slabUsed = 0;
  private copiedBytes = 0;

  constructor(descriptor: SegmentDescriptor, pages: SegmentPages, capacity: number) {
    this.descriptor = descriptor;
    this.pages = pages;
    this.records = new Uint32Array(capacity);
    this.positions = new Float64Array(capacity);
    this.keyStarts = new Uint32Array(capacity);
    this.bodyStarts = new Uint32Array(capacity);
    this.bodyEnds = new Uint32Array(capacity);
    this.attributed = new Uint8Array(capacity);
  }

  /** Adds a record; false when there is no room for another one. */
  add(record: number, position: number): boolean {
    this.records[this.count] = record;
    this.positions[this.count++] = position;
    return this.count < this.records.length;
  }

  recordAt(index: number): number {
    return this.records[index]!;
  }

  /**
   * Fetches the records and adds them to `page` until it is full. Returns how many of them were looked at: fewer than all
   * when they turned out to be larger than expected.
   * @throws LogError corrupt
   */
  async moveTo(page: ScanPage, signal: AbortSignal | undefined): Promise<number> {
    const wantedBytes = page.maxBytes - page.sizeBytes + spareBytes;
    const fetched = await this.fetch(wantedBytes, signal);
    const times = new TimeWalk(this.descriptor, this.pages);
    const { startSequence } = this.descriptor;
    for (let i = 0; i < fetched; i++) {
      if (page.isFull) return i;
      const source = this.sources[i]!;
      const bodyStart = this.bodyStarts[i]!;
      const record = this.records[i]!;
      const time = times.timeOf(record);
      const timeMs = typeof time === 'number' ? time : await time;
      const sequence = startSequence + record;
      if (this.attributed[i] === 1) page.addWithAttributes(sequence, timeMs, source, bodyStart, this.bodyEnds[i]!);
      else page.add(sequence, timeMs, source, bodyStart, this.bodyEnds[i]!);
      page.setKey(source, this.keyStarts[i]!, bodyStart);
    }
    return fetched;
  }

  /** Copies the first records of the batch; returns how many. */
  private async fetch(wantedBytes: number, signal: AbortSignal | undefined): Promise<number> {
    const order = this.byPosition();
    const { pages, positions } = this.descriptor.data;
    const keys = new DirectoryCursor(this.descriptor, this.pages);
    let limit = this.count;
    let dataIndex = 0;
    for (let at = 0; at < order.length; ) {
      const first = order[at]!;
      if (first >= limit) {
        at++;
        continue;
      }
      dataIndex = indexOfPage(positions, this.positions[first]!, dataIndex);
      const indexes = this.pagesFrom(order, at, dataIndex);
      const bytes = await this.pages.read(pages[dataIndex]!, indexes, signal);
      for (let i = 0; i < indexes; i++, dataIndex++) {
        const end = positions[dataIndex + 1]!;
        for (; at < order.length && this.positions[order[at]!]! < end; at++) {
          const index = order[at]!;
          if (index >= limit) continue;
          const position = this.positions[index]!;
          const key = keys.keyAt(pages[dataIndex]!, position - positions[dataIndex]!, position);
          this.copy(index, bytes[i]!, position - positions[dataIndex]!, key instanceof Uint8Array ? key : await key);
          if (this.copiedBytes > wantedBytes && limit > 1) limit = Math.max(1, limit >>> 1);
        }
      }
    }
    return limit;
  }

  /** Indexes of the records, ordered by their positions. */
  private byPosition(): Uint32Array {
    const sorted = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) sorted[i] = this.positions[i]! * indexScale + i;
    sorted.sort();
    const order = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) order[i] = sorted[i]! % indexScale;
    return order;
  }

  /** Number of pages in a row from data page `dataIndex` on, stored as neighbours, that all have records of the batch. */
  private pagesFrom(order: Uint32Array, at: number, dataIndex: number): number {
    const { pages, positions } = this.descriptor.data;
    let count = 1;
    for (; at < order.length && count < pagesAtOnce; at++) {
      const position = this.positions[order[at]!]!;
      const end = positions[dataIndex + count]!;
      if (position < end) continue;
      const next = dataIndex + count;
      if (position >= positions[next + 1]! || pages[next] !== pages[next - 1]! + 1) break;
      count++;
    }
    return count;
  }

  /** Copies key and body of record `index`, which is at `offset` of the page. */
  private copy(index: number, page: Uint8Array, offset: number, key: Uint8Array): void {
    locateBody(page, offset, place);
    const length = key.length + place.end - place.start;
    if (length > this.slab.length - this.slabUsed) {
      this.slab = Buffer.allocUnsafeSlow(Math.max(length, slabBytes));
      this.slabUsed = 0;
    }
    const start = this.slabUsed;
    const bodyStart = copyBytes(key, 0, key.length, this.slab, start);
    this.slabUsed = copyBytes(page, place.start, place.end, this.slab, bodyStart);
    this.sources[index] = this.slab;
    this.keyStarts[index] = start;
    this.bodyStarts[index] = bodyStart;
    this.bodyEnds[index] = this.slabUsed;
    this.attributed[index] = place.hasAttributes ? 1 : 0;
    this.copiedBytes += length;
  }
}

const place: BodyPlace = { start: 0, end: 0, hasAttributes: false };

/** Index of the data page with this position, from page `from` on. @throws LogError corrupt */
function indexOfPage(positions: Float64Array, position: number, from: number): number {
  let low = from;
  let high = positions.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle + 1]! <= position) low = middle + 1;
    else high = middle;
  }
  if (low >= positions.length - 1) throw new LogError('corrupt', `position ${position} is behind the last data page`);
  return low;
}
