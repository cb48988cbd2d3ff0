import { endianness } from 'node:os';

const isNative = endianness() === 'LE';

/** The words one behind the other, the lowest byte of each first: a view where the processor keeps them so. */
export function littleEndian(words: Uint32Array): Uint8Array {
  const native = isNative ? words : words.slice();
  const bytes = Buffer.from(native.buffer, native.byteOffset, native.byteLength);
  return isNative ? bytes : bytes.swap32();
}
