import { PagedWords } from './paged-words.ts';
import { placeOf, WordArena } from './word-arena.ts';

const FIRST_CAPACITY = 2;
const MAX_CAPACITY = 1024;
/** Of a chunk: address of the next or 0, capacity, ids. */
const NEXT = 0;
const CAPACITY = 1;
const CHUNK_HEADER = 2;
/** Of a list: first chunk, last chunk, ids in the last chunk, ids in all. */
const FIRST = 0;
const LAST = 1;
const LAST_FILL = 2;
const COUNT = 3;
const LIST_WORDS = 4;
/** Set in LAST_FILL where the ids are not ascending. */
const UNSORTED = 0x8000_0000;
const FILL_MASK = 0xffff;
/** Longer lists that are not ascending are put in order by marks instead of comparisons. */
const MAX_SORTED_IDS = 4096;

/**
 * Many lists of u32 ids in one arena: each list is a chain of chunks whose capacity grows with the list, so that a
 * million short lists cost a few words each and long ones under 1 % beside their ids. Ids are appended in any order
 * and read in ascending order.
 */
export class IdLists {
  readonly #arena = new WordArena();
  readonly #lists = new PagedWords();
  #listLimit = 0;

  get memoryBytes(): number {
    return this.#arena.usedBytes + this.#lists.memoryBytes;
  }

  /** Length of a list; 0 for one that was never appended to. */
  count(list: number): number {
    return list < this.#listLimit ? this.#lists.get(list * LIST_WORDS + COUNT) : 0;
  }

  append(list: number, id: number): void {
    this.#reserve(list);
    const lists = this.#lists;
    const at = list * LIST_WORDS;
    const count = lists.get(at + COUNT);
    let chunk = lists.get(at + LAST);
    let fill = lists.get(at + LAST_FILL);
    if (chunk === 0) {
      chunk = this.#allocate(FIRST_CAPACITY);
      lists.set(at + FIRST, chunk);
      lists.set(at + LAST, chunk);
    } else {
      const place = placeOf(chunk);
      const page = this.#arena.page(chunk);
      if (page[place + CHUNK_HEADER + (fill & FILL_MASK) - 1]! > id) fill = (fill | UNSORTED) >>> 0;
      if ((fill & FILL_MASK) === page[place + CAPACITY]) {
        const next = this.#allocate(capacityAfter(count));
        page[place + NEXT] = next;
        lists.set(at + LAST, next);
        chunk = next;
        fill = (fill & UNSORTED) >>> 0;
      }
    }
    this.#arena.page(chunk)[placeOf(chunk) + CHUNK_HEADER + (fill & FILL_MASK)] = id;
    lists.set(at + LAST_FILL, fill + 1);
    lists.set(at + COUNT, count + 1);
  }

  /** The list as one ascending array of its own. */
  toArray(list: number): Uint32Array {
    const count = this.count(list);
    const ids = new Uint32Array(count);
    if (count === 0) return ids;
    let filled = 0;
    for (let chunk = this.#first(list); filled < count; ) {
      const page = this.#arena.page(chunk);
      const place = placeOf(chunk);
      const length = Math.min(page[place + CAPACITY]!, count - filled);
      ids.set(page.subarray(place + CHUNK_HEADER, place + CHUNK_HEADER + length), filled);
      filled += length;
      chunk = page[place + NEXT]!;
    }
    return this.#lists.get(list * LIST_WORDS + LAST_FILL) >= UNSORTED ? ascending(ids) : ids;
  }

  /** Sets `marks[id] = 1` for every id of the list. */
  mark(list: number, marks: Uint8Array): void {
    let left = this.count(list);
    for (let chunk = left === 0 ? 0 : this.#first(list); left > 0; ) {
      const page = this.#arena.page(chunk);
      const place = placeOf(chunk);
      const length = Math.min(page[place + CAPACITY]!, left);
      const from = place + CHUNK_HEADER;
      for (let i = from; i < from + length; i++) marks[page[i]!] = 1;
      left -= length;
      chunk = page[place + NEXT]!;
    }
  }

  /** True where `test` holds for an id of the list; asks in order of arrival and stops at the first. */
  some(list: number, test: (id: number) => boolean): boolean {
    let left = this.count(list);
    for (let chunk = left === 0 ? 0 : this.#first(list); left > 0; ) {
      const page = this.#arena.page(chunk);
      const place = placeOf(chunk);
      const length = Math.min(page[place + CAPACITY]!, left);
      for (let i = 0; i < length; i++) if (test(page[place + CHUNK_HEADER + i]!)) return true;
      left -= length;
      chunk = page[place + NEXT]!;
    }
    return false;
  }

  /** Removes the ids whose mark is 1. @returns how many are left */
  removeMarked(list: number, marks: Uint8Array): number {
    const ids = this.toArray(list);
    let kept = 0;
    for (let i = 0; i < ids.length; i++) if (marks[ids[i]!] !== 1) ids[kept++] = ids[i]!;
    if (kept < ids.length) this.#overwrite(list, ids, kept);
    return kept;
  }

  /** Puts the first `count` of ascending ids, fewer than there were, in place of the list's. */
  #overwrite(list: number, ids: Uint32Array, count: number): void {
    const at = list * LIST_WORDS;
    let written = 0;
    let last = 0;
    let lastFill = 0;
    let chunk = this.#first(list);
    while (chunk !== 0) {
      const page = this.#arena.page(chunk);
      const place = placeOf(chunk);
      const next = page[place + NEXT]!;
      const capacity = page[place + CAPACITY]!;
      if (written === count) this.#arena.free(chunk, CHUNK_HEADER + capacity);
      else {
        lastFill = Math.min(capacity, count - written);
        page.set(ids.subarray(written, written + lastFill), place + CHUNK_HEADER);
        written += lastFill;
        last = chunk;
        if (written === count) page[place + NEXT] = 0;
      }
      chunk = next;
    }
    if (count === 0) this.#lists.set(at + FIRST, 0);
    this.#lists.set(at + LAST, last);
    this.#lists.set(at + LAST_FILL, lastFill);
    this.#lists.set(at + COUNT, count);
  }

  #first(list: number): number {
    return this.#lists.get(list * LIST_WORDS + FIRST);
  }

  #reserve(list: number): void {
    if (list < this.#listLimit) return;
    this.#listLimit = list + 1;
    this.#lists.reserve(this.#listLimit * LIST_WORDS);
  }

  #allocate(capacity: number): number {
    const chunk = this.#arena.allocate(CHUNK_HEADER + capacity);
    const page = this.#arena.page(chunk);
    page[placeOf(chunk) + NEXT] = 0;
    page[placeOf(chunk) + CAPACITY] = capacity;
    return chunk;
  }
}

/** Capacity of the chunk after `count` ids: a power of two. */
function capacityAfter(count: number): number {
  if (count >= MAX_CAPACITY) return MAX_CAPACITY;
  return Math.max(FIRST_CAPACITY, 1 << (31 - Math.clz32(count)));
}

function ascending(ids: Uint32Array): Uint32Array {
  if (ids.length <= MAX_SORTED_IDS) return ids.sort();
  let highest = 0;
  for (let i = 0; i < ids.length; i++) if (ids[i]! > highest) highest = ids[i]!;
  const marks = new Uint8Array(highest + 1);
  for (let i = 0; i < ids.length; i++) marks[ids[i]!] = 1;
  let filled = 0;
  for (let id = 0; id <= highest; id++) if (marks[id] === 1) ids[filled++] = id;
  return ids;
}
