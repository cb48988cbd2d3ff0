import { compareKeys } from '../key-bytes.ts';
import { WorkPacer } from '../yielding.ts';
import type { Head } from './head.ts';
import { sortKeys } from './sorted-keys.ts';

/** Sorted key numbers of heads whose keys were listed, for the next time. */
const sortedByHead = new WeakMap<Head, Uint32Array>();

/** The keys that `head` has at the call, in order, from the first that is not before `from`. Views, not copies. */
export async function* headKeysFrom(head: Head, from: Uint8Array): AsyncGenerator<Uint8Array> {
  const known = sortedByHead.get(head) ?? new Uint32Array(0);
  const sorted = await sortKeys(head.keys, head.keys.count, known);
  sortedByHead.set(head, sorted);
  const pacer = new WorkPacer();
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(head.keys.bytesOf(sorted[middle]!), from) < 0) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < sorted.length; i++) {
    yield head.keys.bytesOf(sorted[i]!);
    if (pacer.isDue()) await pacer.pause();
  }
}
