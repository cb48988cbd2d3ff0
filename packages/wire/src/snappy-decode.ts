import { malformed, WireError } from './errors.ts';

/**
 * The declared length of an uncompressed snappy block.
 * @throws WireError malformed: no length header; too_large: the header is above `maxBytes`
 */
export function snappyUncompressedLength(body: Uint8Array, maxBytes: number): number {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < 5; i++) {
    const byte = body[i];
    if (byte === undefined) throw malformed('snappy: no length header');
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (length > 0xffffffff) break;
      if (length > maxBytes) {
        throw new WireError('too_large', `snappy: ${length} bytes uncompressed, the limit is ${maxBytes}`);
      }
      return length;
    }
    scale *= 128;
  }
  throw malformed('snappy: invalid length header');
}

/** Offset of the first element, after the length header. */
export function snappyHeaderSize(body: Uint8Array): number {
  let i = 0;
  while (body[i]! >= 0x80) i++;
  return i + 1;
}

/**
 * Plain TypeScript decoder of a snappy block: the fallback where WebAssembly is not to be had, and the test oracle.
 * @param length the declared length, as `snappyUncompressedLength` gives it
 * @throws WireError malformed
 */
export function snappyDecode(body: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  const inputEnd = body.length;
  let input = snappyHeaderSize(body);
  let at = 0;
  while (input < inputEnd) {
    const tag = body[input++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >>> 2) + 1;
      if (size > 60) {
        const extra = size - 60;
        if (input + extra > inputEnd) throw malformed('snappy: truncated literal length');
        size = littleEndian(body, input, extra) + 1;
        input += extra;
      }
      if (size > inputEnd - input) throw malformed('snappy: literal runs past the input');
      if (size > length - at) throw malformed('snappy: literal runs past the declared length');
      copyLiteral(body, input, out, at, size);
      input += size;
      at += size;
      continue;
    }
    const extra = kind === 3 ? 4 : kind;
    if (input + extra > inputEnd) throw malformed('snappy: truncated copy');
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset = kind === 1 ? ((tag >>> 5) << 8) | body[input]! : littleEndian(body, input, extra);
    input += extra;
    if (offset === 0 || offset > at) throw malformed('snappy: copy from before the start');
    if (size > length - at) throw malformed('snappy: copy runs past the declared length');
    copyWithin(out, at, offset, size);
    at += size;
  }
  if (at !== length) throw malformed(`snappy: ${at} bytes, the header declares ${length}`);
  return out;
}

function littleEndian(body: Uint8Array, at: number, size: number): number {
  let value = body[at]!;
  if (size > 1) value |= body[at + 1]! << 8;
  if (size > 2) value |= body[at + 2]! << 16;
  if (size > 3) value |= body[at + 3]! << 24;
  return value >>> 0;
}

function copyLiteral(body: Uint8Array, from: number, out: Uint8Array, at: number, size: number): void {
  if (size > 64) {
    out.set(body.subarray(from, from + size), at);
    return;
  }
  for (let i = 0; i < size; i++) out[at + i] = body[from + i]!;
}

function copyWithin(out: Uint8Array, at: number, offset: number, size: number): void {
  const from = at - offset;
  for (let i = 0; i < size; i++) out[at + i] = out[from + i]!;
}
