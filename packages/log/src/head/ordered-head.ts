import type { ScanPage } from '../scan-page.ts';
import type { KeyRanges } from '../selection.ts';
import { WorkPacer } from '../yielding.ts';
import type { Head } from './head.ts';

/** Which way to read. */
export interface ReadDirection {
  /** The newest records first. */
  readonly reverse?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Selected records of `head` with a sequence in [from, to) are added to `page` until it is full. */
export async function readHeadInOrder(
  head: Head,
  selection: KeyRanges,
  from: number,
  to: number,
  page: ScanPage,
  direction: ReadDirection,
): Promise<void> {
  await walkHead(head, selection, from, to, direction, (sequence) => {
    head.addWithKey(page, sequence);
    return !page.isFull;
  });
}

/** Where the last `count` selected records in [from, to) begin, or how many there are when they are fewer. */
export async function lastOfHead(
  head: Head,
  selection: KeyRanges,
  from: number,
  to: number,
  count: number,
  signal?: AbortSignal,
): Promise<{ readonly found: number; readonly sequence: number }> {
  const last = { found: 0, sequence: from };
  await walkHead(head, selection, from, to, { reverse: true, signal }, (sequence) => {
    last.sequence = sequence;
    return ++last.found < count;
  });
  return last;
}

/** Calls `take` for each selected record in [from, to) until it answers false. */
async function walkHead(
  head: Head,
  selection: KeyRanges,
  from: number,
  to: number,
  { reverse = false, signal }: ReadDirection,
  take: (sequence: number) => boolean,
): Promise<void> {
  const start = Math.max(from, head.startSequence);
  const end = Math.min(to, head.endSequence);
  const step = reverse ? -1 : 1;
  const pacer = new WorkPacer();
  let lastKey = -1;
  let isSelected = selection.isEverything;
  for (let sequence = reverse ? end - 1 : start; sequence >= start && sequence < end; sequence += step) {
    const key = head.keyNumberAt(sequence);
    if (key !== lastKey && !selection.isEverything) {
      const offset = head.keys.offsetOf(key);
      isSelected = selection.includes(head.keys.chunkOf(key), offset, offset + head.keys.lengthOf(key));
      lastKey = key;
    }
    if (isSelected && !take(sequence)) return;
    if (pacer.isDue()) {
      await pacer.pause();
      if (signal?.aborted) return;
    }
  }
}
