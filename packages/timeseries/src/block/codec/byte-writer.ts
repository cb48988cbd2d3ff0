/**
 * Growable bytes, written front to back. Numbers are little-endian. `view` and `bytes` show the same memory and are
 * replaced when it grows: take them anew after `reserve`.
 */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  length = 0;

  constructor(capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes behind `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Seven bits a byte, low ones first: an integer from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(8);
    const bytes = this.bytes;
    let at = this.length;
    while (value >= 0x80) {
      const rest = Math.floor(value / 0x80);
      bytes[at++] = (value - rest * 0x80) | 0x80;
      value = rest;
    }
    bytes[at++] = value;
    this.length = at;
  }

  /** Sign and six bits in the first byte, then as {@link varint}: an integer from -2^53 to 2^53. */
  signedVarint(value: number): void {
    const sign = value < 0 ? 0x40 : 0;
    const magnitude = Math.abs(value);
    const rest = Math.floor(magnitude / 0x40);
    const low = magnitude - rest * 0x40;
    if (rest === 0) {
      this.byte(sign | low);
    } else {
      this.byte(0x80 | sign | low);
      this.varint(rest);
    }
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

/** Bytes that {@link ByteWriter.varint} takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes++;
  return bytes;
}

/** Bytes that {@link ByteWriter.signedVarint} takes. */
export function signedVarintBytes(value: number): number {
  const magnitude = value < 0 ? -value : value;
  if (magnitude < 2 ** 20) return magnitude < 2 ** 6 ? 1 : magnitude < 2 ** 13 ? 2 : 3;
  return magnitude < 2 ** 34 ? (magnitude < 2 ** 27 ? 4 : 5) : magnitude < 2 ** 41 ? 6 : magnitude < 2 ** 48 ? 7 : 8;
}
