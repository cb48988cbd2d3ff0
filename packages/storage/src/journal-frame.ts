import { crc32 } from 'node:zlib';
import { StorageError } from './errors.ts';

/*
 * A journal row holds what one commit group has for one lane:
 *
 *   version u8 | CRC-32 of the rest u32 LE | entries
 *   entry = gap varint | length varint | bytes
 *
 * `gap` counts the group's entries since the row's previous one that are in other rows, so that the order inside the
 * group survives its division into rows.
 */
const version = 1;
const headerBytes = 5;
const entryOverheadBytes = 10;
const firstCapacityBytes = 64 * 1024;
/** The largest entry: what the engine was seen to take in one row. */
export const maxEntryBytes = 64 * 1024 * 1024;

/** A row in the making: entries are copied into one buffer that grows and can be used again. */
export class JournalFrame {
  #bytes: Uint8Array;
  #length = headerBytes;
  #nextOrdinal = 0;

  constructor(capacityBytes = firstCapacityBytes) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(capacityBytes, headerBytes));
  }

  get sizeBytes(): number {
    return this.#length;
  }

  get capacityBytes(): number {
    return this.#bytes.length;
  }

  get isEmpty(): boolean {
    return this.#length === headerBytes;
  }

  reset(): void {
    this.#length = headerBytes;
    this.#nextOrdinal = 0;
  }

  /** Copies the entry. `ordinal` is its place among all entries of the group, rising from one call to the next. */
  add(ordinal: number, entry: Uint8Array): void {
    const size = entry.length;
    if (this.#length + entryOverheadBytes + size > this.#bytes.length) this.#grow(entryOverheadBytes + size);
    const bytes = this.#bytes;
    let at = this.#length;
    let gap = ordinal - this.#nextOrdinal;
    while (gap > 0x7f) {
      bytes[at++] = (gap & 0x7f) | 0x80;
      gap >>>= 7;
    }
    bytes[at++] = gap;
    let rest = size;
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    bytes.set(entry, at);
    this.#length = at + size;
    this.#nextOrdinal = ordinal + 1;
  }

  #grow(needBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + needBytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** The finished row's value; valid until the frame is reset. */
  finish(): Uint8Array {
    const value = this.#bytes.subarray(0, this.#length);
    const checksum = crc32(value.subarray(headerBytes));
    value[0] = version;
    value[1] = checksum;
    value[2] = checksum >>> 8;
    value[3] = checksum >>> 16;
    value[4] = checksum >>> 24;
    return value;
  }
}

/** Reads one row entry by entry, after checking all of it. */
export class JournalFrameReader {
  readonly #value: Uint8Array;
  readonly #what: string;
  #at = headerBytes;
  #ordinal = -1;
  #entry: Uint8Array = new Uint8Array(0);

  /** @throws StorageError `corrupt` */
  constructor(value: Uint8Array, what: string) {
    this.#value = value;
    this.#what = what;
    if (value.length < headerBytes) throw corrupt(what, 'too short');
    if (value[0] !== version) throw corrupt(what, `version ${value[0]}, expected ${version}`);
    const stored = (value[1]! | (value[2]! << 8) | (value[3]! << 16) | (value[4]! << 24)) >>> 0;
    if (crc32(value.subarray(headerBytes)) !== stored) throw corrupt(what, 'checksum does not match');
  }

  /** Place of the current entry among all entries of its group. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** The current entry: a view of the row's value. */
  get entry(): Uint8Array {
    return this.#entry;
  }

  /** Moves to the next entry; false at the end. */
  next(): boolean {
    if (this.#at === this.#value.length) return false;
    this.#ordinal += this.#varint() + 1;
    const size = this.#varint();
    const end = this.#at + size;
    if (end > this.#value.length) throw corrupt(this.#what, 'an entry ends behind the row');
    this.#entry = this.#value.subarray(this.#at, end);
    this.#at = end;
    return true;
  }

  #varint(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#value[this.#at++];
      if (byte === undefined) throw corrupt(this.#what, 'a number ends behind the row');
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result;
    }
    throw corrupt(this.#what, 'a number is too long');
  }
}

function corrupt(what: string, why: string): StorageError {
  return new StorageError('corrupt', `${what}: ${why}`, { details: { row: what } });
}
