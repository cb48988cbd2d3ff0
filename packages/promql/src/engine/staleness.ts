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

/** Whether the value at an index is the staleness marker, by its bits. */
export function isStaleMarker(column: Float64Array, index: number): boolean {
  const value = column[index]!;
  if (!Number.isNaN(value)) return false;
  const words = new Uint32Array(column.buffer, column.byteOffset + index * 8, 2);
  return words[HIGH] === NAN_HIGH_WORD && words[1 - HIGH] === NAN_LOW_WORD;
}
