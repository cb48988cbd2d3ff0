import type { Buffer } from 'node:buffer';
import { readLatin1 } from './utf8.ts';

const PAD = 0x3d;

/**
 * Decodes base64 (standard or URL-safe alphabet, padded or not, as ProtoJSON has it) from a byte range into `out`.
 * @returns bytes written, or -1 if the range is not base64
 */
export function decodeBase64(bytes: Uint8Array, start: number, end: number, out: Buffer, at: number): number {
  let textEnd = end;
  if ((end - start) % 4 === 0) {
    if (textEnd > start && bytes[textEnd - 1] === PAD) textEnd--;
    if (textEnd > start && bytes[textEnd - 1] === PAD) textEnd--;
  }
  const length = textEnd - start;
  if (length % 4 === 1) return -1;
  const size = Math.floor((length * 3) / 4);
  if (size === 0) return length === 0 ? 0 : -1;
  // Node skips characters that are not of the alphabet, so that fewer bytes come out where there is one.
  const written = out.write(readLatin1(bytes, start, textEnd), at, size, 'base64');
  return written === size ? size : -1;
}

/** Length of the padded base64 of `size` bytes. */
export function base64Length(size: number): number {
  return Math.ceil(size / 3) * 4;
}

/** Two characters for every 12 bits, in the byte order of this machine's Uint16Array. */
const pairs = new Uint8Array(4096 * 2);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let i = 0; i < 4096; i++) {
  pairs[2 * i] = alphabet.charCodeAt(i >>> 6);
  pairs[2 * i + 1] = alphabet.charCodeAt(i & 63);
}

/** Writes the padded base64 of a byte range at `at`; returns the offset after it. There must be room. */
export function putBase64(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  const wholeEnd = end - ((end - start) % 3);
  let i = start;
  for (; i < wholeEnd; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    const first = (bits >>> 12) * 2;
    const second = (bits & 4095) * 2;
    out[at] = pairs[first]!;
    out[at + 1] = pairs[first + 1]!;
    out[at + 2] = pairs[second]!;
    out[at + 3] = pairs[second + 1]!;
    at += 4;
  }
  if (i === end) return at;
  const isPair = end - i === 2;
  const bits = (bytes[i]! << 16) | (isPair ? bytes[i + 1]! << 8 : 0);
  out[at] = pairs[(bits >>> 12) * 2]!;
  out[at + 1] = pairs[(bits >>> 12) * 2 + 1]!;
  out[at + 2] = isPair ? pairs[(bits & 4095) * 2]! : PAD;
  out[at + 3] = PAD;
  return at + 4;
}
