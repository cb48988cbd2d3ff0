import { type BlockReads, StorageError } from '@opendata/storage';
import { createYielder } from '../head/yielder.ts';
import { PageFormatError } from './codec/index.ts';
import { DecodedColumns } from './decoded-columns.ts';
import { unpackedBytes } from './index/packed-page.ts';

/** Keys are `block * 2^21 + page`, as a block has at most so many pages. */
const MAX_PAGES = 2 ** 21;
/** Pages that are asked for at once while a run of them is read. */
const PAGES_AHEAD = 16;
const RUNS_AHEAD = 8;

interface Entry {
  readonly value: unknown;
  readonly sizeBytes: number;
}

/** Pages of blocks as they are used: decoded, the latest used of them kept up to a size. */
export class DecodedPages {
  readonly #blocks: BlockReads;
  readonly #limitBytes: number;
  /** In order of use, the latest last. */
  readonly #entries = new Map<number, Entry>();
  /** What was decoded of data pages, twice the size of the pages. */
  readonly columns: DecodedColumns;
  #sizeBytes = 0;

  constructor(blocks: BlockReads, limitBytes: number) {
    this.#blocks = blocks;
    this.#limitBytes = limitBytes;
    this.columns = new DecodedColumns(limitBytes * 2);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * A page; `decode` is the same for all calls with it.
   * @throws StorageError, `corrupt` with block, page and byte where the page cannot be decoded
   */
  get<T>(block: number, page: number, decode: (bytes: Uint8Array) => T, signal?: AbortSignal): T | Promise<T> {
    const key = block * MAX_PAGES + page;
    const known = this.#entries.get(key);
    if (known === undefined) return this.#load(block, page, decode, signal);
    this.#entries.delete(key);
    this.#entries.set(key, known);
    return known.value as T;
  }

  /** Pages in the order given; the next ones are read while one is used. */
  async *each<T>(
    block: number,
    pages: readonly number[],
    decode: (bytes: Uint8Array) => T,
    signal?: AbortSignal,
  ): AsyncGenerator<T> {
    const runs = runsOf(pages);
    const loading: (readonly (T | Promise<T>)[] | Promise<readonly T[]>)[] = [];
    let next = 0;
    for (let i = 0; i < runs.length; i++) {
      while (next < runs.length && next < i + RUNS_AHEAD) {
        const run = this.#run(block, runs[next++]!, decode, signal);
        if (run instanceof Promise) run.catch(() => undefined);
        loading.push(run);
      }
      const run = loading.shift()!;
      for (const page of run instanceof Promise ? await run : run) yield page instanceof Promise ? await page : page;
    }
  }

  /** Forgets the pages of a block. */
  forget(block: number): void {
    this.columns.forget(block);
    for (const key of [...this.#entries.keys()]) if (Math.floor(key / MAX_PAGES) === block) this.#remove(key);
  }

  #run<T>(
    block: number,
    { first, count }: PageRun,
    decode: (bytes: Uint8Array) => T,
    signal: AbortSignal | undefined,
  ): readonly (T | Promise<T>)[] | Promise<readonly T[]> {
    const isKnown = Array.from({ length: count }, (_, i) => this.#entries.has(block * MAX_PAGES + first + i));
    if (isKnown.includes(true)) {
      return isKnown.map((_, i) => {
        const page = this.get(block, first + i, decode, signal);
        // Whoever reads the pages meets the first error, and looks at no page behind it.
        if (page instanceof Promise) page.catch(() => undefined);
        return page;
      });
    }
    return this.#readRun(block, first, count, decode, signal);
  }

  async #readRun<T>(
    block: number,
    first: number,
    count: number,
    decode: (bytes: Uint8Array) => T,
    signal: AbortSignal | undefined,
  ): Promise<readonly T[]> {
    const pages = await this.#blocks.readPages(block, first, count, signal);
    const yielder = createYielder(signal);
    const decoded: T[] = [];
    for (const [i, bytes] of pages.entries()) {
      if (i > 0) await yielder();
      decoded.push(this.#keep(block, first + i, bytes, decode));
    }
    return decoded;
  }

  async #load<T>(
    block: number,
    page: number,
    decode: (bytes: Uint8Array) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const [bytes] = await this.#blocks.readPages(block, page, 1, signal);
    return this.#keep(block, page, bytes!, decode);
  }

  #keep<T>(block: number, page: number, bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
    const key = block * MAX_PAGES + page;
    const known = this.#entries.get(key);
    if (known !== undefined) return known.value as T;
    const value = inPage(block, page, () => decode(bytes));
    const sizeBytes = unpackedBytes(bytes) * DECODED_FACTOR;
    this.#entries.set(key, { value, sizeBytes });
    this.#sizeBytes += sizeBytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#sizeBytes <= this.#limitBytes) break;
      this.#remove(oldest);
    }
    return value;
  }

  #remove(key: number): void {
    this.#sizeBytes -= this.#entries.get(key)!.sizeBytes;
    this.#entries.delete(key);
  }
}

/** Runs what reads a page, and says of damage where it is. @throws StorageError `corrupt` */
export function inPage<T>(block: number, page: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PageFormatError)) throw error;
    throw new StorageError('corrupt', `block ${block}, page ${page}: ${error.message}`, { details: { block, page } });
  }
}

/** A decoded page takes about so many times its bytes: what it holds on to and what is decoded of it. */
const DECODED_FACTOR = 3;

interface PageRun {
  readonly first: number;
  count: number;
}

function runsOf(pages: readonly number[]): PageRun[] {
  const runs: PageRun[] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === page && last.count < PAGES_AHEAD) last.count++;
    else runs.push({ first: page, count: 1 });
  }
  return runs;
}
