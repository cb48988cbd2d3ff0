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

/** Bytes after the declared length that an output must have: copies go four bytes at a time. */
export const SNAPPY_SLACK_BYTES = 4;

/**
 * Plain TypeScript decoder: the fallback where there is no WebAssembly, and a twin of the kernel for the tests.
 * Uncompresses a block whose declared length is `length`.
 * @throws WireError malformed
 */
export function snappyDecode(body: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length + SNAPPY_SLACK_BYTES);
  snappyDecodeInto(body, out, new DataView(out.buffer), length);
  return out.subarray(0, length);
}

/**
 * Uncompresses a block into the first `length` bytes of `out`, which is SNAPPY_SLACK_BYTES longer at least. No byte
 * beyond the slack is touched, whatever the body.
 * @param view over `out`
 * @throws WireError malformed
 */
export function snappyDecodeInto(body: Uint8Array, out: Uint8Array, view: DataView, length: number): void {
  const input = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const bodyEnd = body.length;
  let from = snappyHeaderSize(body);
  let at = 0;
  while (from < bodyEnd) {
    const tag = body[from++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >>> 2) + 1;
      if (size > 60) {
        const extra = size - 60;
        if (from + extra > bodyEnd) throw malformed('snappy: truncated literal length');
        size = littleEndian(body, from, extra) + 1;
        from += extra;
      }
      if (size > bodyEnd - from) throw malformed('snappy: literal runs past the input');
      if (size > length - at) throw malformed('snappy: literal runs past the declared length');
      if (size <= 64 && from + size + SNAPPY_SLACK_BYTES <= bodyEnd) copyWords(input, from, view, at, size);
      else out.set(body.subarray(from, from + size), at);
      from += size;
      at += size;
      continue;
    }
    const extra = kind === 3 ? 4 : kind;
    if (from + extra > bodyEnd) throw malformed('snappy: truncated copy');
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    let offset = body[from]!;
    if (kind === 1) offset |= (tag >>> 5) << 8;
    else if (kind === 2) offset |= body[from + 1]! << 8;
    else offset = littleEndian(body, from, 4);
    from += extra;
    if (offset === 0 || offset > at) throw malformed('snappy: copy from before the start');
    if (size > length - at) throw malformed('snappy: copy runs past the declared length');
    if (offset >= 4) copyWords(view, at - offset, view, at, size);
    else copyBytes(out, at, offset, size);
    at += size;
  }
  if (at !== length) throw malformed(`snappy: ${at} bytes, the header declares ${length}`);
}

function littleEndian(body: Uint8Array, at: number, size: number): number {
  let value = body[at]!;
  if (size > 1) value |= body[at + 1]! << 8;
  if (size > 2) value |= body[at + 2]! << 16;
  if (size > 3) value |= body[at + 3]! << 24;
  return value >>> 0;
}

/** Copies `size` bytes and up to three more. */
function copyWords(source: DataView, from: number, out: DataView, at: number, size: number): void {
  for (let i = 0; i < size; i += 4) out.setInt32(at + i, source.getInt32(from + i, true), true);
}

/** A copy that overlaps itself so closely that it repeats one to three bytes. */
function copyBytes(out: Uint8Array, at: number, offset: number, size: number): void {
  const from = at - offset;
  for (let i = 0; i < size; i++) out[at + i] = out[from + i]!;
}
