/** Typed arrays that grow by doubling. Each returns the array itself where it is long enough already. */

export function growUint32(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const grown = new Uint32Array(grownLength(array.length, length));
  grown.set(array);
  return grown;
}

export function growInt32(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const grown = new Int32Array(grownLength(array.length, length));
  grown.set(array);
  return grown;
}

export function growFloat64(array: Float64Array, length: number): Float64Array {
  if (length <= array.length) return array;
  const grown = new Float64Array(grownLength(array.length, length));
  grown.set(array);
  return grown;
}

export function growUint8(array: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const grown = new Uint8Array(grownLength(array.length, length));
  grown.set(array);
  return grown;
}

function grownLength(from: number, atLeast: number): number {
  let length = Math.max(from, 16);
  while (length < atLeast) length *= 2;
  return length;
}
