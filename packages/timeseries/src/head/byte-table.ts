import { type ByteArena, MAX_ENTRY_BYTES, SegmentArena } from './byte-arena.ts';
import { PagedWords } from './paged-words.ts';

export { MAX_ENTRY_BYTES };

const SHARD_BITS = 8;
const FIRST_SHARD_SLOTS = 8;
/** Length of an entry that was removed: no byte string is as long. */
const REMOVED = 0xffff_ffff;

/**
 * Byte strings, each stored once and numbered in order of arrival; numbers that were released come again. It is an
 * open-addressing table of typed arrays over an arena, so that a million entries are a few hundred objects to the
 * garbage collector. The table grows by shards, of which each holds one part of the hashes: growing takes no time to
 * speak of. The hash is seeded, so that a sender cannot choose colliding strings.
 */
export class ByteTable {
  #limit = 0;
  /** Entry number + 1 by hash slot, 0 where free. */
  readonly #shards: Uint32Array[] = Array.from({ length: 1 << SHARD_BITS }, () => new Uint32Array(FIRST_SHARD_SLOTS));
  readonly #shardCounts = new Uint32Array(1 << SHARD_BITS);
  #slotCount = FIRST_SHARD_SLOTS << SHARD_BITS;
  readonly #hashes = new PagedWords();
  /** Of a released entry: the number + 1 of the next one. */
  readonly #addresses = new PagedWords();
  readonly #lengths = new PagedWords();
  /** Number + 1 of the released entry that comes again first. */
  #firstReleased = 0;
  readonly #arena: ByteArena;
  readonly #seed = Math.floor(Math.random() * 0x1_0000_0000) | 0;

  constructor(arena: ByteArena = new SegmentArena()) {
    this.#arena = arena;
  }

  /** Every number is below. */
  get limit(): number {
    return this.#limit;
  }

  /** Bytes of memory that are in use, tables included. */
  get memoryBytes(): number {
    return (
      this.#arena.usedBytes +
      this.#slotCount * 4 +
      this.#hashes.memoryBytes +
      this.#addresses.memoryBytes +
      this.#lengths.memoryBytes
    );
  }

  /** True where entry `id` is exactly the bytes `[start, end)` of `view`. */
  equals(id: number, view: DataView, start: number, end: number): boolean {
    const length = end - start;
    if (this.#lengths.get(id) !== length) return false;
    return this.#arena.equals(this.#addresses.get(id), view, start, length);
  }

  /** Where the arena has entry `id`. */
  addressOf(id: number): number {
    return this.#addresses.get(id);
  }

  lengthOf(id: number): number {
    return this.#lengths.get(id);
  }

  /** For `findHashed` and `addHashed`. */
  hashOf(view: DataView, start: number, end: number): number {
    return this.#arena.hash(view, start, end, this.#seed);
  }

  /** Number of the entry with these bytes, or -1. */
  find(view: DataView, start: number, end: number): number {
    return this.findHashed(this.hashOf(view, start, end), view, start, end);
  }

  /**
   * Number of the entry with these bytes, which are copied where they are new.
   * @throws RangeError where the bytes are longer than `MAX_ENTRY_BYTES`
   */
  intern(view: DataView, start: number, end: number): number {
    const hash = this.hashOf(view, start, end);
    const found = this.findHashed(hash, view, start, end);
    if (found >= 0) return found;
    return this.addHashed(hash, view, start, end);
  }

  /** A view of entry `id`'s bytes, valid until the next entry is added. */
  bytes(id: number): Uint8Array {
    return this.#arena.bytes(this.#addresses.get(id), this.#lengths.get(id));
  }

  /** Takes the entry out of the table: its bytes are not found any more, but can be read until `release`. */
  remove(id: number): void {
    const hash = this.#hashes.get(id);
    const shard = shardOf(hash);
    const slots = this.#shards[shard]!;
    const mask = slots.length - 1;
    let free = hash & mask;
    while (slots[free] !== id + 1) free = (free + 1) & mask;
    this.#shardCounts[shard]!--;
    // What comes behind moves up, unless it would stand before its own place.
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes.get(slots[slot]! - 1) & mask;
      if (((slot - home) & mask) < ((slot - free) & mask)) continue;
      slots[free] = slots[slot]!;
      free = slot;
    }
    slots[free] = 0;
  }

  /** Gives the bytes and the number of a removed entry back. */
  release(id: number): void {
    this.#arena.free(this.#addresses.get(id), this.#lengths.get(id));
    this.#lengths.set(id, REMOVED);
    this.#addresses.set(id, this.#firstReleased);
    this.#firstReleased = id + 1;
  }

  /** `find` where the hash is known. */
  findHashed(hash: number, view: DataView, start: number, end: number): number {
    const slots = this.#shards[shardOf(hash)]!;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]!;
      if (entry === 0) return -1;
      if (hashes.get(entry - 1) === hash && this.equals(entry - 1, view, start, end)) return entry - 1;
    }
  }

  /**
   * Number of a new entry, whose bytes are not in the table.
   * @throws RangeError where they are longer than `MAX_ENTRY_BYTES`
   */
  addHashed(hash: number, view: DataView, start: number, end: number): number {
    const length = end - start;
    if (length > MAX_ENTRY_BYTES) throw new RangeError(`byte string of ${length} bytes is over ${MAX_ENTRY_BYTES}`);
    const address = this.#arena.add(view, start, length);
    const id = this.#nextNumber();
    this.#addresses.set(id, address);
    this.#hashes.set(id, hash);
    this.#lengths.set(id, length);
    const shard = shardOf(hash);
    const count = ++this.#shardCounts[shard]!;
    if (count * 2 > this.#shards[shard]!.length) this.#growShard(shard);
    place(this.#shards[shard]!, hash, id);
    return id;
  }

  #nextNumber(): number {
    if (this.#firstReleased !== 0) {
      const id = this.#firstReleased - 1;
      this.#firstReleased = this.#addresses.get(id);
      return id;
    }
    const id = this.#limit++;
    this.#hashes.reserve(this.#limit);
    this.#addresses.reserve(this.#limit);
    this.#lengths.reserve(this.#limit);
    return id;
  }

  #growShard(shard: number): void {
    const slots = this.#shards[shard]!;
    const grown = new Uint32Array(slots.length * 2);
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] !== 0) place(grown, this.#hashes.get(slots[i]! - 1), slots[i]! - 1);
    }
    this.#shards[shard] = grown;
    this.#slotCount += slots.length;
  }
}

function shardOf(hash: number): number {
  return hash >>> (32 - SHARD_BITS);
}

function place(slots: Uint32Array, hash: number, id: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = id + 1;
}
