import { compareBytes } from '../key-bytes.ts';
import { WorkPacer } from '../yielding.ts';
import type { KeyIndex } from './key-index.ts';
import { KeySort } from './key-sort.ts';

/**
 * The numbers of the first `count` keys, ordered by their bytes; lets others in between. What `sorted` already holds
 * (the first `sorted.length` keys) is not sorted again.
 */
export async function sortKeys(
  keys: KeyIndex,
  count: number,
  sorted: Uint32Array,
  pacer = new WorkPacer(),
): Promise<Uint32Array> {
  if (sorted.length >= count) return sorted;
  const added = new Uint32Array(count - sorted.length);
  for (let i = 0; i < added.length; i++) added[i] = sorted.length + i;
  await new KeySort(keys, added, pacer).sort();
  return sorted.length === 0 ? added : merge(keys, sorted, added, pacer);
}

async function merge(
  keys: KeyIndex,
  left: Uint32Array,
  right: Uint32Array,
  pacer: WorkPacer,
): Promise<Uint32Array<ArrayBuffer>> {
  const target = new Uint32Array(left.length + right.length);
  let a = 0;
  let b = 0;
  let out = 0;
  while (a < left.length && b < right.length) {
    target[out++] = compareNumbers(keys, left[a]!, right[b]!) <= 0 ? left[a++]! : right[b++]!;
    if (pacer.isDue()) await pacer.pause();
  }
  target.set(left.subarray(a), out);
  target.set(right.subarray(b), out + left.length - a);
  return target;
}

function compareNumbers(keys: KeyIndex, a: number, b: number): number {
  const aStart = keys.offsetOf(a);
  const bStart = keys.offsetOf(b);
  const aEnd = aStart + keys.lengthOf(a);
  return compareBytes(keys.chunkOf(a), aStart, aEnd, keys.chunkOf(b), bStart, bStart + keys.lengthOf(b));
}
