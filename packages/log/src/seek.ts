import type { SegmentSet } from './segment-set.ts';

/** The first sequence that arrived at `timeMs` or later; the next one of the log when there is none. */
export async function sequenceFromTime(segments: SegmentSet, timeMs: number): Promise<number> {
  for (const segment of segments.endingAtOrAfter(timeMs)) {
    const sequence = await segment.sequenceFromTime(timeMs);
    if (sequence !== undefined) return sequence;
  }
  return segments.nextSequence;
}

/** Where the last `count` records of `key` in [start, end) begin; `start` when there are not so many. */
export async function startOfLast(
  segments: SegmentSet,
  key: Uint8Array,
  start: number,
  end: number,
  count: number,
): Promise<number> {
  let left = count;
  if (left === 0) return end;
  for (const segment of segments.overlapping(start, end).reverse()) {
    const counted = await segment.count(key, start, end);
    if (counted >= left) return segment.sequenceBefore(key, end, left);
    left -= counted;
  }
  return start;
}
