/** Capacity to grow a column to, so that `needed` elements fit. */
export function grownCapacity(current: number, needed: number): number {
  return Math.max(needed, current + (current >>> 1), 64);
}

/** A copy of `column` with room for `capacity` elements. */
export function grownU32(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(capacity);
  grown.set(column);
  return grown;
}

/** A copy of `column` with room for `capacity` elements. */
export function grownU16(column: Uint16Array, capacity: number): Uint16Array<ArrayBuffer> {
  const grown = new Uint16Array(capacity);
  grown.set(column);
  return grown;
}

/** A copy of `column` with room for `capacity` elements. */
export function grownU8(column: Uint8Array, capacity: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(capacity);
  grown.set(column);
  return grown;
}

/** A copy of `column` with room for `capacity` elements. */
export function grownF64(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(capacity);
  grown.set(column);
  return grown;
}
