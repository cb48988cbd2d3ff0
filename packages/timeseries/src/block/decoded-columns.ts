import { SharedTimestamps } from '../head/shared-timestamps.ts';

/** Keys are `block * 2^21 + page`, as a block has at most so many pages. */
const MAX_PAGES = 2 ** 21;
/** While the cache is full, one in so many pages takes the place of others: a scan of more than fits leaves most of it. */
const ADMITTED = 8;
/** Timestamps of one block that are made equal by identity, in bytes; with more the block starts anew. */
const MAX_TIMESTAMP_BYTES = 1 << 20;
/** What those of all blocks may take of the cache. */
const TIMESTAMP_SHARE = 1 / 4;
const PAGE_OVERHEAD_BYTES = 200;

/** What was decoded of a data page, by number in the page. */
export interface PageColumns {
  /** Values of series without histograms. */
  readonly values: (Float64Array | undefined)[];
  /** How many of the first values are neither NaN nor below the one before them, where that was asked. */
  readonly ascending: (number | undefined)[];
  sizeBytes: number;
}

interface BlockTimestamps {
  readonly shared: SharedTimestamps;
  /** By the columns of pages: those that are equal to them. */
  readonly ofPages: WeakMap<Float64Array, Float64Array>;
  sizeBytes: number;
}

/** Values of data pages as they were decoded, those of the latest used pages, up to a size. */
export class DecodedColumns {
  readonly #limitBytes: number;
  /** In order of use, the latest last. */
  readonly #pages = new Map<number, PageColumns>();
  /** In order of use, the latest last. */
  readonly #timestamps = new Map<number, BlockTimestamps>();
  #latest: BlockTimestamps | undefined;
  #pageBytes = 0;
  #timestampBytes = 0;
  #refused = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#pageBytes + this.#timestampBytes;
  }

  /** The columns of a page, to be completed; undefined where they are not to be kept. */
  of(block: number, page: number): PageColumns | undefined {
    const key = block * MAX_PAGES + page;
    let columns = this.#pages.get(key);
    if (columns !== undefined) this.#pages.delete(key);
    else {
      if (this.sizeBytes >= this.#limitBytes && ++this.#refused % ADMITTED !== 0) return undefined;
      columns = { values: [], ascending: [], sizeBytes: PAGE_OVERHEAD_BYTES };
      this.#pageBytes += columns.sizeBytes;
      this.#evict();
    }
    this.#pages.set(key, columns);
    return columns;
  }

  /** Says that the columns of a page, which may have gone meanwhile, take so many bytes more. */
  grow(block: number, page: number, columns: PageColumns, bytes: number): void {
    const own = block * MAX_PAGES + page;
    if (this.#pages.get(own) !== columns) return;
    columns.sizeBytes += bytes;
    this.#pageBytes += bytes;
    this.#evict();
  }

  /** An array equal to `timestamps`, one and the same for all pages of a block. */
  timestamps(block: number, timestamps: Float64Array): Float64Array {
    const own = this.#timestampsOf(block);
    const known = own.ofPages.get(timestamps);
    if (known !== undefined) return known;
    const equal = own.shared.find(timestamps, timestamps.length);
    own.ofPages.set(timestamps, equal ?? timestamps);
    if (equal !== undefined) return equal;
    own.sizeBytes += timestamps.byteLength;
    this.#timestampBytes += timestamps.byteLength;
    for (const other of this.#timestamps.keys()) {
      if (this.#timestampBytes <= this.#limitBytes * TIMESTAMP_SHARE || other === block) break;
      this.#forgetTimestamps(other);
    }
    this.#evict();
    return own.shared.keep(timestamps);
  }

  /** Forgets what is of a block. */
  forget(block: number): void {
    this.#forgetTimestamps(block);
    for (const key of [...this.#pages.keys()]) if (Math.floor(key / MAX_PAGES) === block) this.#remove(key);
  }

  /** Those of a block, the latest used now. */
  #timestampsOf(block: number): BlockTimestamps {
    const limitBytes = Math.min(MAX_TIMESTAMP_BYTES, this.#limitBytes * TIMESTAMP_SHARE);
    let own = this.#timestamps.get(block);
    if (own !== undefined && own.sizeBytes > limitBytes) {
      this.#forgetTimestamps(block);
      own = undefined;
    }
    if (own !== undefined && own === this.#latest) return own;
    own ??= { shared: new SharedTimestamps(), ofPages: new WeakMap(), sizeBytes: 0 };
    this.#timestamps.delete(block);
    this.#timestamps.set(block, own);
    this.#latest = own;
    return own;
  }

  #forgetTimestamps(block: number): void {
    const own = this.#timestamps.get(block);
    this.#timestampBytes -= own?.sizeBytes ?? 0;
    this.#timestamps.delete(block);
    if (own === this.#latest) this.#latest = undefined;
  }

  #evict(): void {
    for (const key of this.#pages.keys()) {
      if (this.sizeBytes <= this.#limitBytes) break;
      this.#remove(key);
    }
  }

  #remove(key: number): void {
    this.#pageBytes -= this.#pages.get(key)!.sizeBytes;
    this.#pages.delete(key);
  }
}
