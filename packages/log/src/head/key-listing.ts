import { firstIndex } from '../binary-search.ts';
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
  const first = firstIndex(sorted.length, (i) => compareKeys(head.keys.bytesOf(sorted[i]!), from) >= 0);
  for (let i = first; i < sorted.length; i++) {
    yield head.keys.bytesOf(sorted[i]!);
    if (pacer.isDue()) await pacer.pause();
  }
}
