import { Head } from './head/head.ts';
import { lastOfHead, readHeadInOrder } from './head/ordered-head.ts';
import type { KeyedRecord } from './model.ts';
import { maxPageBytes, maxPageRecords, type PageOptions } from './reader.ts';
import { ScanPage } from './scan-page.ts';
import { sequenceFromTime } from './seek.ts';
import type { SegmentSet } from './segment-set.ts';
import { KeyRanges, type LogSelection } from './selection.ts';
import type { SelectionFollowers } from './selection-followers.ts';

export interface SelectedPageOptions extends PageOptions {
  /** The newest records first; `nextSequence` is then the `end` to go on with. */
  readonly reverse?: boolean | undefined;
  /** Only what is durable; default false. */
  readonly durable?: boolean | undefined;
}

export interface FollowSelectedOptions extends PageOptions {
  readonly durable?: boolean | undefined;
  /** How long to wait for a first record, ms. */
  readonly timeoutMs: number;
}

export interface TailOptions extends PageOptions {
  readonly durable?: boolean | undefined;
  /** An empty page comes after this time without records, ms; default: never. */
  readonly idleMs?: number | undefined;
}

export interface ReadOptions extends SelectedPageOptions {
  /** Wait for further records at the end; default false. */
  readonly follow?: boolean | undefined;
}

/** Those who wait for what can be read, and for what is durable. */
export interface OrderedFollowers {
  readonly visible: SelectionFollowers;
  readonly durable: SelectionFollowers;
}

/** Reads over many keys, or all, in the order of the one sequence. */
export class OrderedReader {
  private readonly segments: SegmentSet;
  private readonly followers: OrderedFollowers;
  private readonly durableSequence: () => number;
  recordsTotal = 0;
  bytesTotal = 0;

  constructor(segments: SegmentSet, followers: OrderedFollowers, durableSequence: () => number) {
    this.segments = segments;
    this.followers = followers;
    this.durableSequence = durableSequence;
  }

  /** The next records of the selection, with their keys. `nextSequence` of the page is where to go on. */
  page(selection: LogSelection, options: SelectedPageOptions): Promise<ScanPage> {
    return this.pageOf(new KeyRanges(selection), options);
  }

  /** Like {@link page}, but an empty page is held back until there is a record, or for `timeoutMs`. */
  async followPage(selection: LogSelection, options: FollowSelectedOptions): Promise<ScanPage> {
    for await (const page of this.tail(selection, { ...options, idleMs: options.timeoutMs })) return page;
    return new ScanPage(0, 0);
  }

  /**
   * Pages of records as they come, each of at most `limit` records. It ends at `end`, with the signal, or when the log
   * ends all following; its last page may be empty and says where to go on.
   */
  async *tail(selection: LogSelection, options: TailOptions): AsyncGenerator<ScanPage> {
    const { idleMs, signal, durable = false } = options;
    const ranges = new KeyRanges(selection);
    const followers = durable ? this.followers.durable : this.followers.visible;
    const subscription = followers.subscribe(selection);
    try {
      let range = await this.resolve(ranges, options);
      for (;;) {
        const page = await this.pageOf(ranges, range);
        const isLast = isAborted(signal) || page.maxRecords === 0 || page.nextSequence >= range.end;
        if (page.count > 0 || isLast) yield page;
        if (isLast) return;
        let start = page.nextSequence;
        // Of what lies behind a full page the subscription knows the newest part only.
        if (!page.isFull) {
          if (!(await subscription.wait(start, { timeoutMs: idleMs, signal }))) {
            start = Math.min(range.end, Math.max(start, followers.position));
            const idle = new ScanPage(page.maxRecords, page.maxBytes);
            idle.nextSequence = start;
            yield idle;
            if (subscription.isEnded || isAborted(signal)) return;
          }
          start = subscription.from(start) ?? start;
        }
        range = { ...range, start };
      }
    } finally {
      subscription.close();
    }
  }

  /** Single records, page by page. */
  async *read(selection: LogSelection, options: ReadOptions): AsyncGenerator<KeyedRecord> {
    const { signal, follow = false, reverse = false, limit = Number.POSITIVE_INFINITY } = options;
    let left = limit;
    for await (const page of follow ? this.tail(selection, options) : this.pages(selection, options)) {
      for (let i = 0; i < page.count; i++) {
        if (signal?.aborted || left-- <= 0) return;
        yield { ...page.recordAt(i), key: page.keyAt(i) };
      }
      if (left <= 0 || (page.count === 0 && !follow) || (reverse && page.nextSequence === 0)) return;
    }
  }

  private async *pages(selection: LogSelection, options: SelectedPageOptions): AsyncGenerator<ScanPage> {
    const ranges = new KeyRanges(selection);
    let range = await this.resolve(ranges, options);
    while (range.start < range.end && !options.signal?.aborted) {
      const page = await this.pageOf(ranges, range);
      yield page;
      if (!page.isFull) return;
      range = options.reverse === true ? { ...range, end: page.nextSequence } : { ...range, start: page.nextSequence };
    }
  }

  private endOf(durable: boolean | undefined): number {
    return durable === true ? this.durableSequence() : this.segments.nextSequence;
  }

  /** The same range by its sequences alone. */
  private async resolve<O extends SelectedPageOptions>(
    ranges: KeyRanges,
    options: O,
  ): Promise<O & { start: number; end: number }> {
    const { startTimeMs, last } = options;
    const end = options.end ?? Number.POSITIVE_INFINITY;
    let start = options.start ?? 0;
    if (startTimeMs !== undefined) start = Math.max(start, await sequenceFromTime(this.segments, startTimeMs));
    if (last !== undefined) {
      start = await this.startOfLast(ranges, start, Math.min(end, this.endOf(options.durable)), last, options.signal);
    }
    return { ...options, start, end, startTimeMs: undefined, last: undefined };
  }

  /** Where the last `count` records of the selection in [start, end) begin; `start` when there are not so many. */
  private async startOfLast(
    ranges: KeyRanges,
    start: number,
    end: number,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    if (count === 0) return Math.max(start, end);
    let left = count;
    for (const segment of this.segments.overlapping(start, end).reverse()) {
      const last =
        segment instanceof Head
          ? await lastOfHead(segment, ranges, start, end, left, signal)
          : await segment.ordered.last(ranges, start, end, left, signal);
      if (last.found === left) return last.sequence;
      left -= last.found;
    }
    return start;
  }

  private async pageOf(ranges: KeyRanges, wanted: SelectedPageOptions): Promise<ScanPage> {
    const options = await this.resolve(ranges, wanted);
    const { start, reverse = false, signal } = options;
    const page = new ScanPage(
      Math.min(options.limit ?? maxPageRecords, maxPageRecords),
      Math.min(options.maxBytes ?? maxPageBytes, maxPageBytes),
    );
    const end = Math.min(options.end, this.endOf(options.durable));
    const segments = start < end && !page.isFull ? this.segments.overlapping(start, end) : [];
    if (reverse) segments.reverse();
    for (const segment of segments) {
      const direction = { reverse, signal };
      if (segment instanceof Head) await readHeadInOrder(segment, ranges, start, end, page, direction);
      else await segment.ordered.read(ranges, start, end, page, direction);
      if (page.isFull || signal?.aborted) break;
    }
    page.nextSequence = nextOf(page, start, end, reverse, isAborted(signal));
    this.recordsTotal += page.count;
    this.bytesTotal += page.valueBytes;
    return page;
  }
}

/** Where to go on: next to the last record of a page that is not all there was, else the end of what was looked at. */
function nextOf(page: ScanPage, start: number, end: number, reverse: boolean, wasAborted: boolean): number {
  const isPart = page.isFull || wasAborted;
  if (page.count === 0 && isPart) return reverse ? end : start;
  const last = page.sequences[page.count - 1]!;
  if (reverse) return isPart ? last : start;
  return isPart ? last + 1 : Math.max(start, end);
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
