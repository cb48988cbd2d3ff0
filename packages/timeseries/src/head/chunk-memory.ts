import type { KernelMemory } from '@opendata/wire';
import { CHUNKS_KERNEL } from './chunks-kernel.ts';

const PAGE_BYTES = 65_536;
/** Most samples of a series that the kernel copies. */
export const KERNEL_CAPACITY = 65_536;
const COLUMN_BYTES = KERNEL_CAPACITY * 8;
const KNOWN_TIMES_START = PAGE_BYTES;
const TIMES_START = KNOWN_TIMES_START + COLUMN_BYTES;
const VALUES_START = TIMES_START + COLUMN_BYTES;
const SEGMENTS_START = VALUES_START + COLUMN_BYTES;
const MAX_BYTES = 65_536 * PAGE_BYTES;
/**
 * Least growth, and what there is from the start. What is not touched takes no memory, but to V8 a memory that has grown
 * is a new buffer of its whole length: it collects garbage twice and marks its heap.
 */
const GROWTH_BYTES = 64 * 1024 * 1024;

interface KernelExports {
  readonly memory: KernelMemory;
  copyChain(
    chunk: number,
    last: number,
    lastFill: number,
    from: number,
    to: number,
    startMs: number,
    at: number,
    room: number,
    known: number,
  ): number;
  ascendingCount(count: number): number;
}

/** The part of WebAssembly's API that is used; Node's type declarations have none of it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let compiled: object | undefined;

/**
 * The memory of a WebAssembly kernel that copies chains of chunks to columns, three times as fast as JavaScript can.
 * First a page that is not used, then a column of times to compare with, the columns that are copied to, and segments of
 * chunks: times, values and links.
 */
export class ChunkMemory {
  /** Where the kernel writes; valid until a segment is added. */
  times!: Float64Array;
  values!: Float64Array;
  readonly copyChain: KernelExports['copyChain'];
  /** How many of the first `count` of `values` are neither NaN nor below the one before. */
  readonly ascendingCount: KernelExports['ascendingCount'];
  readonly #memory: KernelMemory;
  readonly #segmentBytes: number;
  #known: Float64Array | undefined;

  /** @throws Error where there is no WebAssembly with 128-bit vectors, or no room */
  constructor(segmentBytes: number) {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    compiled ??= new Module(Buffer.from(CHUNKS_KERNEL, 'base64'));
    const exports = new Instance(compiled).exports as KernelExports;
    this.copyChain = exports.copyChain;
    this.ascendingCount = exports.ascendingCount;
    this.#memory = exports.memory;
    this.#segmentBytes = segmentBytes;
    this.#memory.grow(GROWTH_BYTES / PAGE_BYTES);
    this.#renew();
  }

  /**
   * Makes room for so many segments, and for some of those to come.
   * @returns 'moved' where views of segments are detached now, 'full' where there is no room
   */
  reserve(segments: number): 'there' | 'moved' | 'full' {
    const needed = SEGMENTS_START + segments * this.#segmentBytes;
    const missing = needed - this.#memory.buffer.byteLength;
    if (missing <= 0) return 'there';
    const ahead = Math.max(GROWTH_BYTES, Math.floor(segments / 8) * this.#segmentBytes);
    const bytes = needed + ahead <= MAX_BYTES ? missing + ahead : missing;
    if (needed > MAX_BYTES) return 'full';
    try {
      this.#memory.grow(Math.ceil(bytes / PAGE_BYTES));
    } catch {
      return 'full';
    }
    this.#renew();
    return 'moved';
  }

  get buffer(): ArrayBufferLike {
    return this.#memory.buffer;
  }

  /** Offset of a segment in the buffer. */
  segmentStart(segment: number): number {
    return SEGMENTS_START + segment * this.#segmentBytes;
  }

  /** Puts the times there that the next chains are to have; they do not change. */
  expect(timestamps: Float64Array): void {
    if (this.#known === timestamps) return;
    new Float64Array(this.#memory.buffer, KNOWN_TIMES_START, timestamps.length).set(timestamps);
    this.#known = timestamps;
  }

  #renew(): void {
    this.times = new Float64Array(this.#memory.buffer, TIMES_START, KERNEL_CAPACITY);
    this.values = new Float64Array(this.#memory.buffer, VALUES_START, KERNEL_CAPACITY);
  }
}

/** None where the machine cannot do it. */
export function createChunkMemory(segmentBytes: number): ChunkMemory | undefined {
  try {
    return new ChunkMemory(segmentBytes);
  } catch {
    return undefined;
  }
}
