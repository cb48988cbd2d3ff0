import { equalBytes, hashBytes } from '../key-bytes.ts';
import type { ByteArena } from './byte-arena.ts';
import { grownCapacity, grownU8, grownU16, grownU32 } from './typed-columns.ts';

const initialSlots = 1024;
const maxLoad = 0.66;

/**
 * Gives every distinct key a dense number, from 0. Open addressing over the raw key bytes, which stay where the
 * first record of the key has them: 11 bytes of columns and about 8 bytes of slots a key, beside the key itself.
 */
export class KeyIndex {
  private readonly arena: ByteArena;
  /** Key number + 1 a slot; 0 is free. */
  private slots = new Uint32Array(initialSlots);
  private positions = new Uint32Array(64);
  private lengths = new Uint16Array(64);
  private hashes = new Uint32Array(64);
  /** 1 where somebody follows the key. */
  private watched = new Uint8Array(64);
  count = 0;

  constructor(arena: ByteArena) {
    this.arena = arena;
  }

  get allocatedBytes(): number {
    return (
      this.slots.byteLength +
      this.positions.byteLength +
      this.lengths.byteLength +
      this.hashes.byteLength +
      this.watched.byteLength
    );
  }

  /** The number of the key in `bytes[start, end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.lookup(bytes, start, end, hashBytes(bytes, start, end));
  }

  /** The number of the key at `position` of the arena (`bytes[start, end)` are the same bytes); added when it is new. */
  findOrAdd(bytes: Uint8Array, start: number, end: number, position: number): number {
    const hash = hashBytes(bytes, start, end);
    const found = this.lookup(bytes, start, end, hash);
    return found >= 0 ? found : this.add(position, end - start, hash);
  }

  lengthOf(key: number): number {
    return this.lengths[key]!;
  }

  /** The chunk that holds the bytes of `key`, from {@link offsetOf}. */
  chunkOf(key: number): Buffer {
    return this.arena.chunkAt(this.positions[key]!);
  }

  offsetOf(key: number): number {
    return this.arena.offsetAt(this.positions[key]!);
  }

  /** The bytes of `key`: a view, not a copy. */
  bytesOf(key: number): Buffer {
    const offset = this.offsetOf(key);
    return this.chunkOf(key).subarray(offset, offset + this.lengths[key]!);
  }

  isWatched(key: number): boolean {
    return this.watched[key] === 1;
  }

  setWatched(key: number, watched: boolean): void {
    this.watched[key] = watched ? 1 : 0;
  }

  private lookup(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.slots.length - 1;
    const length = end - start;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const key = this.slots[slot]! - 1;
      if (key < 0) return -1;
      if (this.hashes[key] !== hash || this.lengths[key] !== length) continue;
      if (equalBytes(this.chunkOf(key), this.offsetOf(key), bytes, start, length)) return key;
    }
  }

  private add(position: number, length: number, hash: number): number {
    if (this.count + 1 > this.slots.length * maxLoad) this.growSlots();
    if (this.count === this.positions.length) this.growColumns();
    const key = this.count++;
    this.positions[key] = position;
    this.lengths[key] = length;
    this.hashes[key] = hash;
    place(this.slots, hash, key);
    return key;
  }

  private growSlots(): void {
    const slots = new Uint32Array(this.slots.length * 2);
    for (let key = 0; key < this.count; key++) place(slots, this.hashes[key]!, key);
    this.slots = slots;
  }

  private growColumns(): void {
    const capacity = grownCapacity(this.count, this.count + 1);
    this.positions = grownU32(this.positions, capacity);
    this.lengths = grownU16(this.lengths, capacity);
    this.hashes = grownU32(this.hashes, capacity);
    this.watched = grownU8(this.watched, capacity);
  }
}

function place(slots: Uint32Array, hash: number, key: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = key + 1;
}
