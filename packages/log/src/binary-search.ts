/**
 * The first index below `count` that satisfies a condition which all behind it satisfy as well; `count` where none does.
 * Not for a search per record: there the loop is written out.
 */
export function firstIndex(count: number, satisfies: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (satisfies(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
