import { equalBytes, hashBytes } from '../key-bytes.ts';
import type { ByteArena } from './byte-arena.ts';
import { grownCapacity, grownU8, grownU16, grownU32 } from './typed-columns.ts';

const initialSlots = 1024;
const initialKeys = 64;
const maxLoad = 0.66;

/**
 * Gives every distinct key a dense number, from 0. Open addressing over the raw key bytes, which stay where the
 * first record of the key has them: 11 bytes of columns and about 8 bytes of slots a key, beside the key itself.
 */
export class KeyIndex {
  private readonly arena: ByteArena;
  /** Key number + 1 a slot; 0 is free. */
  private slots: Uint32Array;
  private positions: Uint32Array;
  private lengths: Uint16Array;
  private hashes: Uint32Array;
  /** 1 where somebody follows the key. */
  private watched: Uint8Array;
  count = 0;
  /** How many bytes all keys begin with. */
  commonLength = 0;
  /** What {@link touch} read: reads that nobody uses are left out by the compiler. */
  touched = 0;

  /** With room for `expectedKeys`; it grows where there are more. */
  constructor(arena: ByteArena, expectedKeys = 0) {
    this.arena = arena;
    let slots = initialSlots;
    while (expectedKeys > slots * maxLoad) slots *= 2;
    const capacity = Math.max(initialKeys, expectedKeys);
    this.slots = new Uint32Array(slots);
    this.positions = new Uint32Array(capacity);
    this.lengths = new Uint16Array(capacity);
    this.hashes = new Uint32Array(capacity);
    this.watched = new Uint8Array(capacity);
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

  /**
   * The number of the key at `position` of the arena (`bytes[start, end)` are the same bytes), with this hash, see
   * {@link hashBytes}; added when it is new.
   */
  findOrAdd(bytes: Uint8Array, start: number, end: number, position: number, hash: number): number {
    const found = this.lookup(bytes, start, end, hash);
    return found >= 0 ? found : this.add(bytes, start, end, position, hash);
  }

  /** Reads what the look-up of each of these hashes begins with, so that the processor fetches it side by side. */
  touchHashes(hashes: Uint32Array, count: number): void {
    const { slots } = this;
    const mask = slots.length - 1;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const key = slots[hashes[i]! & mask]! - 1;
      if (key >= 0 && this.hashes[key] === hashes[i]) sum += this.chunkOf(key)[this.offsetOf(key)]!;
    }
    this.touched = sum;
  }

  /** Does the same for where each of these keys is. */
  touchKeys(keys: Uint32Array, count: number): void {
    const { positions, lengths } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += positions[keys[i]!]! + lengths[keys[i]!]!;
    this.touched = sum;
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

  private add(bytes: Uint8Array, start: number, end: number, position: number, hash: number): number {
    const length = end - start;
    this.commonLength = this.count === 0 ? length : this.commonWith(bytes, start, length);
    if (this.count + 1 > this.slots.length * maxLoad) this.growSlots();
    if (this.count === this.positions.length) this.growColumns();
    const key = this.count++;
    this.positions[key] = position;
    this.lengths[key] = length;
    this.hashes[key] = hash;
    place(this.slots, hash, key);
    return key;
  }

  /** How many of the bytes that all keys begin with `bytes[start, start + length)` begins with. */
  private commonWith(bytes: Uint8Array, start: number, length: number): number {
    const first = this.chunkOf(0);
    const offset = this.offsetOf(0);
    const most = Math.min(this.commonLength, length);
    let common = 0;
    while (common < most && first[offset + common] === bytes[start + common]) common++;
    return common;
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
