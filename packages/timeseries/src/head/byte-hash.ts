/**
 * 32 bits over the bytes, read as little-endian words; the last word overlaps where the length is no multiple of 4.
 * wasm/bytes.as has the same.
 */
export function hashBytes(view: DataView, start: number, end: number, seed: number): number {
  const length = end - start;
  let a = (seed ^ Math.imul(length, 0x9e3779b1)) | 0;
  let b = (seed + 0x7f4a7c15) | 0;
  if (length >= 4) {
    const last = end - 4;
    for (let at = start; at < last; at += 4) {
      const word = view.getInt32(at, true);
      a = Math.imul(a ^ word, 0x85ebca6b);
      b = Math.imul(((b << 13) | (b >>> 19)) + word, 0xc2b2ae35);
      a ^= b >>> 15;
    }
    const word = view.getInt32(last, true);
    a = Math.imul(a ^ word, 0x85ebca6b);
    b = Math.imul(((b << 13) | (b >>> 19)) + word, 0xc2b2ae35);
  } else {
    for (let at = start; at < end; at++) a = Math.imul(a ^ view.getUint8(at), 0x85ebca6b);
  }
  a ^= b;
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (a ^ (a >>> 16)) >>> 0;
}
