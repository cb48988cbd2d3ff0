import { Buffer } from 'node:buffer';
import { malformed, type WireError } from './errors.ts';
import { snappyHeaderSize } from './snappy-decode.ts';
import { SNAPPY_KERNEL } from './snappy-kernel.ts';

const PAGE_BYTES = 65536;
/** what the kernel may read past the input and write past the output */
const SLACK_BYTES = 16;

/** The part of a WebAssembly memory that is used; Node's type declarations have none of WebAssembly. */
export interface KernelMemory {
  /** Another buffer after each growth; the one before is detached. */
  readonly buffer: ArrayBuffer;
  /** Grows by pages of 64 KiB. */
  grow(pages: number): number;
}

/** A range of somebody else's memory where bodies are uncompressed, so that other kernels find them there. */
export interface KernelPlace {
  readonly memory: KernelMemory;
  readonly startBytes: number;
  readonly endBytes: number;
}

/** An instance of the WebAssembly decoder. Its own memory grows to what it has been asked for and stays so. */
export interface SnappyKernel {
  /**
   * Uncompresses a block whose declared length is `length` into the kernel's memory.
   * @returns a view of that memory: valid until the next call
   * @throws WireError malformed
   */
  uncompress(body: Uint8Array, length: number): Uint8Array;
}

interface KernelExports {
  uncompress(from: number, end: number, out: number, outEnd: number): number;
}

interface WebAssemblyApi {
  readonly Memory: new (descriptor: { initial: number }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

let kernelModule: object | undefined;

/**
 * @param place where bodies go that fit there, compressed and uncompressed; the others go to a memory of the kernel's own
 * @throws Error where there is no WebAssembly
 */
export function createSnappyKernel(place?: KernelPlace): SnappyKernel {
  const own = createOwnMemoryKernel();
  if (place === undefined) return own;
  const { memory, startBytes, endBytes } = place;
  const uncompress = instantiate(memory);
  return {
    uncompress(body, length) {
      if (startBytes + body.length + length + 2 * SLACK_BYTES > endBytes) return own.uncompress(body, length);
      return run(uncompress, new Uint8Array(memory.buffer), startBytes, body, length);
    },
  };
}

function createOwnMemoryKernel(): SnappyKernel {
  const { Memory } = webAssembly();
  const memory = new Memory({ initial: 1 });
  const uncompress = instantiate(memory);
  let bytes = new Uint8Array(memory.buffer);
  return {
    uncompress(body, length) {
      const needed = body.length + length + 2 * SLACK_BYTES;
      if (needed > bytes.length) {
        memory.grow(Math.ceil((needed - bytes.length) / PAGE_BYTES));
        bytes = new Uint8Array(memory.buffer);
      }
      return run(uncompress, bytes, 0, body, length);
    },
  };
}

function webAssembly(): WebAssemblyApi {
  return (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
}

function instantiate(memory: KernelMemory): KernelExports['uncompress'] {
  const { Module, Instance } = webAssembly();
  kernelModule ??= new Module(Buffer.from(SNAPPY_KERNEL, 'base64'));
  return (new Instance(kernelModule, { env: { memory } }).exports as KernelExports).uncompress;
}

/** The body is put at `start`, what becomes of it behind. */
function run(
  uncompress: KernelExports['uncompress'],
  memory: Uint8Array,
  start: number,
  body: Uint8Array,
  length: number,
): Uint8Array {
  memory.set(body, start);
  const bodyEnd = start + body.length;
  const out = bodyEnd + SLACK_BYTES;
  const result = uncompress(start + snappyHeaderSize(body), bodyEnd, out, out + length);
  if (result !== 0) throw kernelError(result);
  return memory.subarray(out, out + length);
}

function kernelError(result: number): WireError {
  switch (result) {
    case 1:
      return malformed('snappy: truncated element');
    case 2:
      return malformed('snappy: literal runs past the input');
    case 3:
      return malformed('snappy: runs past the declared length');
    case 4:
      return malformed('snappy: copy from before the start');
    default:
      return malformed('snappy: ends before the declared length');
  }
}
