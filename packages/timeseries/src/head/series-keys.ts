import { ByteTable } from './byte-table.ts';
import { createKernelArena, type KernelArena } from './kernel-arena.ts';
import { PagedWords } from './paged-words.ts';

/** Stands for a series that is not known. */
export const UNKNOWN_SERIES = 0xffffffff;

/** Key of a series that was removed. */
const GONE = 0xffffffff;

/** What two label runs have in common. */
export interface SharedBytes {
  prefix: number;
  suffix: number;
}

/**
 * Under which bytes series arrive. A *key* is one byte form of a series' labels: the canonical form (see label-bytes.ts),
 * and whatever other order or encoding a sender uses. A key remembers which key followed it last time: senders repeat
 * the order of their scrapes, so nearly every look-up is one comparison of bytes with the predicted key, without hashing.
 */
export class SeriesKeys {
  /** The memory of the keys, where a WebAssembly kernel has them: for `KnownSeries`. */
  readonly arena: KernelArena | undefined = createKernelArena();
  readonly #keys = new ByteTable(this.arena);
  /** Series of a key. */
  readonly #series = new PagedWords();
  /** Key that followed a key, + 1; 0 where none did. */
  readonly #successors = new PagedWords();
  /** The next key of the same series, + 1; 0 where there is none. */
  readonly #siblings = new PagedWords();
  /** First key of a series: the canonical one. */
  readonly #canonical = new PagedWords();

  get memoryBytes(): number {
    return this.#keys.memoryBytes + this.#series.memoryBytes * 3 + this.#canonical.memoryBytes;
  }

  /** The key with these bytes, or -1. */
  find(view: DataView, start: number, end: number): number {
    return this.#keys.find(view, start, end);
  }

  /** For `findHashed`, `add` and `addAlias`. */
  hashOf(view: DataView, start: number, end: number): number {
    return this.#keys.hashOf(view, start, end);
  }

  /** `find` where the hash is known. */
  findHashed(hash: number, view: DataView, start: number, end: number): number {
    return this.#keys.findHashed(hash, view, start, end);
  }

  seriesOf(key: number): number {
    return this.#series.get(key);
  }

  addressOf(key: number): number {
    return this.#keys.addressOf(key);
  }

  /**
   * Fills in the series of every label range `[starts[i], ends[i])` that is known, `UNKNOWN_SERIES` for the others.
   * @returns index of the first unknown one, or -1
   */
  resolve(view: DataView, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): number {
    const keys = this.#keys;
    const successors = this.#successors;
    const keySeries = this.#series;
    let firstUnknown = -1;
    let previous = -1;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const end = ends[i]!;
      let key = previous < 0 ? -1 : successors.get(previous) - 1;
      if (key < 0 || !keys.equals(key, view, start, end)) {
        key = keys.find(view, start, end);
        if (key < 0) {
          if (firstUnknown < 0) firstUnknown = i;
          out[i] = UNKNOWN_SERIES;
          previous = -1;
          continue;
        }
        if (previous >= 0) successors.set(previous, key + 1);
      }
      out[i] = keySeries.get(key);
      previous = key;
    }
    return firstUnknown;
  }

  /** Notes that a key came after another. */
  predict(key: number, successor: number): void {
    this.#successors.set(key, successor + 1);
    this.arena?.setSuccessor(this.#keys.addressOf(key), this.#keys.addressOf(successor));
  }

  /** Adds the canonical key of a new series. */
  add(hash: number, view: DataView, start: number, end: number, series: number): number {
    const key = this.#add(hash, view, start, end, series);
    this.#canonical.reserve(series + 1);
    this.#canonical.set(series, key);
    return key;
  }

  /** Adds a further key of a series. */
  addAlias(hash: number, view: DataView, start: number, end: number, series: number): number {
    const key = this.#add(hash, view, start, end, series);
    const canonical = this.#canonical.get(series);
    this.#siblings.set(key, this.#siblings.get(canonical));
    this.#siblings.set(canonical, key + 1);
    return key;
  }

  /** Takes all keys of a series out; the series is not found any more. */
  remove(series: number): void {
    for (let key = this.#canonical.get(series) + 1; key !== 0; ) {
      const sibling = this.#siblings.get(key - 1);
      this.#keys.remove(key - 1);
      this.#keys.release(key - 1);
      key = sibling;
    }
    this.#canonical.set(series, GONE);
  }

  /** False for a series whose keys were removed. */
  has(series: number): boolean {
    return this.#canonical.get(series) !== GONE;
  }

  /** A view of the canonical label run of a series, valid until the next key is added. */
  canonicalBytes(series: number): Uint8Array {
    return this.#keys.bytes(this.#canonical.get(series));
  }

  /**
   * How many bytes the canonical label runs of two series share at their beginnings, and then at their ends, into
   * `shared`. @returns false where that has to be found out from the bytes
   */
  sharedBytes(a: number, b: number, shared: SharedBytes): boolean {
    const { arena } = this;
    if (arena === undefined) return false;
    const keys = this.#keys;
    const keyA = this.#canonical.get(a);
    const keyB = this.#canonical.get(b);
    const addressA = keys.addressOf(keyA);
    const addressB = keys.addressOf(keyB);
    const lengthA = keys.lengthOf(keyA);
    const lengthB = keys.lengthOf(keyB);
    const shorter = Math.min(lengthA, lengthB);
    shared.prefix = arena.sharedStart(addressA, addressB, shorter);
    shared.suffix = arena.sharedEnd(addressA + lengthA, addressB + lengthB, shorter - shared.prefix);
    return true;
  }

  #add(hash: number, view: DataView, start: number, end: number, series: number): number {
    const key = this.#keys.addHashed(hash, view, start, end);
    this.#series.reserve(key + 1);
    this.#successors.reserve(key + 1);
    this.#siblings.reserve(key + 1);
    this.#series.set(key, series);
    this.#successors.set(key, 0);
    this.#siblings.set(key, 0);
    this.arena?.setSeries(this.#keys.addressOf(key), series);
    return key;
  }
}
