import { isStorageError } from '@opendata/storage';
import { isLogError } from './errors.ts';
import type { SegmentReader } from './segment/segment-reader.ts';

/** Directory pages read at a time. */
const pagesAtOnce = 4;
/** Counts after which the code that counts is compiled. */
const trialCounts = 400;

export interface WarmUpLimits {
  /** Bytes of pages read. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Reads what a count reads, so that the first counts after a start do not wait for it: the filters of all segments and then
 * their directories, the newest first, into the cache of pages; and counts some keys. Never fails: what cannot be read is
 * read when somebody needs it.
 */
export async function warmUpIndexes(segments: readonly SegmentReader[], limits: WarmUpLimits): Promise<void> {
  const { signal } = limits;
  let leftBytes = limits.maxBytes;
  const newestFirst = segments.toReversed();
  try {
    for (const segment of newestFirst) {
      if (leftBytes <= 0 || signal.aborted) return;
      leftBytes -= await segment.loadFilter();
    }
    let isFirst = true;
    for (const segment of newestFirst) {
      for (let from = 0; from < segment.directoryPages; from += pagesAtOnce) {
        if (leftBytes <= 0 || signal.aborted) return;
        const indexes = Array.from(
          { length: Math.min(pagesAtOnce, segment.directoryPages - from) },
          (_, i) => from + i,
        );
        const sizes = await Promise.all(indexes.map((index) => segment.loadDirectoryPage(index)));
        for (const size of sizes) leftBytes -= size;
      }
      if (isFirst) await countSome(segment, signal);
      isFirst = false;
    }
  } catch (error) {
    // Expired or merged meanwhile, or the storage is in trouble, which those who need it are told.
    if (!isStorageError(error) && !isLogError(error)) throw error;
  }
}

/** Counts keys whose directory pages are in the cache. */
async function countSome(segment: SegmentReader, signal: AbortSignal): Promise<void> {
  const { startSequence, endSequence, directoryPages } = segment;
  for (let i = 0; i < trialCounts && directoryPages > 0 && !signal.aborted; i++) {
    const key = segment.firstKeyOf(i % directoryPages);
    await segment.count(key, i % 2 === 0 ? startSequence : endSequence - 1, endSequence);
  }
}
