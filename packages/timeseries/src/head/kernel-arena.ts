import type { KernelMemory, KernelPlace } from '@opendata/wire';
import { type ByteArena, copyBytes, equalBytes, FreeBlocks, paddedLength } from './byte-arena.ts';
import { hashBytes } from './byte-hash.ts';
import { BYTES_KERNEL } from './bytes-kernel.ts';
import { OverloadedError } from './errors.ts';

const PAGE_BYTES = 65_536;
const ALIGNMENT = 16;
/** Below are the results of the kernels, and the labels that they know. */
const BODIES_START = 24 * PAGE_BYTES;
/** Below a request's body is put for comparison; what is not touched takes no memory. */
const ENTRIES_START = 64 * 1024 * 1024;
/** Before the bytes of an entry: its length, two words for its owner, and a free one. */
const ENTRY_HEADER_BYTES = 16;
const LENGTH_WORD = -4;
const SERIES_WORD = -3;
const SUCCESSOR_WORD = -2;
/** See chunk-memory.ts. */
const GROWTH_PAGES = 1024;
/** A WebAssembly memory cannot be larger: 4 GiB. */
const MAX_PAGES = 65_536;
/** The kernel compares 16 bytes at once. */
const MIN_KERNEL_BYTES = 16;
/** The kernel reads words of 4 bytes. */
const MIN_HASHED_BYTES = 4;

interface KernelExports {
  readonly memory: KernelMemory;
  equal(a: number, b: number, length: number): number;
  hash(at: number, length: number, seed: number): number;
  copy(from: number, length: number, to: number): void;
  sharedStart(a: number, b: number, length: number): number;
  sharedEnd(a: number, b: number, length: number): number;
}

/** The part of WebAssembly's API that is used; Node's type declarations have none of it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/**
 * An arena in the memory of a WebAssembly kernel that compares byte strings two to three times as fast as JavaScript
 * can. Both strings have to lie in that memory, so a request's body is loaded into it first.
 */
export class KernelArena implements ByteArena {
  readonly #kernel: KernelExports;
  #buffer: ArrayBuffer;
  #view: DataView;
  #words: Uint32Array;
  #end = ENTRIES_START;
  #usedBytes = 0;
  readonly #free = new FreeBlocks();

  /** @throws Error where there is no WebAssembly with 128-bit vectors */
  constructor() {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    const module = new Module(Buffer.from(BYTES_KERNEL, 'base64'));
    this.#kernel = new Instance(module).exports as KernelExports;
    const { memory } = this.#kernel;
    memory.grow(ENTRIES_START / PAGE_BYTES + GROWTH_PAGES - memory.buffer.byteLength / PAGE_BYTES);
    this.#buffer = memory.buffer;
    this.#view = new DataView(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
  }

  /** Where bodies go that are to be compared. */
  get bodies(): KernelPlace {
    return { memory: this.#kernel.memory, startBytes: BODIES_START, endBytes: ENTRIES_START };
  }

  /** What is in the memory now: another buffer after it has grown. */
  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  get memory(): KernelMemory {
    return this.#kernel.memory;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * A view of the same bytes in the kernel's memory, for `equals`; valid until the next `add` or `load`. Bodies that
   * are too large are returned as they are, and compared in JavaScript.
   */
  load(body: Uint8Array): DataView {
    const { buffer } = this.#kernel.memory;
    if (body.buffer === buffer || body.length > ENTRIES_START - BODIES_START) {
      return new DataView(body.buffer, body.byteOffset, body.byteLength);
    }
    new Uint8Array(buffer).set(body, BODIES_START);
    return new DataView(buffer, BODIES_START, body.length);
  }

  /**
   * Makes room for entries of so many bytes, headers included.
   * @returns whether views of the memory that were made before are detached now
   * @throws OverloadedError where the arena would be over 4 GiB
   */
  reserve(sizeBytes: number): boolean {
    const missing = this.#end + sizeBytes - this.#buffer.byteLength;
    if (missing <= 0) return false;
    const { memory } = this.#kernel;
    const pages = Math.ceil(missing / PAGE_BYTES);
    const left = MAX_PAGES - this.#buffer.byteLength / PAGE_BYTES;
    try {
      memory.grow(pages > left ? pages : Math.min(left, Math.max(GROWTH_PAGES, pages)));
    } catch {
      throw new OverloadedError('there is no more room for labels of series, which may take 4 GiB');
    }
    this.#buffer = memory.buffer;
    this.#view = new DataView(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
    return true;
  }

  /** @throws OverloadedError where the arena would be over 4 GiB */
  add(view: DataView, start: number, length: number): number {
    const sizeBytes = ENTRY_HEADER_BYTES + paddedLength(length, ALIGNMENT);
    // Growing detaches the view.
    const from = view.buffer === this.#buffer ? view.byteOffset + start : -1;
    let address = this.#free.take(sizeBytes);
    if (address === undefined) {
      this.reserve(sizeBytes);
      address = this.#end + ENTRY_HEADER_BYTES;
      this.#end += sizeBytes;
    }
    this.#usedBytes += sizeBytes;
    if (from >= 0) this.#kernel.copy(from, length, address);
    else copyBytes(view, start, length, this.#view, address);
    this.#words[(address >>> 2) + LENGTH_WORD] = length;
    return address;
  }

  /**
   * Entries may still name the freed one as their successor: it has no length, so the kernel takes it for no key, and
   * once the place is in use again an entry begins there as before.
   */
  free(address: number, length: number): void {
    const sizeBytes = ENTRY_HEADER_BYTES + paddedLength(length, ALIGNMENT);
    this.#usedBytes -= sizeBytes;
    this.#words.fill(0, (address - ENTRY_HEADER_BYTES) >>> 2, address >>> 2);
    this.#free.put(sizeBytes, address);
  }

  /** Notes the series of an entry; see known-series.ts. */
  setSeries(address: number, series: number): void {
    this.#words[(address >>> 2) + SERIES_WORD] = series;
  }

  /** Notes which entry, by its address, followed another; see known-series.ts. */
  setSuccessor(address: number, successor: number): void {
    this.#words[(address >>> 2) + SUCCESSOR_WORD] = successor;
  }

  equals(address: number, view: DataView, start: number, length: number): boolean {
    if (view.buffer !== this.#buffer || length < MIN_KERNEL_BYTES) {
      return equalBytes(this.#view, address, view, start, length);
    }
    return this.#kernel.equal(address, view.byteOffset + start, length) === 1;
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, address, length);
  }

  hash(view: DataView, start: number, end: number, seed: number): number {
    const length = end - start;
    if (view.buffer !== this.#buffer || length < MIN_HASHED_BYTES) return hashBytes(view, start, end, seed);
    return this.#kernel.hash(view.byteOffset + start, length, seed) >>> 0;
  }

  /** Copies bytes within the memory. */
  copy(from: number, length: number, to: number): void {
    this.#kernel.copy(from, length, to);
  }

  /** How many bytes two entries share at their beginning, `length` at most. */
  sharedStart(a: number, b: number, length: number): number {
    return this.#kernel.sharedStart(a, b, length);
  }

  /** How many bytes before the ends of two entries are the same, `length` at most. */
  sharedEnd(aEnd: number, bEnd: number, length: number): number {
    return this.#kernel.sharedEnd(aEnd, bEnd, length);
  }
}

/** The kernel's arena, or `undefined` where WebAssembly cannot be had. */
export function createKernelArena(): KernelArena | undefined {
  try {
    return new KernelArena();
  } catch {
    return undefined;
  }
}
