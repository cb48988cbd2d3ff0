import { setMaxListeners } from 'node:events';
import { LRUCache } from 'lru-cache';
import type { BlockInfo } from './blocks.ts';
import type { EngineReader } from './engine.ts';
import { StorageError } from './errors.ts';
import { pageKey, pageOfKey, pageRange } from './keys.ts';
import type { PageFiles } from './page-files.ts';
import { unframePage } from './page-frame.ts';

export interface PageSource {
  readonly engine: EngineReader;
  /** The block, also one that is leaving. */
  find(blockId: number): BlockInfo | undefined;
  /** Whether a block of which a page is missing is published nevertheless; asked where another process removes blocks. */
  isPublished?(blockId: number): Promise<boolean>;
  /** A cache on disk between this one and the store. */
  readonly files?: PageFiles | undefined;
}

const minReadAheadBytes = 256 * 1024;
const maxReadAheadBytes = 8 * 1024 * 1024;
/** What the cache counts for a page beside its bytes. */
const pageOverheadBytes = 200;
/** Keys of the cache are `block * 2^21 + page`. */
const maxPages = 2 ** 21;

/** Reads pages of blocks, through a cache bounded in bytes; readers of the same page share one read. */
export class BlockPages {
  #hits = 0;
  #misses = 0;
  readonly #source: PageSource;
  readonly #cache: LRUCache<number, Uint8Array>;
  readonly #loading = new Map<number, Promise<Uint8Array>>();

  constructor(source: PageSource, cacheBytes: number) {
    this.#source = source;
    const sizeCalculation = (page: Uint8Array): number => page.length + pageOverheadBytes;
    this.#cache = new LRUCache({ maxSize: Math.max(1, cacheBytes), sizeCalculation });
  }

  get stats(): { readonly hits: number; readonly misses: number; readonly bytes: number } {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#cache.calculatedSize };
  }

  async read(blockId: number, first: number, count: number, signal?: AbortSignal): Promise<Uint8Array[]> {
    signal?.throwIfAborted();
    const block = this.#source.find(blockId);
    if (block === undefined) throw notFound(blockId);
    if (first < 0 || count < 0 || first + count > block.pages) {
      throw new RangeError(`block ${blockId} has ${block.pages} pages, asked for ${first} to ${first + count - 1}`);
    }
    const pages: (Uint8Array | Promise<Uint8Array>)[] = [];
    let missing = 0;
    for (let page = first; page < first + count; page++) {
      const key = blockId * maxPages + page;
      const found = this.#cache.get(key) ?? this.#loading.get(key);
      if (found !== undefined) {
        if (missing > 0) this.#loadRun(block, page - missing, missing, pages);
        missing = 0;
        this.#hits++;
        pages.push(found);
      } else {
        missing++;
        this.#misses++;
      }
    }
    if (missing > 0) this.#loadRun(block, first + count - missing, missing, pages);
    return abortable(Promise.all(pages), signal);
  }

  /** Takes a page into the cache that was just written. */
  keep(blockId: number, page: number, bytes: Uint8Array): void {
    this.#cache.set(blockId * maxPages + page, bytes);
  }

  /** Drops a block's pages, which are deleted in the store. */
  forget(blockId: number): void {
    for (const key of [...this.#cache.keys()]) if (Math.floor(key / maxPages) === blockId) this.#cache.delete(key);
  }

  #loadRun(block: BlockInfo, first: number, count: number, pages: (Uint8Array | Promise<Uint8Array>)[]): void {
    const run = this.#load(block, first, count);
    for (let index = 0; index < count; index++) {
      const key = block.id * maxPages + first + index;
      const page = run.then((loaded) => loaded[index]!);
      this.#loading.set(key, page);
      page.then(
        (bytes) => {
          this.#loading.delete(key);
          this.#cache.set(key, bytes);
        },
        () => this.#loading.delete(key),
      );
      pages.push(page);
    }
  }

  async #load(block: BlockInfo, first: number, count: number): Promise<Uint8Array[]> {
    const { files } = this.#source;
    if (files === undefined) return this.#fetch(block, first, count);
    const pages = await files.read(block, first, count);
    for (let start = 0; start < count; start++) {
      if (pages[start] !== undefined) continue;
      let end = start + 1;
      while (end < count && pages[end] === undefined) end++;
      const fetched = await this.#fetch(block, first + start, end - start);
      for (const [i, page] of fetched.entries()) pages[start + i] = page;
      start = end;
    }
    return pages as Uint8Array[];
  }

  async #fetch(block: BlockInfo, first: number, count: number): Promise<Uint8Array[]> {
    const { engine, files } = this.#source;
    const taken = (page: number, value: Uint8Array): Uint8Array => {
      const bytes = unframePage(block.id, page, value);
      files?.add(block, page, value);
      return bytes;
    };
    if (count === 1) {
      const value = await engine.get(pageKey(block.id, first));
      return [value === undefined ? await this.#missing(block.id, first) : taken(first, value)];
    }
    const averageBytes = block.sizeBytes / block.pages;
    const readAheadBytes = Math.round(Math.min(maxReadAheadBytes, Math.max(minReadAheadBytes, count * averageBytes)));
    const pages: Uint8Array[] = [];
    for await (const { key, value } of engine.scan(pageRange(block.id, first, first + count), { readAheadBytes })) {
      const page = first + pages.length;
      pages.push(pageOfKey(key) === page ? taken(page, value) : await this.#missing(block.id, page));
    }
    if (pages.length < count) await this.#missing(block.id, first + pages.length);
    return pages;
  }

  async #missing(block: number, page: number): Promise<never> {
    if (this.#source.find(block) === undefined) throw notFound(block);
    if ((await this.#source.isPublished?.(block)) === false) throw notFound(block);
    throw new StorageError('corrupt', `block ${block}, page ${page}: it is missing`, { details: { block, page } });
  }
}

function notFound(block: number): StorageError {
  return new StorageError('not_found', `block ${block} is not there`, { details: { block } });
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    // A query asks for many pages at once, all with its one signal.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
