import { snappyCompressor } from 'hysnappy';
import { snappyDecode, snappyUncompressedLength } from './snappy-decode.ts';
import { createSnappyKernel, type KernelPlace, type SnappyKernel } from './snappy-wasm.ts';

/**
 * A decoder of snappy blocks (not of the framing format) that owns the memory of its result: what it returns is valid
 * until its next call. The length in the header is checked before anything is allocated, so that the memory grows to
 * `maxBytes` and about as much input at most, whatever a hostile body claims; it does not shrink.
 *
 * The decoder throws WireError: too_large for a declared length above `maxBytes`; malformed.
 * @param place memory that is used for all bodies that fit there
 */
export function createSnappyUncompressor(maxBytes: number, place?: KernelPlace): (body: Uint8Array) => Uint8Array {
  let kernel: SnappyKernel | undefined;
  try {
    kernel = createSnappyKernel(place);
  } catch {
    kernel = undefined;
  }
  return (body) => {
    const length = snappyUncompressedLength(body, maxBytes);
    // No encoder writes more than that; what does must not grow the WebAssembly memory.
    if (kernel === undefined || body.length > maxCompressedLength(length)) return snappyDecode(body, length);
    return kernel.uncompress(body, length);
  };
}

let uncompress: ((body: Uint8Array) => Uint8Array) | undefined;
let compress: ((bytes: Uint8Array) => Uint8Array) | undefined;

/**
 * Uncompresses a snappy block into an array of its own.
 * @param maxBytes the largest uncompressed length that is taken
 * @throws WireError too_large | malformed
 */
export function snappyUncompress(body: Uint8Array, maxBytes: number): Uint8Array {
  snappyUncompressedLength(body, maxBytes);
  uncompress ??= createSnappyUncompressor(Number.MAX_SAFE_INTEGER);
  return uncompress(body).slice();
}

/** Compresses to a snappy block. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  compress ??= snappyCompressor();
  return compress(bytes);
}

function maxCompressedLength(length: number): number {
  return 32 + length + Math.floor(length / 6);
}
