const NAN_HIGH_WORD = 0x7ff00000;
const NAN_LOW_WORD = 0x00000002;

const probe = new Float64Array(1);
const probeWords = new Uint32Array(probe.buffer);
probe[0] = 1;
const HIGH = probeWords[1] === 0 ? 0 : 1;

/** Writes Prometheus' staleness marker, a NaN with a payload of its own. */
export function writeStaleMarker(column: Float64Array, index: number): void {
  const words = new Uint32Array(column.buffer, column.byteOffset, column.length * 2);
  words[index * 2 + HIGH] = NAN_HIGH_WORD;
  words[index * 2 + 1 - HIGH] = NAN_LOW_WORD;
}

let viewed: ArrayBufferLike | undefined;
let words: Uint32Array = new Uint32Array(0);

/** Whether the value at an index is the staleness marker, by its bits. */
export function isStaleMarker(column: Float64Array, index: number): boolean {
  if (!Number.isNaN(column[index]!)) return false;
  const { buffer } = column;
  // Columns are cut from larger buffers, and markers come in a row.
  if (buffer !== viewed) {
    viewed = buffer;
    words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
  }
  const at = column.byteOffset / 4 + index * 2;
  return words[at + HIGH] === NAN_HIGH_WORD && words[at + 1 - HIGH] === NAN_LOW_WORD;
}

/** Index of the first staleness marker from `from` on; -1 where there is none. */
export function nextStaleMarker(column: Float64Array, from: number): number {
  for (let i = from; i < column.length; i++) {
    const value = column[i]!;
    // Not 0 for infinities and NaN: cheaper than a call where this has not been compiled yet.
    if (value - value !== 0 && isStaleMarker(column, i)) return i;
  }
  return -1;
}
