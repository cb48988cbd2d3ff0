import { compareStrings } from '@opendata/promql';
import { sortYielding } from './sort-yielding.ts';

/** The elements in the order of `compare`, stable; gives the event loop its turns. */
export async function sortedInTurns<T>(
  elements: readonly T[],
  compare: (a: T, b: T) => number,
  yielder: () => Promise<void>,
): Promise<T[]> {
  const order = new Uint32Array(elements.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  await sortYielding(order, (a, b) => compare(elements[a]!, elements[b]!), yielder);
  return Array.from(order, (i) => elements[i]!);
}

/** The strings in the order of their bytes. */
export function sortedStrings(strings: Iterable<string>, yielder: () => Promise<void>): Promise<string[]> {
  return sortedInTurns([...strings], compareStrings, yielder);
}
