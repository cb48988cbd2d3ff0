import { type ByteArena, copyBytes, equalBytes, paddedLength } from './byte-arena.ts';
import { EQUAL_KERNEL } from './equal-kernel.ts';

const PAGE_BYTES = 65_536;
const ALIGNMENT = 16;
/** Below this address a request's body is put for comparison; what is not touched takes no memory. */
const ENTRIES_START = 64 * 1024 * 1024;
const GROWTH_PAGES = 64;
/** The kernel compares 16 bytes at once. */
const MIN_KERNEL_BYTES = 16;

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Detaches `buffer`. */
  grow(pages: number): number;
}

interface KernelExports {
  readonly memory: WasmMemory;
  equal(a: number, b: number, length: number): number;
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
  #view: DataView;
  #end = ENTRIES_START;

  /** @throws Error where there is no WebAssembly with 128-bit vectors */
  constructor() {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    const module = new Module(Buffer.from(EQUAL_KERNEL, 'base64'));
    this.#kernel = new Instance(module).exports as KernelExports;
    const { memory } = this.#kernel;
    memory.grow(ENTRIES_START / PAGE_BYTES + GROWTH_PAGES - memory.buffer.byteLength / PAGE_BYTES);
    this.#view = new DataView(memory.buffer);
  }

  get usedBytes(): number {
    return this.#end - ENTRIES_START;
  }

  /**
   * A view of the same bytes at the same offsets, for `equals`; valid until the next `add` or `load`. Bodies that are
   * too large are returned as they are, and compared in JavaScript.
   */
  load(body: Uint8Array): DataView {
    if (body.length > ENTRIES_START) return new DataView(body.buffer, body.byteOffset, body.byteLength);
    const { buffer } = this.#kernel.memory;
    new Uint8Array(buffer).set(body, 0);
    return new DataView(buffer, 0, body.length);
  }

  /** @throws RangeError where the arena would be over 4 GiB */
  add(view: DataView, start: number, length: number): number {
    const { memory } = this.#kernel;
    const address = this.#end;
    const end = address + paddedLength(length, ALIGNMENT);
    if (end > this.#view.byteLength) {
      memory.grow(GROWTH_PAGES);
      this.#view = new DataView(memory.buffer);
    }
    copyBytes(view, start, length, memory.buffer, address);
    this.#end = end;
    return address;
  }

  equals(address: number, view: DataView, start: number, length: number): boolean {
    if (view.buffer !== this.#view.buffer || length < MIN_KERNEL_BYTES) {
      return equalBytes(this.#view, address, view, start, length);
    }
    return this.#kernel.equal(address, start, length) === 1;
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, address, length);
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
