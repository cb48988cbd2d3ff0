import { Buffer } from 'node:buffer';
import { malformed } from './errors.ts';

/** Buffer's own slicer, which works on any Uint8Array; the type declarations do not have it. */
const latin1Slice = (
  Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string }
).latin1Slice;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** True if no byte of the range is above 0x7f. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let seen = 0;
  for (let i = start; i < end; i++) seen |= bytes[i]!;
  return seen < 0x80;
}

/** Bytes to characters one to one. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/**
 * Strict UTF-8 to a string.
 * @throws WireError malformed
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (isAscii(bytes, start, end)) return readLatin1(bytes, start, end);
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    throw malformed('invalid UTF-8');
  }
}
