import type { BlockInfo, BlockReads } from '@opendata/storage';
import { firstIndex } from '../binary-search.ts';
import { LogError } from '../errors.ts';
import { compareKeys } from '../key-bytes.ts';
import type { ScanPage } from '../scan-page.ts';
import { countBefore, readRun, sequenceInRun } from './data-page.ts';
import { decodeDescriptor, type SegmentDescriptor } from './descriptor.ts';
import { DirectoryPage, type Run } from './directory-page.ts';
import { filterPageOf, mayInclude } from './key-filter.ts';
import { OrderedSegment } from './ordered-segment.ts';
import { recordFromTime } from './time-page.ts';

/** Data pages fetched at once when a key has several in a row. */
const pagesAtOnce = 16;

/** A sealed segment. Holds its descriptor; every read goes through the store's page cache. */
export class SegmentReader {
  readonly blockId: number;
  /** Bytes of its pages as they are stored. */
  readonly sizeBytes: number;
  readonly descriptor: SegmentDescriptor;
  /** Its records in the order of the sequence. */
  readonly ordered: OrderedSegment;
  private readonly blocks: BlockReads;

  /** @throws LogError corrupt */
  constructor(info: BlockInfo, blocks: BlockReads) {
    this.blockId = info.id;
    this.sizeBytes = info.sizeBytes;
    this.descriptor = decodeDescriptor(info.descriptor);
    this.blocks = blocks;
    this.ordered = new OrderedSegment(this.descriptor, {
      read: (first, count, signal) => blocks.readPages(info.id, first, count, signal),
      directoryIndex: (key) => this.directoryIndex(key, 0),
      directoryPage: (index) => this.directoryPage(index),
    });
  }

  get id(): number {
    return this.descriptor.segmentId;
  }

  get startSequence(): number {
    return this.descriptor.startSequence;
  }

  get endSequence(): number {
    return this.descriptor.startSequence + this.descriptor.recordCount;
  }

  get startTimeMs(): number {
    return this.descriptor.startTimeMs;
  }

  get endTimeMs(): number {
    return this.descriptor.endTimeMs;
  }

  /** Records of `key` with a sequence in [from, to) are added to `page` until it is full. */
  async read(key: Uint8Array, from: number, to: number, page: ScanPage, signal?: AbortSignal): Promise<void> {
    if (!(await this.mayHave(key))) return;
    const first = Math.max(0, from - this.startSequence);
    const end = to - this.startSequence;
    let batch: Run[] = [];
    for await (const run of this.runs(key, first)) {
      if (run.firstSequence >= end || page.isFull) break;
      const last = batch.at(-1);
      if (last !== undefined && (run.page !== last.page + 1 || batch.length === pagesAtOnce)) {
        await this.readRuns(batch, first, end, page, signal);
        batch = [];
      }
      batch.push(run);
      if (enough(batch, page)) {
        await this.readRuns(batch, first, end, page, signal);
        batch = [];
      }
    }
    if (batch.length > 0) await this.readRuns(batch, first, end, page, signal);
  }

  /** Number of records of `key` with a sequence in [from, to). */
  async count(key: Uint8Array, from: number, to: number): Promise<number> {
    if (to <= from || !(await this.mayHave(key))) return 0;
    const end = await this.ordinalFrom(key, to - this.startSequence);
    if (end === 0 || from <= this.startSequence) return end;
    return end - (await this.ordinalFrom(key, from - this.startSequence));
  }

  /** Number of data pages with records of `key` with a sequence in [from, to). */
  async pagesOf(key: Uint8Array, from: number, to: number): Promise<number> {
    let pages = 0;
    if (!(await this.mayHave(key))) return pages;
    for await (const run of this.runs(key, Math.max(0, from - this.startSequence))) {
      if (run.firstSequence >= to - this.startSequence) break;
      pages++;
    }
    return pages;
  }

  /** Sequence of the record of `key` that has `back - 1` others between it and `to`; there must be one. */
  async sequenceBefore(key: Uint8Array, to: number, back: number): Promise<number> {
    const ordinal = (await this.ordinalFrom(key, to - this.startSequence)) - back;
    for await (const run of this.runs(key, 0)) {
      if (run.ordinal + run.count <= ordinal) continue;
      const [bytes] = await this.blocks.readPages(this.blockId, run.page, 1);
      return this.startSequence + sequenceInRun(bytes!, run, ordinal - run.ordinal);
    }
    throw new LogError('corrupt', `segment ${this.id} has no record ${ordinal} of a key`);
  }

  /** The first sequence that arrived at `timeMs` or later. */
  async sequenceFromTime(timeMs: number): Promise<number | undefined> {
    if (timeMs <= this.startTimeMs) return this.startSequence;
    const { times } = this.descriptor;
    let index = times.length - 1;
    while (index > 0 && times[index]!.firstTimeMs >= timeMs) index--;
    for (; index < times.length; index++) {
      const [bytes] = await this.blocks.readPages(this.blockId, times[index]!.page, 1);
      const record = recordFromTime(bytes!, this.startTimeMs, timeMs);
      if (record >= 0) return this.startSequence + record;
    }
    return undefined;
  }

  /** Distinct keys in order, from the first that is not before `from`. Views: valid until the next one. */
  async *keysFrom(from: Uint8Array): AsyncGenerator<Uint8Array> {
    let previous: Uint8Array | undefined;
    for (let index = this.directoryIndex(from, 0); index < this.descriptor.directory.length; index++) {
      const directory = await this.directoryPage(index);
      for (let entry = directory.lowerBound(from, 0); entry < directory.count; entry++) {
        const key = directory.keyAt(entry);
        if (previous !== undefined && compareKeys(previous, key) === 0) continue;
        previous = key;
        yield key;
      }
    }
  }

  /** Reads the pages of the filter, so that they are in the cache; their bytes. */
  async loadFilter(): Promise<number> {
    const { filterPage, filterPages } = this.descriptor;
    if (filterPages === 0) return 0;
    const pages = await this.blocks.readPages(this.blockId, filterPage, filterPages);
    return pages.reduce((bytes, page) => bytes + page.length, 0);
  }

  /** Number of its directory pages. */
  get directoryPages(): number {
    return this.descriptor.directory.length;
  }

  /** Reads a directory page, so that it is in the cache; its bytes. */
  async loadDirectoryPage(index: number): Promise<number> {
    const [bytes] = await this.blocks.readPages(this.blockId, this.descriptor.directory[index]!.page, 1);
    return bytes!.length;
  }

  /** The first key of a directory page. */
  firstKeyOf(index: number): Uint8Array {
    return this.descriptor.directory[index]!.firstKey;
  }

  /** False only if the segment has no record of `key`. Its filter is a small part of its directory. */
  private async mayHave(key: Uint8Array): Promise<boolean> {
    const { filterPage, filterPages, keyCount } = this.descriptor;
    if (filterPages === 0) return true;
    const page = filterPage + filterPageOf(key, keyCount);
    const [bytes] = await this.blocks.readPages(this.blockId, page, 1);
    return mayInclude(bytes!, key, keyCount);
  }

  /** How many records of `key` come before `sequence` (relative to the segment). */
  private async ordinalFrom(key: Uint8Array, sequence: number): Promise<number> {
    const { directory, recordCount } = this.descriptor;
    if (sequence >= recordCount) return this.totalOf(key);
    for (let index = this.directoryIndex(key, sequence); index < directory.length; index++) {
      const page = await this.directoryPage(index);
      const entry = page.lowerBound(key, sequence);
      if (entry < page.count && compareKeys(page.keyAt(entry), key) === 0) {
        const run = page.runAt(entry);
        if (sequence <= run.firstSequence) return run.ordinal;
        const [bytes] = await this.blocks.readPages(this.blockId, run.page, 1);
        return run.ordinal + countBefore(bytes!, run, sequence);
      }
      const next = directory[index + 1];
      if (entry === page.count && next !== undefined && compareKeys(next.firstKey, key) === 0) continue;
      // All of its records come before.
      return entry > 0 ? endOfKey(page, entry - 1, key) : this.totalOf(key);
    }
    return this.totalOf(key);
  }

  private async totalOf(key: Uint8Array): Promise<number> {
    const lastRecord = this.descriptor.recordCount - 1;
    let index = this.directoryIndex(key, lastRecord);
    for (; index >= 0 && index < this.descriptor.directory.length; index--) {
      const directory = await this.directoryPage(index);
      const entry = directory.lowerBound(key, Number.MAX_SAFE_INTEGER) - 1;
      if (entry < 0) continue;
      return endOfKey(directory, entry, key);
    }
    return 0;
  }

  /** The runs of `key`, from the one that has the first record at or after `sequence`. */
  private async *runs(key: Uint8Array, sequence: number): AsyncGenerator<Run> {
    for (let index = this.directoryIndex(key, sequence); index < this.descriptor.directory.length; index++) {
      const directory = await this.directoryPage(index);
      for (let entry = directory.lowerBound(key, sequence); entry < directory.count; entry++) {
        if (compareKeys(directory.keyAt(entry), key) !== 0) return;
        yield directory.runAt(entry);
      }
    }
  }

  /** The last directory page that starts at or before (key, sequence), or the first. */
  private directoryIndex(key: Uint8Array, sequence: number): number {
    const { directory } = this.descriptor;
    const behind = firstIndex(directory.length, (i) => {
      const { firstKey, firstSequence } = directory[i]!;
      const order = compareKeys(firstKey, key);
      return order > 0 || (order === 0 && firstSequence > sequence);
    });
    return Math.max(0, behind - 1);
  }

  private async directoryPage(index: number): Promise<DirectoryPage> {
    const ref = this.descriptor.directory[index];
    if (ref === undefined) throw new LogError('corrupt', `segment ${this.id} has no directory page ${index}`);
    const [bytes] = await this.blocks.readPages(this.blockId, ref.page, 1);
    return new DirectoryPage(bytes!);
  }

  private async readRuns(
    runs: readonly Run[],
    from: number,
    to: number,
    page: ScanPage,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const pages = await this.blocks.readPages(this.blockId, runs[0]!.page, runs.length, signal);
    for (let i = 0; i < runs.length && !page.isFull; i++) {
      readRun(pages[i]!, runs[i]!, this, from, to, page);
    }
  }
}

/** Number of records of `key` up to the end of the run of an entry, which may be another key's. */
function endOfKey(directory: DirectoryPage, entry: number, key: Uint8Array): number {
  if (compareKeys(directory.keyAt(entry), key) !== 0) return 0;
  const run = directory.runAt(entry);
  return run.ordinal + run.count;
}

/** Whether the runs gathered fill the page by their number of records. */
function enough(batch: readonly Run[], page: ScanPage): boolean {
  let records = page.count;
  for (const run of batch) records += run.count;
  return records >= page.maxRecords;
}
