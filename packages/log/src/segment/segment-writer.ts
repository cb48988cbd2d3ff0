import type { BlockWriter } from '@opendata/storage';
import type { Head } from '../head/head.ts';
import { sortKeys } from '../head/sorted-keys.ts';
import { WorkPacer } from '../yielding.ts';
import { DataPageBuilder } from './data-page.ts';
import type { DirectoryPageRef, SegmentDescriptor, TimePageRef } from './descriptor.ts';
import { DirectoryPageBuilder } from './directory-page.ts';
import { KeyFilterBuilder } from './key-filter.ts';
import { encodeOrderPage, positionsPerPage } from './order-page.ts';
import { arrivalsPerPage, encodeTimePage } from './time-page.ts';

/** A data page is closed at this size; a larger record has a page of its own. */
const dataPageBytes = 128 * 1024;
const directoryPageBytes = 64 * 1024;
const recordsAtOnce = 256;
/** After so many of them the clock is looked at. */
const manyRecords = 32;

/**
 * Writes the pages of a head that takes no more records: data pages with its records ordered by (key, sequence), and
 * between them directory pages with an entry for each key in each data page; behind them the arrivals, the place of each
 * record in the order of the sequence, and a filter of the keys. Works in the background, until the signal calls it off.
 */
export async function writeSegment(head: Head, writer: BlockWriter, signal?: AbortSignal): Promise<SegmentDescriptor> {
  const order = await sortKeys(head.keys, head.keys.count, new Uint32Array(0));
  signal?.throwIfAborted();
  const output = new SegmentOutput(head, writer, signal);
  const records = new Uint32Array(recordsAtOnce);
  for (const key of order) {
    output.startKey(key);
    const count = head.postings.countOf(key);
    for (let ordinal = 0; ordinal < count; ) {
      const copied = head.postings.copyFrom(key, ordinal, records);
      for (let i = 0; i < copied; i++) {
        if (output.needsPage(records[i]!)) await output.closeDataPage();
        output.add(records[i]!);
      }
      ordinal += copied;
      if (copied > manyRecords ? output.pacer.isDueNow() : output.pacer.isDue()) await output.pacer.pause();
    }
    output.closeRun();
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
  /** Runs of the page being filled, whose page number is known when it is written. */
  private pending: { key: number; offset: number; first: number; last: number; count: number; ordinal: number }[] = [];
  /** The number of the key whose records are added. */
  private key = 0;
  private ordinal = 0;
  private runOffset = 0;
  private runFirst = 0;
  private runLast = 0;
  private runCount = 0;
  private valueBytes = 0;

  constructor(head: Head, writer: BlockWriter, signal: AbortSignal | undefined) {
    this.pacer = new WorkPacer(signal);
    this.head = head;
    this.writer = writer;
    this.filter = new KeyFilterBuilder(head.keys.count);
    this.positions = new Uint32Array(head.recordCount);
  }

  startKey(key: number): void {
    const { keys } = this.head;
    const start = keys.offsetOf(key);
    this.key = key;
    this.filter.add(keys.chunkOf(key), start, start + keys.lengthOf(key));
    this.ordinal = 0;
    this.runCount = 0;
  }

  needsPage(record: number): boolean {
    return this.data.length > 1 && this.data.lengthWith(this.head.bodyLength(record)) > dataPageBytes;
  }

  add(record: number): void {
    if (this.runCount === 0) {
      this.runOffset = this.data.length;
      this.runFirst = record;
      this.data.startRun(record, this.head.startTimeMs);
    }
    this.positions[record] = this.pagePosition + this.data.length;
    const length = this.head.bodyLength(record);
    this.data.add(
      record,
      this.head.times.timeOf(record),
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
    const position = this.pagePosition;
    const bytes = this.data.finish();
    const page = await this.writer.writePage(bytes);
    this.dataPages.push(page);
    this.pagePosition = position + bytes.length;
    this.dataPositions.push(this.pagePosition);
    const { keys } = this.head;
    for (const run of this.pending) {
      const { key, offset, first, last, count, ordinal } = run;
      this.firstEntry ??= { firstKey: keys.bytesOf(key), firstSequence: first, firstPosition: position + offset };
      const start = keys.offsetOf(key);
      const entry = { page, offset, firstSequence: first, lastSequence: last, count, ordinal };
      this.entries.add(keys.chunkOf(key), start, start + keys.lengthOf(key), entry);
      if (this.entries.sizeBytes >= directoryPageBytes) await this.writeDirectoryPage();
    }
    this.pending = [];
    if (this.pacer.isDueNow()) await this.pacer.pause();
  }

  async writeDirectoryPage(): Promise<void> {
    const first = this.firstEntry;
    if (first === undefined) return;
    const page = await this.writer.writePage(this.entries.finish());
    this.directory.push({ page, ...first });
    this.firstEntry = undefined;
  }

  async finish(): Promise<SegmentDescriptor> {
    await this.closeDataPage();
    await this.writeDirectoryPage();
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
      await this.writer.writePage(this.filter.encodePage(index));
      if (this.pacer.isDueNow()) await this.pacer.pause();
    }
    return first;
  }

  /** Ends the records of the key in this page. */
  closeRun(): void {
    if (this.runCount === 0) return;
    this.pending.push({
      key: this.key,
      offset: this.runOffset,
      first: this.runFirst,
      last: this.runLast,
      count: this.runCount,
      ordinal: this.ordinal,
    });
    this.ordinal += this.runCount;
    this.runCount = 0;
  }
}
