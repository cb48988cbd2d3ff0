import { compareBytes, compareKeys } from './key-bytes.ts';

/** Which keys to read: these, and all that start with one of the prefixes. With neither: all keys. */
export interface LogSelection {
  readonly keys?: readonly Uint8Array[] | undefined;
  readonly prefixes?: readonly Uint8Array[] | undefined;
}

/** Keys from `start` up to, not including, `end`; to the last key where `end` is undefined. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** A selection as ranges of keys: ordered, and none touches another. */
export class KeyRanges {
  readonly ranges: readonly KeyRange[];
  readonly isEverything: boolean;

  constructor({ keys, prefixes }: LogSelection) {
    const ranges: KeyRange[] = [];
    if (keys === undefined && prefixes === undefined) ranges.push({ start: new Uint8Array(0), end: undefined });
    for (const key of keys ?? []) ranges.push({ start: key, end: Uint8Array.from([...key, 0]) });
    for (const prefix of prefixes ?? []) ranges.push({ start: prefix, end: endOfPrefix(prefix) });
    this.ranges = merged(ranges);
    const [first] = this.ranges;
    this.isEverything = first !== undefined && first.start.length === 0 && first.end === undefined;
  }

  /** Whether the key in `bytes[start, end)` is selected. */
  includes(bytes: Uint8Array, start: number, end: number): boolean {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const from = this.ranges[middle]!.start;
      if (compareBytes(from, 0, from.length, bytes, start, end) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return false;
    const to = this.ranges[low - 1]!.end;
    return to === undefined || compareBytes(bytes, start, end, to, 0, to.length) < 0;
  }
}

function merged(ranges: KeyRange[]): KeyRange[] {
  ranges.sort((a, b) => compareKeys(a.start, b.start));
  const result: KeyRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last === undefined || (last.end !== undefined && compareKeys(last.end, range.start) < 0)) result.push(range);
    else if (last.end !== undefined && (range.end === undefined || compareKeys(range.end, last.end) > 0)) {
      result[result.length - 1] = { start: last.start, end: range.end };
    }
  }
  return result;
}

/** The first key that is after all keys with this prefix. */
function endOfPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const end = Uint8Array.from(prefix.subarray(0, length));
  end[length - 1]!++;
  return end;
}
