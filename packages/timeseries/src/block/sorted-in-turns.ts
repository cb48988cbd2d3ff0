import { compareStrings } from '@opendata/promql';
import { sortYielding } from './sort-yielding.ts';

const ELEMENTS_PER_LOOK = 4096;

/** The elements in the order of `compare`, stable; gives the event loop its turns. */
export async function sortedInTurns<T>(
  elements: readonly T[],
  compare: (a: T, b: T) => number,
  yielder: () => Promise<void>,
): Promise<T[]> {
  const order = new Uint32Array(elements.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  await sortYielding(order, (a, b) => compare(elements[a]!, elements[b]!), yielder);
  const sorted: T[] = [];
  for (let i = 0; i < order.length; i++) {
    if (i % ELEMENTS_PER_LOOK === 0) await yielder();
    sorted.push(elements[order[i]!]!);
  }
  return sorted;
}

/** The strings in the order of their bytes; an array that has it is the answer itself. */
export async function sortedStrings(strings: Iterable<string>, yielder: () => Promise<void>): Promise<string[]> {
  const all: string[] = Array.isArray(strings) ? strings : [...strings];
  return (await areAscending(all, yielder)) ? all : sortedInTurns(all, compareStrings, yielder);
}

/** As the values of a label in a block are most often. */
async function areAscending(strings: readonly string[], yielder: () => Promise<void>): Promise<boolean> {
  for (let i = 1; i < strings.length; i++) {
    if (compareStrings(strings[i - 1]!, strings[i]!) > 0) return false;
    if (i % ELEMENTS_PER_LOOK === 0) await yielder();
  }
  return true;
}

/** The strings of two lists, each in the order of bytes and without repetitions; the result is so too. */
export async function mergedStrings(
  a: readonly string[],
  b: readonly string[],
  yielder: () => Promise<void>,
): Promise<readonly string[]> {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const merged: string[] = [];
  for (let i = 0, k = 0; i < a.length || k < b.length; ) {
    if (merged.length % ELEMENTS_PER_LOOK === 0) await yielder();
    const order = i === a.length ? 1 : k === b.length ? -1 : compareStrings(a[i]!, b[k]!);
    merged.push(order <= 0 ? a[i]! : b[k]!);
    if (order <= 0) i++;
    if (order >= 0) k++;
  }
  return merged;
}
