import { growUint32 } from './growable.ts';

const FIRST_CAPACITY = 2;
const MAX_CAPACITY = 1024;
const CHUNK_HEADER = 2;

/**
 * Many append-only lists of ascending u32 ids in one arena: each list is a chain of chunks whose capacity grows with
 * the list, so that a million short lists cost a few words each and long ones under 1 % beside their ids.
 */
export class IdLists {
  /** Chunks: [next chunk or 0, capacity, ids…]. Word 0 is unused, so that 0 can mean none. */
  #words = new Uint32Array(1 << 12);
  #fill = 1;
  #first = new Uint32Array(256);
  #last = new Uint32Array(256);
  #lastFill = new Uint32Array(256);
  #counts = new Uint32Array(256);

  get memoryBytes(): number {
    return this.#words.byteLength + this.#first.byteLength * 4;
  }

  /** Length of a list; 0 for one that was never appended to. */
  count(list: number): number {
    return list < this.#counts.length ? this.#counts[list]! : 0;
  }

  append(list: number, id: number): void {
    this.#reserve(list);
    let chunk = this.#last[list]!;
    if (chunk === 0) {
      chunk = this.#allocate(FIRST_CAPACITY);
      this.#first[list] = chunk;
      this.#last[list] = chunk;
    } else if (this.#lastFill[list] === this.#words[chunk + 1]) {
      const next = this.#allocate(Math.min(MAX_CAPACITY, this.#counts[list]!));
      this.#words[chunk] = next;
      this.#last[list] = next;
      this.#lastFill[list] = 0;
      chunk = next;
    }
    this.#words[chunk + CHUNK_HEADER + this.#lastFill[list]!] = id;
    this.#lastFill[list]!++;
    this.#counts[list]!++;
  }

  /** The list as one array of its own. */
  toArray(list: number): Uint32Array {
    const count = this.count(list);
    const ids = new Uint32Array(count);
    let filled = 0;
    for (let chunk = count === 0 ? 0 : this.#first[list]!; chunk !== 0; chunk = this.#words[chunk]!) {
      const length = Math.min(this.#words[chunk + 1]!, count - filled);
      ids.set(this.#words.subarray(chunk + CHUNK_HEADER, chunk + CHUNK_HEADER + length), filled);
      filled += length;
    }
    return ids;
  }

  /** Sets `marks[id] = 1` for every id of the list. */
  mark(list: number, marks: Uint8Array): void {
    const words = this.#words;
    let left = this.count(list);
    for (let chunk = left === 0 ? 0 : this.#first[list]!; chunk !== 0; chunk = words[chunk]!) {
      const length = Math.min(words[chunk + 1]!, left);
      const from = chunk + CHUNK_HEADER;
      for (let i = from; i < from + length; i++) marks[words[i]!] = 1;
      left -= length;
    }
  }

  /** True where `test` holds for an id of the list; stops at the first. */
  some(list: number, test: (id: number) => boolean): boolean {
    let left = this.count(list);
    for (let chunk = left === 0 ? 0 : this.#first[list]!; chunk !== 0; chunk = this.#words[chunk]!) {
      const length = Math.min(this.#words[chunk + 1]!, left);
      for (let i = 0; i < length; i++) if (test(this.#words[chunk + CHUNK_HEADER + i]!)) return true;
      left -= length;
    }
    return false;
  }

  #reserve(list: number): void {
    if (list < this.#first.length) return;
    this.#first = growUint32(this.#first, list + 1);
    this.#last = growUint32(this.#last, list + 1);
    this.#lastFill = growUint32(this.#lastFill, list + 1);
    this.#counts = growUint32(this.#counts, list + 1);
  }

  #allocate(capacity: number): number {
    const chunk = this.#fill;
    this.#fill += CHUNK_HEADER + capacity;
    this.#words = growUint32(this.#words, this.#fill);
    this.#words[chunk + 1] = capacity;
    return chunk;
  }
}
