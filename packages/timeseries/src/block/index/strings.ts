import type { ByteReader } from '../codec/byte-reader.ts';
import type { ByteWriter } from '../codec/byte-writer.ts';

const encoder = new TextEncoder();

/** Writes a string as its length in bytes and its UTF-8. */
export function writeString(out: ByteWriter, text: string): void {
  const bytes = encoder.encode(text);
  out.varint(bytes.length);
  out.append(bytes);
}

/** @throws PageFormatError */
export function readString(input: ByteReader): string {
  const length = input.varint();
  const start = input.skip(length, 'a string');
  return utf8(input.bytes, start, start + length);
}

/** The string whose UTF-8 is the range of bytes. */
export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}
