import { type ByteArena, MAX_ENTRY_BYTES, SegmentArena } from './byte-arena.ts';
import { growUint32 } from './growable.ts';

export { MAX_ENTRY_BYTES };

/**
 * Byte strings, each stored once and numbered from 0 in order of arrival: an open-addressing table of typed arrays
 * over an arena of fixed segments, so that a million entries are a few dozen objects to the garbage collector.
 * The hash is seeded, so that a sender cannot choose colliding strings.
 */
export class ByteTable {
  #count = 0;
  /** Entry number + 1 by hash slot, 0 where free. */
  #slots = new Uint32Array(1024);
  #hashes = new Uint32Array(512);
  #addresses = new Uint32Array(512);
  #lengths = new Uint32Array(512);
  readonly #arena: ByteArena;
  readonly #seed = Math.floor(Math.random() * 0x1_0000_0000) | 0;

  constructor(arena: ByteArena = new SegmentArena()) {
    this.#arena = arena;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of memory that are in use, tables included. */
  get memoryBytes(): number {
    return (
      this.#arena.usedBytes +
      this.#slots.byteLength +
      this.#hashes.byteLength +
      this.#addresses.byteLength +
      this.#lengths.byteLength
    );
  }

  /** True where entry `id` is exactly the bytes `[start, end)` of `view`. */
  equals(id: number, view: DataView, start: number, end: number): boolean {
    const length = end - start;
    if (this.#lengths[id] !== length) return false;
    return this.#arena.equals(this.#addresses[id]!, view, start, length);
  }

  /** Where the arena has entry `id`. */
  addressOf(id: number): number {
    return this.#addresses[id]!;
  }

  /** Number of the entry with these bytes, or -1. */
  find(view: DataView, start: number, end: number): number {
    return this.#find(hashBytes(view, start, end, this.#seed), view, start, end);
  }

  /**
   * Number of the entry with these bytes, which are copied where they are new (`count` tells).
   * @throws RangeError where the bytes are longer than `MAX_ENTRY_BYTES`
   */
  intern(view: DataView, start: number, end: number): number {
    const hash = hashBytes(view, start, end, this.#seed);
    const found = this.#find(hash, view, start, end);
    if (found >= 0) return found;
    return this.#add(hash, view, start, end);
  }

  /** A view of entry `id`'s bytes, valid until the next entry is added. */
  bytes(id: number): Uint8Array {
    return this.#arena.bytes(this.#addresses[id]!, this.#lengths[id]!);
  }

  #find(hash: number, view: DataView, start: number, end: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]!;
      if (entry === 0) return -1;
      if (hashes[entry - 1] === hash && this.equals(entry - 1, view, start, end)) return entry - 1;
    }
  }

  #add(hash: number, view: DataView, start: number, end: number): number {
    const length = end - start;
    if (length > MAX_ENTRY_BYTES) throw new RangeError(`byte string of ${length} bytes is over ${MAX_ENTRY_BYTES}`);
    const id = this.#count;
    if (id === this.#hashes.length) {
      this.#hashes = growUint32(this.#hashes, id + 1);
      this.#addresses = growUint32(this.#addresses, id + 1);
      this.#lengths = growUint32(this.#lengths, id + 1);
    }
    if ((id + 1) * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    this.#addresses[id] = this.#arena.add(view, start, length);
    this.#hashes[id] = hash;
    this.#lengths[id] = length;
    this.#count = id + 1;
    this.#place(hash, id);
    return id;
  }

  #place(hash: number, id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = id + 1;
  }

  #rehash(size: number): void {
    this.#slots = new Uint32Array(size);
    for (let id = 0; id < this.#count; id++) this.#place(this.#hashes[id]!, id);
  }
}

/** 32 bits over the bytes, read as little-endian words; the last word overlaps where the length is no multiple of 4. */
function hashBytes(view: DataView, start: number, end: number, seed: number): number {
  const length = end - start;
  let a = (seed ^ Math.imul(length, 0x9e3779b1)) | 0;
  let b = (seed + 0x7f4a7c15) | 0;
  if (length >= 4) {
    const last = end - 4;
    for (let at = start; at < last; at += 4) {
      const word = view.getInt32(at, true);
      a = Math.imul(a ^ word, 0x85ebca6b);
      b = Math.imul(((b << 13) | (b >>> 19)) + word, 0xc2b2ae35);
      a ^= b >>> 15;
    }
    const word = view.getInt32(last, true);
    a = Math.imul(a ^ word, 0x85ebca6b);
    b = Math.imul(((b << 13) | (b >>> 19)) + word, 0xc2b2ae35);
  } else {
    for (let at = start; at < end; at++) a = Math.imul(a ^ view.getUint8(at), 0x85ebca6b);
  }
  a ^= b;
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (a ^ (a >>> 16)) >>> 0;
}
