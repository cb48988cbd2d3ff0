import type { BlockWriter } from '@opendata/storage';
import { ArrivalLookup } from '../head/arrival-lookup.ts';
import type { Head } from '../head/head.ts';
import { sortKeys } from '../head/sorted-keys.ts';
import { WorkPacer } from '../yielding.ts';
import { DataPageBuilder } from './data-page.ts';
import type { DirectoryPageRef, SegmentDescriptor, TimePageRef } from './descriptor.ts';
import { DirectoryPageBuilder } from './directory-page.ts';
import { KeyFilterBuilder } from './key-filter.ts';
import { encodeOrderPage, positionsPerPage } from './order-page.ts';
import { RecordWalk } from './record-walk.ts';
import { arrivalsPerPage, encodeTimePage } from './time-page.ts';

/** A data page is closed at this size; a larger record has a page of its own. */
const dataPageBytes = 128 * 1024;
const directoryPageBytes = 64 * 1024;
/** The number of no key. */
const noKey = -1;

/**
 * Writes the pages of a head that takes no more records: data pages with its records ordered by (key, sequence), and
 * between them directory pages with an entry for each key in each data page; behind them the arrivals, the place of each
 * record in the order of the sequence, and a filter of the keys. Works in the background, until the signal calls it off.
 */
export async function writeSegment(head: Head, writer: BlockWriter, signal?: AbortSignal): Promise<SegmentDescriptor> {
  const pacer = new WorkPacer(signal);
  const order = await sortKeys(head.keys, head.keys.count, new Uint32Array(0), pacer);
  signal?.throwIfAborted();
  const output = new SegmentOutput(head, writer, pacer);
  const walk = new RecordWalk(head, order);
  for (let count = walk.next(); count > 0; count = walk.next()) {
    for (let i = 0; i < count; i++) {
      const record = walk.records[i]!;
      if (output.needsPage(record)) await output.closeDataPage();
      output.add(walk.keys[i]!, record);
    }
    if (output.pacer.isDueNow()) await output.pacer.pause();
  }
  return output.finish();
}

class SegmentOutput {
  readonly pacer: WorkPacer;
  private readonly head: Head;
  private readonly writer: BlockWriter;
  private readonly data = new DataPageBuilder(dataPageBytes);
  private readonly entries = new DirectoryPageBuilder();
  private readonly directory: DirectoryPageRef[] = [];
  private readonly filter: KeyFilterBuilder;
  /** Position of each record: its byte among all data pages one behind the other. */
  private readonly positions: Uint32Array;
  private readonly dataPages: number[] = [];
  /** Position of the first byte of each data page, the one being filled included. */
  private readonly dataPositions = [0];
  /** The last of them. */
  private pagePosition = 0;
  private firstEntry: Omit<DirectoryPageRef, 'page'> | undefined;
  /** Directory pages that come behind the data page being filled, which they are about. */
  private finished: { readonly bytes: Uint8Array; readonly first: Omit<DirectoryPageRef, 'page'> }[] = [];
  private readonly times: ArrivalLookup;
  /** The number of the key whose records are added. */
  private key = noKey;
  private ordinal = 0;
  private runOffset = 0;
  private runFirst = 0;
  private runLast = 0;
  private runCount = 0;
  private valueBytes = 0;
  /** The entry that is added to the directory. */
  private readonly run = { page: 0, offset: 0, firstSequence: 0, lastSequence: 0, count: 0, ordinal: 0 };

  constructor(head: Head, writer: BlockWriter, pacer: WorkPacer) {
    this.pacer = pacer;
    this.head = head;
    this.writer = writer;
    this.filter = new KeyFilterBuilder(head.keys.count);
    this.positions = new Uint32Array(head.recordCount);
    this.times = new ArrivalLookup(head.times, head.recordCount);
  }

  needsPage(record: number): boolean {
    return this.data.length > 1 && this.data.lengthWith(this.head.bodyLength(record)) > dataPageBytes;
  }

  /** Adds a record of `key`, behind those of lesser keys and the earlier ones of this key. */
  add(key: number, record: number): void {
    if (key !== this.key) {
      this.closeRun();
      this.key = key;
      this.ordinal = 0;
    }
    if (this.runCount === 0) {
      this.runOffset = this.data.length;
      this.runFirst = record;
      this.data.startRun(record, this.head.startTimeMs);
    }
    this.positions[record] = this.pagePosition + this.data.length;
    const length = this.head.bodyLength(record);
    this.data.add(
      record,
      this.times.timeOf(record),
      this.head.bodyChunk(record),
      this.head.bodyOffset(record),
      length,
      this.head.hasAttributes(record),
    );
    this.runLast = record;
    this.runCount++;
    this.valueBytes += length;
  }

  async closeDataPage(): Promise<void> {
    this.closeRun();
    if (this.data.length === 1) return;
    const bytes = this.data.finish();
    this.dataPages.push(await this.writer.writePage(bytes));
    this.pagePosition += bytes.length;
    this.dataPositions.push(this.pagePosition);
    await this.writeDirectoryPages();
    if (this.pacer.isDueNow()) await this.pacer.pause();
  }

  private async writeDirectoryPages(): Promise<void> {
    for (const { bytes, first } of this.finished) {
      this.directory.push({ page: await this.writer.writePage(bytes, true), ...first });
    }
    this.finished = [];
  }

  async finish(): Promise<SegmentDescriptor> {
    await this.closeDataPage();
    this.finishDirectoryPage();
    await this.writeDirectoryPages();
    const times = await this.writeTimes();
    const orderPage = await this.writeOrder();
    const filterPages = this.directory.length > 1 ? this.filter.pageCount : 0;
    const filterPage = await this.writeFilter(filterPages);
    return {
      segmentId: this.head.segmentId,
      startSequence: this.head.startSequence,
      recordCount: this.head.recordCount,
      keyCount: this.head.keys.count,
      startTimeMs: this.head.startTimeMs,
      endTimeMs: this.head.times.lastMs,
      valueBytes: this.valueBytes,
      orderPage,
      filterPage,
      filterPages,
      data: { pages: Uint32Array.from(this.dataPages), positions: Float64Array.from(this.dataPositions) },
      directory: this.directory,
      times,
    };
  }

  private async writeTimes(): Promise<TimePageRef[]> {
    const { times, startTimeMs } = this.head;
    const refs: TimePageRef[] = [];
    for (let from = 0; from < times.count; from += arrivalsPerPage) {
      const page = await this.writer.writePage(encodeTimePage(times, from, startTimeMs));
      refs.push({ page, firstTimeMs: times.timeAt(from), firstRecord: times.recordAt(from) });
    }
    return refs;
  }

  /** Returns the first of the pages. */
  private async writeOrder(): Promise<number> {
    const first = this.writer.pages;
    for (let from = 0; from < this.positions.length; from += positionsPerPage) {
      await this.writer.writePage(encodeOrderPage(this.positions, from));
      if (this.pacer.isDueNow()) await this.pacer.pause();
    }
    return first;
  }

  /** Returns the first of the pages. */
  private async writeFilter(pages: number): Promise<number> {
    const first = this.writer.pages;
    for (let index = 0; index < pages; index++) {
      await this.writer.writePage(this.filter.encodePage(index), true);
      if (this.pacer.isDueNow()) await this.pacer.pause();
    }
    return first;
  }

  /** Ends the records of the key in this page. */
  private closeRun(): void {
    if (this.runCount === 0) return;
    const { keys } = this.head;
    const { key, run } = this;
    // The page being filled is the next one that is written.
    run.page = this.writer.pages;
    run.offset = this.runOffset;
    run.firstSequence = this.runFirst;
    run.lastSequence = this.runLast;
    run.count = this.runCount;
    run.ordinal = this.ordinal;
    this.firstEntry ??= {
      firstKey: keys.bytesOf(key),
      firstSequence: this.runFirst,
      firstPosition: this.pagePosition + this.runOffset,
    };
    const chunk = keys.chunkOf(key);
    const start = keys.offsetOf(key);
    const end = start + keys.lengthOf(key);
    // Now, as its bytes are in the processor's cache.
    if (this.ordinal === 0) this.filter.add(chunk, start, end);
    this.entries.add(chunk, start, end, run);
    if (this.entries.sizeBytes >= directoryPageBytes) this.finishDirectoryPage();
    this.ordinal += this.runCount;
    this.runCount = 0;
  }

  private finishDirectoryPage(): void {
    if (this.firstEntry === undefined) return;
    this.finished.push({ bytes: this.entries.finish(), first: this.firstEntry });
    this.firstEntry = undefined;
  }
}
