/** What all lists have; each is ascending. */
export function intersect(lists: Uint32Array[]): Uint32Array {
  lists.sort((a, b) => a.length - b.length);
  let result = lists[0]!;
  for (let i = 1; i < lists.length && result.length > 0; i++) result = intersectTwo(result, lists[i]!);
  return result;
}

function intersectTwo(small: Uint32Array, large: Uint32Array): Uint32Array {
  const result = new Uint32Array(small.length);
  let filled = 0;
  if (small.length * 16 < large.length) {
    let low = 0;
    for (let i = 0; i < small.length; i++) {
      low = lowerBound(large, small[i]!, low);
      if (low === large.length) break;
      if (large[low] === small[i]) result[filled++] = small[i]!;
    }
  } else {
    for (let i = 0, j = 0; i < small.length && j < large.length; ) {
      const a = small[i]!;
      const b = large[j]!;
      if (a === b) result[filled++] = a;
      if (a <= b) i++;
      if (b <= a) j++;
    }
  }
  return result.subarray(0, filled);
}

/** `ids` without those of `others`; both are ascending. */
export function subtract(ids: Uint32Array, others: Uint32Array): Uint32Array {
  const result = new Uint32Array(ids.length);
  let filled = 0;
  for (let i = 0, j = 0; i < ids.length; i++) {
    if (j < others.length && others[j]! < ids[i]!) j = lowerBound(others, ids[i]!, j);
    if (others[j] !== ids[i]) result[filled++] = ids[i]!;
  }
  return result.subarray(0, filled);
}

/** First position at or after `from` whose id is not below `id`: doubling steps, then halving. */
export function lowerBound(ids: Uint32Array, id: number, from: number): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < ids.length && ids[high]! < id) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = Math.min(high, ids.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
