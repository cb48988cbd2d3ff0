import { isStorageError, type Storage } from '@opendata/storage';
import { LogError } from './errors.ts';
import { Head, type KeyWatcher } from './head/head.ts';
import type { Logger } from './logger.ts';
import type { AppendColumns } from './model.ts';
import { ScanPage } from './scan-page.ts';
import { segmentBlockKind } from './sealer.ts';
import { encodeDescriptor } from './segment/descriptor.ts';
import { SegmentReader } from './segment/segment-reader.ts';
import { writeSegment } from './segment/segment-writer.ts';
import type { SegmentSet } from './segment-set.ts';
import { KeyRanges } from './selection.ts';

/** Records and bytes of values that are copied in one turn of the event loop. */
const copiedRecords = 4096;
const copiedBytes = 512 * 1024;
const maxMergedRecords = 2_000_000;

export interface MergeLimits {
  /** So many segments one behind the other become one. */
  readonly mergeCount: number;
  /** A merged segment has at most so many bytes. */
  readonly sealBytes: number;
  /** Its first and last record are at most so far apart, ms. */
  readonly spanMs: number;
}

/** What the choice of segments to merge looks at. */
export type MergeCandidate = Pick<
  SegmentReader,
  'sizeBytes' | 'startSequence' | 'endSequence' | 'startTimeMs' | 'endTimeMs'
>;

/**
 * The first segments that are worth to be merged: as many as `mergeCount`, none with more than half of their bytes, so
 * that a record is rewritten a few times at most. Empty when there are none.
 */
export function segmentsToMerge<T extends MergeCandidate>(sealed: readonly T[], limits: MergeLimits): readonly T[] {
  for (let first = 0; first + limits.mergeCount <= sealed.length; first++) {
    const run = sealed.slice(first, first + limits.mergeCount);
    let bytes = 0;
    let largest = 0;
    for (const { sizeBytes } of run) {
      bytes += sizeBytes;
      largest = Math.max(largest, sizeBytes);
    }
    const [start, end] = [run[0]!, run.at(-1)!];
    const isSmall = bytes <= limits.sealBytes && end.endSequence - start.startSequence <= maxMergedRecords;
    if (isSmall && largest * 2 <= bytes && end.endTimeMs - start.startTimeMs <= limits.spanMs) return run;
  }
  return [];
}

/**
 * Makes one segment of several small ones, in the background, so that a log that is sealed by age or restarted often does
 * not have ever more segments to look into. The merged block appears in one step with the removal of the others.
 */
export class SegmentMerger {
  private readonly storage: Storage;
  private readonly segments: SegmentSet;
  private readonly limits: MergeLimits;
  private readonly logger: Logger;
  private readonly stopping = new AbortController();
  private work: Promise<void> | undefined;
  /** Segments that went into others since the start. */
  mergedTotal = 0;

  constructor(storage: Storage, segments: SegmentSet, limits: MergeLimits, logger: Logger) {
    this.storage = storage;
    this.segments = segments;
    this.limits = limits;
    this.logger = logger;
  }

  /** Starts to work when there is something to merge. */
  kick(): void {
    this.work ??= this.mergeAll().finally(() => {
      this.work = undefined;
    });
  }

  /** Resolves when nothing is to be merged. */
  async idle(): Promise<void> {
    while (this.work !== undefined) await this.work;
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.work;
  }

  private async mergeAll(): Promise<void> {
    try {
      while (!this.stopping.signal.aborted && (await this.segments.exclusively(() => this.mergeOnce()))) {}
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      // What cannot be merged now is as good as it was; the next sealed segment tries again.
      const isFinal = isStorageError(error) && !error.retryable;
      this.logger.warn({ error: String(error), isFinal }, 'segments not merged');
    }
  }

  /** @returns whether there was something to merge */
  private async mergeOnce(): Promise<boolean> {
    const sources = segmentsToMerge(this.segments.sealed, this.limits);
    if (sources.length === 0 || this.stopping.signal.aborted) return false;
    const startedMs = performance.now();
    const { blocks } = this.storage;
    const head = await this.copy(sources);
    if (this.stopping.signal.aborted) return false;
    const writer = blocks.create(segmentBlockKind);
    try {
      const descriptor = await writeSegment(head, writer, this.stopping.signal);
      const replaces = sources.map(({ blockId }) => blockId);
      const info = await blocks.publish(writer, { descriptor: encodeDescriptor(descriptor), replaces });
      this.segments.replaceSealed(sources, new SegmentReader(info, blocks));
    } catch (error) {
      writer.abort();
      throw error;
    }
    this.mergedTotal += sources.length;
    const fields = { segment: head.segmentId, segments: sources.length, recordCount: head.recordCount };
    this.logger.info({ ...fields, tookMs: Math.round(performance.now() - startedMs) }, 'segments merged');
    return true;
  }

  /** The records of segments that follow one another, as they were appended, under the id of the last. */
  private async copy(sources: readonly SegmentReader[]): Promise<Head> {
    const head = new Head(sources.at(-1)!.id, sources[0]!.startSequence, nobody);
    const everything = new KeyRanges({});
    const { signal } = this.stopping;
    for (const source of sources) {
      while (head.endSequence < source.endSequence && !signal.aborted) {
        const page = new ScanPage(copiedRecords, copiedBytes);
        await source.ordered.read(everything, head.endSequence, source.endSequence, page, { signal });
        if (page.count === 0 && !signal.aborted) {
          throw new LogError('corrupt', `segment ${source.id} has no record at ${head.endSequence}`);
        }
        for (let i = 0; i < page.count; ) {
          let end = i + 1;
          while (end < page.count && page.times[end] === page.times[i]) end++;
          head.commit(head.stage(columnsOfPage(page, i, end), page.times[i]!));
          i = end;
        }
      }
    }
    return head;
  }
}

const nobody: KeyWatcher = { size: 0, watches: () => false, wake: () => undefined, appended: () => undefined };

/** Records `from` up to `to` of a page over many keys, to be appended again. */
function columnsOfPage(page: ScanPage, from: number, to: number): AppendColumns {
  const count = to - from;
  const lengths = page.attributeLengths;
  let size = 0;
  let attributeSize = 0;
  for (let i = from; i < to; i++) {
    size += page.keyEnds![i]! - page.keyStarts![i]! + page.ends[i]! - page.starts[i]!;
    attributeSize += lengths?.[i] ?? 0;
  }
  const bytes = Buffer.allocUnsafe(size);
  const attributeBytes = Buffer.allocUnsafe(attributeSize);
  const columns = {
    keyStart: new Uint32Array(count),
    keyEnd: new Uint32Array(count),
    valueStart: new Uint32Array(count),
    valueEnd: new Uint32Array(count),
  };
  const attributeEnds = new Uint32Array(count);
  let at = 0;
  let attributesAt = 0;
  for (let i = from; i < to; i++) {
    const index = i - from;
    const key = page.keyAt(i);
    const value = page.valueAt(i);
    bytes.set(key, at);
    columns.keyStart[index] = at;
    columns.keyEnd[index] = columns.valueStart[index] = at + key.length;
    bytes.set(value, at + key.length);
    at += key.length + value.length;
    columns.valueEnd[index] = at;
    const length = lengths?.[i] ?? 0;
    const start = page.starts[i]!;
    attributeBytes.set(page.sources[i]!.subarray(start - length, start), attributesAt);
    attributesAt += length;
    attributeEnds[index] = attributesAt;
  }
  const attributes = attributeSize === 0 ? undefined : { bytes: attributeBytes, end: attributeEnds };
  return { bytes, count, ...columns, attributes };
}
