import { snappyCompressor, snappyUncompressor } from 'hysnappy';
import { isWireError, malformed } from './errors.ts';
import { snappyDecode, snappyUncompressedLength } from './snappy-decode.ts';

type Uncompress = (input: Uint8Array, outputLength: number) => Uint8Array;
type Compress = (input: Uint8Array) => Uint8Array;

let uncompress: Uncompress | undefined;
let compress: Compress | undefined;

/**
 * Uncompresses a snappy block (not the framing format). The length in the header is checked before anything is
 * allocated, so neither the result nor the WebAssembly memory behind it grows with what a hostile body claims.
 * @param maxBytes the largest uncompressed length that is taken
 * @throws WireError too_large | malformed
 */
export function snappyUncompress(body: Uint8Array, maxBytes: number): Uint8Array {
  const length = snappyUncompressedLength(body, maxBytes);
  // No encoder writes more than this; what does must not grow the WebAssembly memory, which never shrinks.
  if (body.length > maxCompressedLength(length)) return snappyDecode(body, length);
  try {
    uncompress ??= snappyUncompressor();
  } catch {
    uncompress = snappyDecode;
  }
  try {
    return uncompress(body, length);
  } catch (error) {
    if (isWireError(error)) throw error;
    throw malformed(`snappy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Compresses to a snappy block. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  compress ??= snappyCompressor();
  return compress(bytes);
}

function maxCompressedLength(length: number): number {
  return 32 + length + Math.floor(length / 6);
}
