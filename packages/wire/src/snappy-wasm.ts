import { Buffer } from 'node:buffer';
import { malformed, type WireError } from './errors.ts';
import { snappyHeaderSize } from './snappy-decode.ts';
import { SNAPPY_KERNEL } from './snappy-kernel.ts';

const PAGE_BYTES = 65536;
/** what the kernel may read past the input and write past the output */
const SLACK_BYTES = 16;

/** An instance of the WebAssembly decoder with its memory, which grows to what it has been asked for and stays so. */
export interface SnappyKernel {
  /**
   * Uncompresses a block whose declared length is `length` into the kernel's memory.
   * @returns a view of that memory: valid until the next call
   * @throws WireError malformed
   */
  uncompress(body: Uint8Array, length: number): Uint8Array;
}

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  uncompress(from: number, end: number, out: number, outEnd: number): number;
}

/** The part of WebAssembly's API that is used; Node's type declarations have none of it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let kernelModule: object | undefined;

/** @throws Error where there is no WebAssembly */
export function createSnappyKernel(): SnappyKernel {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  kernelModule ??= new Module(Buffer.from(SNAPPY_KERNEL, 'base64'));
  const { memory, uncompress } = new Instance(kernelModule).exports as KernelExports;
  let bytes = new Uint8Array(memory.buffer);
  return {
    uncompress(body, length) {
      const inputEnd = body.length;
      const out = inputEnd + SLACK_BYTES;
      const needed = out + length + SLACK_BYTES;
      if (needed > bytes.length) {
        memory.grow(Math.ceil((needed - bytes.length) / PAGE_BYTES));
        bytes = new Uint8Array(memory.buffer);
      }
      bytes.set(body, 0);
      const result = uncompress(snappyHeaderSize(body), inputEnd, out, out + length);
      if (result !== 0) throw kernelError(result);
      return bytes.subarray(out, out + length);
    },
  };
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
