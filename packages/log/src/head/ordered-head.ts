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
  const verdicts = new Verdicts(head, selection, end - start);
  for (let sequence = reverse ? end - 1 : start; sequence >= start && sequence < end; sequence += step) {
    if (verdicts.includes(head.keyNumberAt(sequence)) && !take(sequence)) return;
    if (pacer.isDue()) {
      await pacer.pause();
      if (signal?.aborted) return;
    }
  }
}

/** Whether keys are selected, by their numbers. Remembers it when as many records are to be walked as there are keys. */
class Verdicts {
  private readonly head: Head;
  private readonly selection: KeyRanges;
  /** For each key 0 when it was not asked for yet, 1 for no, 2 for yes. */
  private readonly known: Uint8Array | undefined;

  constructor(head: Head, selection: KeyRanges, records: number) {
    this.head = head;
    this.selection = selection;
    if (records > head.keys.count) this.known = new Uint8Array(head.keys.count);
  }

  includes(key: number): boolean {
    if (this.selection.isEverything) return true;
    const known = this.known?.[key] ?? 0;
    if (known !== 0) return known === 2;
    const { keys } = this.head;
    const offset = keys.offsetOf(key);
    const isSelected = this.selection.includes(keys.chunkOf(key), offset, offset + keys.lengthOf(key));
    if (this.known !== undefined) this.known[key] = isSelected ? 2 : 1;
    return isSelected;
  }
}
