import { compareBytes } from '../key-bytes.ts';
import { WorkPacer } from '../yielding.ts';
import type { KeyIndex } from './key-index.ts';

const insertionRun = 16;

/**
 * The numbers of the first `count` keys, ordered by their bytes. A merge sort that lets others in between; what
 * `sorted` already holds (the first `sorted.length` keys) is not sorted again.
 */
export async function sortKeys(keys: KeyIndex, count: number, sorted: Uint32Array): Promise<Uint32Array> {
  if (sorted.length >= count) return sorted;
  const pacer = new WorkPacer();
  let source = new Uint32Array(count - sorted.length);
  for (let i = 0; i < source.length; i++) source[i] = sorted.length + i;
  for (let start = 0; start < source.length; start += insertionRun) {
    insertionSort(keys, source, start, Math.min(start + insertionRun, source.length));
    if (pacer.isDue()) await pacer.pause();
  }
  let target = new Uint32Array(source.length);
  for (let width = insertionRun; width < source.length; width *= 2) {
    for (let start = 0; start < source.length; start += width * 2) {
      const middle = Math.min(start + width, source.length);
      const end = Math.min(start + width * 2, source.length);
      await merge(
        keys,
        source.subarray(start, middle),
        source.subarray(middle, end),
        target.subarray(start, end),
        pacer,
      );
    }
    [source, target] = [target, source];
  }
  if (sorted.length === 0) return source;
  const all = new Uint32Array(count);
  await merge(keys, sorted, source, all, pacer);
  return all;
}

function insertionSort(keys: KeyIndex, numbers: Uint32Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const moved = numbers[i]!;
    let at = i;
    while (at > start && compareNumbers(keys, numbers[at - 1]!, moved) > 0) {
      numbers[at] = numbers[at - 1]!;
      at--;
    }
    numbers[at] = moved;
  }
}

async function merge(
  keys: KeyIndex,
  left: Uint32Array,
  right: Uint32Array,
  target: Uint32Array,
  pacer: WorkPacer,
): Promise<void> {
  let a = 0;
  let b = 0;
  let out = 0;
  while (a < left.length && b < right.length) {
    target[out++] = compareNumbers(keys, left[a]!, right[b]!) <= 0 ? left[a++]! : right[b++]!;
    if (pacer.isDue()) await pacer.pause();
  }
  target.set(left.subarray(a), out);
  target.set(right.subarray(b), out + left.length - a);
}

function compareNumbers(keys: KeyIndex, a: number, b: number): number {
  const aStart = keys.offsetOf(a);
  const bStart = keys.offsetOf(b);
  return compareBytes(
    keys.chunkOf(a),
    aStart,
    aStart + keys.lengthOf(a),
    keys.chunkOf(b),
    bStart,
    bStart + keys.lengthOf(b),
  );
}
