import { compareBytes } from '../key-bytes.ts';
import { WorkPacer } from '../yielding.ts';
import type { KeyIndex } from './key-index.ts';

const insertionRun = 16;
/** So many bytes fit into a number without loss. */
const sampleBytes = 6;

/** Keys and, for each, the bytes that are likely to decide its place, as a number. */
interface Order {
  readonly keys: KeyIndex;
  readonly samples: Float64Array;
}

/**
 * The numbers of the first `count` keys, ordered by their bytes. A merge sort that lets others in between; what
 * `sorted` already holds (the first `sorted.length` keys) is not sorted again. Keys lie all over the memory, so most are
 * compared by the six bytes behind what all of them begin with, which are in a column.
 */
export async function sortKeys(keys: KeyIndex, count: number, sorted: Uint32Array): Promise<Uint32Array> {
  if (sorted.length >= count) return sorted;
  const pacer = new WorkPacer();
  const order: Order = { keys, samples: await samplesOf(keys, count, pacer) };
  let source = new Uint32Array(count - sorted.length);
  for (let i = 0; i < source.length; i++) source[i] = sorted.length + i;
  for (let start = 0; start < source.length; start += insertionRun) {
    insertionSort(order, source, start, Math.min(start + insertionRun, source.length));
    if (pacer.isDue()) await pacer.pause();
  }
  let target = new Uint32Array(source.length);
  for (let width = insertionRun; width < source.length; width *= 2) {
    for (let start = 0; start < source.length; start += width * 2) {
      const middle = Math.min(start + width, source.length);
      const end = Math.min(start + width * 2, source.length);
      const [left, right] = [source.subarray(start, middle), source.subarray(middle, end)];
      await merge(order, left, right, target.subarray(start, end), pacer);
    }
    [source, target] = [target, source];
  }
  if (sorted.length === 0) return source;
  const all = new Uint32Array(count);
  await merge(order, sorted, source, all, pacer);
  return all;
}

function insertionSort(order: Order, numbers: Uint32Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const moved = numbers[i]!;
    let at = i;
    while (at > start && compareNumbers(order, numbers[at - 1]!, moved) > 0) {
      numbers[at] = numbers[at - 1]!;
      at--;
    }
    numbers[at] = moved;
  }
}

async function merge(
  order: Order,
  left: Uint32Array,
  right: Uint32Array,
  target: Uint32Array,
  pacer: WorkPacer,
): Promise<void> {
  let a = 0;
  let b = 0;
  let out = 0;
  while (a < left.length && b < right.length) {
    target[out++] = compareNumbers(order, left[a]!, right[b]!) <= 0 ? left[a++]! : right[b++]!;
    if (pacer.isDue()) await pacer.pause();
  }
  target.set(left.subarray(a), out);
  target.set(right.subarray(b), out + left.length - a);
}

function compareNumbers({ keys, samples }: Order, a: number, b: number): number {
  const difference = samples[a]! - samples[b]!;
  if (difference !== 0) return difference;
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

async function samplesOf(keys: KeyIndex, count: number, pacer: WorkPacer): Promise<Float64Array> {
  const skipped = await commonLength(keys, count, pacer);
  const samples = new Float64Array(count);
  for (let key = 0; key < count; key++) {
    const bytes = keys.chunkOf(key);
    const start = keys.offsetOf(key);
    const end = start + keys.lengthOf(key);
    const from = start + skipped;
    // Bytes that a key does not have count as 0: where that makes two equal, the keys themselves decide.
    let sample = 0;
    for (let at = from; at < from + sampleBytes; at++) sample = sample * 256 + (at < end ? bytes[at]! : 0);
    samples[key] = sample;
    if (pacer.isDue()) await pacer.pause();
  }
  return samples;
}

/** How many bytes all of the keys begin with. */
async function commonLength(keys: KeyIndex, count: number, pacer: WorkPacer): Promise<number> {
  const first = keys.bytesOf(0);
  let common = first.length;
  for (let key = 1; key < count && common > 0; key++) {
    const bytes = keys.chunkOf(key);
    const start = keys.offsetOf(key);
    common = Math.min(common, keys.lengthOf(key));
    for (let i = 0; i < common; i++) {
      if (bytes[start + i] === first[i]) continue;
      common = i;
      break;
    }
    if (pacer.isDue()) await pacer.pause();
  }
  return common;
}
