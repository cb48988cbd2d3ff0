import type { ReadDirection } from '../head/ordered-head.ts';
import type { ScanPage } from '../scan-page.ts';
import type { KeyRanges } from '../selection.ts';
import { WorkPacer } from '../yielding.ts';
import type { SegmentDescriptor } from './descriptor.ts';
import { OrderPage, positionsPerPage } from './order-page.ts';
import { RecordBatch } from './record-batch.ts';
import type { SegmentPages } from './segment-pages.ts';

/** Most records fetched at once. */
const largestBatch = 8192;
/** So many are fetched at once when they are said to be few: their sizes are only guessed. */
const smallestBatch = 16;

/**
 * Reads a segment in the order of its sequence. Data pages are ordered by key, so the records of a selection lie between
 * a few positions, which the directory gives; order pages have the position of each record.
 */
export class OrderedSegment {
  private readonly descriptor: SegmentDescriptor;
  private readonly pages: SegmentPages;
  /** The ranges of positions of selections that were read before, for the next page of the same reader. */
  private readonly known = new WeakMap<KeyRanges, Float64Array>();

  constructor(descriptor: SegmentDescriptor, pages: SegmentPages) {
    this.descriptor = descriptor;
    this.pages = pages;
  }

  /** Selected records with a sequence in [from, to) are added to `page`, with their keys, until it is full. */
  async read(
    selection: KeyRanges,
    from: number,
    to: number,
    page: ScanPage,
    { reverse = false, signal }: ReadDirection,
  ): Promise<void> {
    const walk = await this.walk(selection, from, to, reverse);
    while (!page.isFull) {
      const batch = new RecordBatch(this.descriptor, this.pages, this.batchSize(page));
      await walk.next((record, position) => batch.add(record, position), signal);
      if (batch.count === 0 || signal?.aborted) return;
      const taken = await batch.moveTo(page, signal);
      if (taken < batch.count && !page.isFull) walk.goTo(batch.recordAt(taken));
    }
  }

  /** Where the last `count` selected records in [from, to) begin, or how many there are when they are fewer. */
  async last(
    selection: KeyRanges,
    from: number,
    to: number,
    count: number,
    signal?: AbortSignal,
  ): Promise<{ readonly found: number; readonly sequence: number }> {
    const last = { found: 0, sequence: from };
    const walk = await this.walk(selection, from, to, true);
    await walk.next((record) => {
      last.sequence = this.descriptor.startSequence + record;
      return ++last.found < count;
    }, signal);
    return last;
  }

  private async walk(selection: KeyRanges, from: number, to: number, reverse: boolean): Promise<OrderWalk> {
    const { startSequence, recordCount } = this.descriptor;
    const start = Math.max(0, from - startSequence);
    const end = Math.min(recordCount, to - startSequence);
    return new OrderWalk(this.descriptor, this.pages, await this.positionsOf(selection), start, end, reverse);
  }

  /** Pairs of positions: the records of the selection are from the first up to the second one of a pair. */
  private async positionsOf(selection: KeyRanges): Promise<Float64Array> {
    const known = this.known.get(selection);
    if (known !== undefined) return known;
    const end = this.descriptor.data.positions.at(-1)!;
    const pairs: number[] = [];
    for (const range of selection.ranges) {
      const first = range.start.length === 0 ? 0 : await this.positionOf(range.start);
      const last = range.end === undefined ? end : await this.positionOf(range.end);
      if (last > first) pairs.push(first, last);
    }
    const positions = Float64Array.from(pairs);
    this.known.set(selection, positions);
    return positions;
  }

  /** Where the first record of `key`, or of the next key that is there, is or would be. */
  private async positionOf(key: Uint8Array): Promise<number> {
    const { directory, data } = this.descriptor;
    const index = this.pages.directoryIndex(key);
    const page = await this.pages.directoryPage(index);
    const entry = page.lowerBound(key, 0);
    if (entry === page.count) return directory[index + 1]?.firstPosition ?? data.positions.at(-1)!;
    const run = page.runAt(entry);
    return data.positions[data.pages.indexOf(run.page)]! + run.offset;
  }

  /** How many records to fetch for `page`: about as many as it still takes. */
  private batchSize(page: ScanPage): number {
    const { valueBytes, recordCount } = this.descriptor;
    const guessed = Math.ceil((page.maxBytes - page.sizeBytes) / Math.max(1, valueBytes / recordCount));
    return Math.min(page.maxRecords - page.count, Math.max(smallestBatch, guessed), largestBatch);
  }
}

/** Goes along the order pages of a segment. */
class OrderWalk {
  private readonly descriptor: SegmentDescriptor;
  private readonly pages: SegmentPages;
  private readonly positions: Float64Array;
  private readonly start: number;
  private readonly end: number;
  private readonly step: number;
  private record: number;
  private page: OrderPage | undefined;
  private pageIndex = -1;

  /** Over the records in [start, end), whose positions are in one of the pairs of `positions`. */
  constructor(
    descriptor: SegmentDescriptor,
    pages: SegmentPages,
    positions: Float64Array,
    start: number,
    end: number,
    reverse: boolean,
  ) {
    this.descriptor = descriptor;
    this.pages = pages;
    this.positions = positions;
    this.start = start;
    this.end = end;
    this.step = reverse ? -1 : 1;
    this.record = reverse ? end - 1 : start;
  }

  /** The next record to look at. */
  goTo(record: number): void {
    this.record = record;
  }

  /** Calls `take` for each selected record until it answers false, and goes on behind that one next time. */
  async next(take: (record: number, position: number) => boolean, signal: AbortSignal | undefined): Promise<void> {
    if (this.positions.length === 0) return;
    const pacer = new WorkPacer();
    while (this.record >= this.start && this.record < this.end) {
      const index = Math.floor(this.record / positionsPerPage);
      const page = index === this.pageIndex ? this.page! : await this.load(index, signal);
      const position = page.positionAt(this.record % positionsPerPage);
      const record = this.record;
      this.record += this.step;
      if (this.isSelected(position) && !take(record, position)) return;
      if (pacer.isDue()) {
        await pacer.pause();
        if (signal?.aborted) return;
      }
    }
  }

  private isSelected(position: number): boolean {
    const { positions } = this;
    if (positions.length === 2) return position >= positions[0]! && position < positions[1]!;
    let low = 0;
    let high = positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low % 2 === 1;
  }

  private async load(index: number, signal: AbortSignal | undefined): Promise<OrderPage> {
    const [bytes] = await this.pages.read(this.descriptor.orderPage + index, 1, signal);
    this.page = new OrderPage(bytes!);
    this.pageIndex = index;
    return this.page;
  }
}
