import type { Followers } from './followers.ts';
import { Head } from './head/head.ts';
import { headKeysFrom } from './head/key-listing.ts';
import { compareKeys } from './key-bytes.ts';
import { hasPrefix, mergeKeys } from './key-merge.ts';
import type { KeyInspection, KeySegment, LogSegment, SequenceRange } from './model.ts';
import { ScanPage } from './scan-page.ts';
import { sequenceFromTime, startOfLast } from './seek.ts';
import type { SegmentSet } from './segment-set.ts';

/** Most records of one page, whatever was asked for: it bounds the work in one turn of the event loop. */
export const maxPageRecords = 65_536;
/** A page ends with the record that brings its values, and keys where it has some, to this many bytes. */
export const maxPageBytes = 8 * 1024 * 1024;

/** Most records of one page in reverse order. */
export const maxReversePageRecords = 1024;

export interface PageOptions extends SequenceRange {
  /** Most records; default and upper bound {@link maxPageRecords}. */
  readonly limit?: number;
  /** Bytes of values and keys at which the page ends; default and upper bound {@link maxPageBytes}. */
  readonly maxBytes?: number;
  /** Only records that arrived at this time or later, ms since 1970. */
  readonly startTimeMs?: number | undefined;
  /** Only the last so many of these records. */
  readonly last?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadPageOptions extends PageOptions {
  /** The newest records first, at most {@link maxReversePageRecords}; `nextSequence` is then the `end` to go on with. */
  readonly reverse?: boolean | undefined;
}

export interface FollowPageOptions extends PageOptions {
  /** How long to wait for a first record, ms. */
  readonly timeoutMs: number;
}

export interface KeyListOptions {
  /** First segment; default 0. */
  readonly startSegment?: number;
  /** One past the last segment; default: no end. */
  readonly endSegment?: number;
  /** Only keys that start with these bytes. */
  readonly prefix?: Uint8Array;
  /** Only keys after this one. */
  readonly after?: Uint8Array;
}

/** Segments that are counted at a time: each may have to read a page or two. */
const segmentsAtOnce = 16;

/** Reads segments: what was appended is visible at once, durable or not. */
export class SegmentsReader {
  readonly followers: Followers;
  private readonly segments: SegmentSet;
  /** Records and bytes of values that pages had since the start. */
  recordsTotal = 0;
  bytesTotal = 0;

  constructor(segments: SegmentSet, followers: Followers) {
    this.segments = segments;
    this.followers = followers;
  }

  /** The next records of `key`. `nextSequence` of the page is where to go on, whatever keys come in between. */
  async page(key: Uint8Array, options: ReadPageOptions): Promise<ScanPage> {
    const resolved = needsSeek(options) ? await this.resolve(key, options) : options;
    const page = options.reverse === true ? await this.newest(key, resolved) : await this.oldest(key, resolved);
    this.recordsTotal += page.count;
    this.bytesTotal += page.valueBytes;
    return page;
  }

  /** The same range by its sequences alone. */
  private async resolve<O extends PageOptions>(key: Uint8Array, options: O): Promise<O> {
    const { startTimeMs, last } = options;
    const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, this.segments.nextSequence);
    let start = options.start ?? 0;
    if (startTimeMs !== undefined) start = Math.max(start, await sequenceFromTime(this.segments, startTimeMs));
    if (last !== undefined && start < end) start = await startOfLast(this.segments, key, start, end, last);
    return { ...options, start, startTimeMs: undefined, last: undefined };
  }

  private async newest(key: Uint8Array, options: PageOptions): Promise<ScanPage> {
    const start = options.start ?? 0;
    const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, this.segments.nextSequence);
    let limit = Math.min(options.limit ?? maxReversePageRecords, maxReversePageRecords);
    for (;;) {
      const from = start < end ? await startOfLast(this.segments, key, start, end, limit) : start;
      const page = await this.oldest(key, { ...options, start: from, end, limit });
      // A page that its bytes cut off before the newest record is read anew with fewer.
      if (page.count < limit && page.isFull) {
        limit = Math.max(1, limit >>> 1);
        continue;
      }
      page.reverse();
      if (limit === 0) page.nextSequence = end;
      else page.nextSequence = page.count < limit ? start : page.sequences[page.count - 1]!;
      return page;
    }
  }

  private async oldest(key: Uint8Array, options: PageOptions): Promise<ScanPage> {
    const page = new ScanPage(
      Math.min(options.limit ?? maxPageRecords, maxPageRecords),
      Math.min(options.maxBytes ?? maxPageBytes, maxPageBytes),
    );
    const start = options.start ?? 0;
    const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, this.segments.nextSequence);
    page.nextSequence = start;
    if (page.isFull) return page;
    for (const segment of this.segments.overlapping(start, end)) {
      const reading = segment.read(key, start, end, page, options.signal);
      if (reading !== undefined) await reading;
      if (page.isFull) break;
    }
    page.nextSequence = page.isFull ? page.sequences[page.count - 1]! + 1 : Math.max(start, end);
    return page;
  }

  /** Like {@link page}, but an empty page is held back until `key` gets a record, or for `timeoutMs`. */
  async followPage(key: Uint8Array, wanted: FollowPageOptions): Promise<ScanPage> {
    const options = needsSeek(wanted) ? await this.resolve(key, wanted) : wanted;
    const deadlineMs = performance.now() + options.timeoutMs;
    const end = options.end ?? Number.POSITIVE_INFINITY;
    let page = await this.page(key, options);
    while (page.count === 0 && page.maxRecords > 0 && page.nextSequence < end && !options.signal?.aborted) {
      if (!this.mayHaveArrived(key, page.nextSequence)) {
        page.nextSequence = Math.min(end, Math.max(page.nextSequence, this.segments.nextSequence));
        const appended = await this.wait(key, deadlineMs - performance.now(), options.signal);
        if (!appended) {
          page.nextSequence = Math.min(end, Math.max(page.nextSequence, this.segments.nextSequence));
          return page;
        }
      }
      page = await this.page(key, { ...options, start: page.nextSequence });
    }
    return page;
  }

  /** Number of records of `key` in the range; exact. */
  async count(key: Uint8Array, range: SequenceRange): Promise<number> {
    const start = range.start ?? 0;
    const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, this.segments.nextSequence);
    const segments = this.segments.overlapping(start, end);
    let count = 0;
    for (let from = 0; from < segments.length; from += segmentsAtOnce) {
      const some = segments.slice(from, from + segmentsAtOnce);
      const counts = await Promise.all(some.map((segment) => segment.count(key, start, end)));
      for (const counted of counts) count += counted;
    }
    return count;
  }

  /** What a scan of `key` in the range meets and costs. */
  async inspect(key: Uint8Array, range: SequenceRange): Promise<KeyInspection> {
    const start = range.start ?? 0;
    const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, this.segments.nextSequence);
    const inspection = { total: 0, pages: 0, segments: [] as KeySegment[] };
    for (const segment of this.segments.overlapping(start, end)) {
      const sealed = !(segment instanceof Head);
      const count = await segment.count(key, start, end);
      const pages = sealed ? await segment.pagesOf(key, start, end) : 0;
      inspection.total += count;
      inspection.pages += pages;
      inspection.segments.push({ id: segment.id, sealed, count, pages });
    }
    return inspection;
  }

  /** Distinct keys in the order of their bytes. */
  async *keys(options: KeyListOptions = {}): AsyncGenerator<Uint8Array> {
    const { prefix, after } = options;
    const from = startOfKeys(prefix, after);
    const startSegment = options.startSegment ?? 0;
    const endSegment = options.endSegment ?? Number.POSITIVE_INFINITY;
    const sources = this.segments
      .overlapping(0, Number.POSITIVE_INFINITY)
      .filter((segment) => segment.id >= startSegment && segment.id < endSegment)
      .map((segment) => (segment instanceof Head ? headKeysFrom(segment, from) : segment.keysFrom(from)));
    for await (const key of mergeKeys(sources)) {
      if (after !== undefined && compareKeys(key, after) <= 0) continue;
      if (prefix !== undefined && !hasPrefix(key, prefix)) return;
      yield key;
    }
  }

  /** Segments that have records in the range. */
  listSegments(range: SequenceRange): LogSegment[] {
    return this.segments.list(range.start ?? 0, range.end ?? Number.POSITIVE_INFINITY);
  }

  /** Resolves true when `key` gets a record, false after `timeoutMs`, on abort, or when the log closes. */
  private wait(key: Uint8Array, timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const known = this.segments.active.keys.find(key, 0, key.length);
    if (known >= 0) this.segments.active.keys.setWatched(known, true);
    return this.followers.wait(key, { timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : undefined, signal });
  }

  /** Whether `key` may have records from `sequence` on. Looks at memory only. */
  private mayHaveArrived(key: Uint8Array, sequence: number): boolean {
    const { heads, nextSequence } = this.segments;
    if (sequence >= nextSequence) return false;
    if (sequence < heads[0]!.startSequence) return true;
    return heads.some((head) => head.count(key, sequence, nextSequence) > 0);
  }
}

function needsSeek({ startTimeMs, last }: PageOptions): boolean {
  return startTimeMs !== undefined || last !== undefined;
}

function startOfKeys(prefix: Uint8Array | undefined, after: Uint8Array | undefined): Uint8Array {
  if (prefix === undefined) return after ?? new Uint8Array(0);
  if (after === undefined) return prefix;
  return compareKeys(prefix, after) > 0 ? prefix : after;
}
