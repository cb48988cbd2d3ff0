/** Unsigned LEB128 integers up to 2^53 - 1, as journal entries and segment pages use them. */

const highBit = 0x80;
const low28Bits = 0x1000_0000;

/** Number of bytes that {@link writeVarint} takes for `value`. */
export function varintLength(value: number): number {
  let length = 1;
  while (value >= highBit) {
    value = value < low28Bits ? value >>> 7 : Math.floor(value / highBit);
    length++;
  }
  return length;
}

/** Writes `value` at `offset`; returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  while (value >= highBit) {
    target[offset++] = (value & 0x7f) | highBit;
    value = value < low28Bits ? value >>> 7 : Math.floor(value / highBit);
  }
  target[offset++] = value;
  return offset;
}

/**
 * Reads varints one after the other. A cursor is reused for many buffers, so that reading allocates nothing.
 * Reading past `end`, or a value past 2^53 - 1, sets `failed` and yields 0; check it once after a group of reads.
 */
export class VarintCursor {
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  end = 0;
  failed = false;

  /** Starts at `offset` of `bytes`, not reading at or past `end`. */
  reset(bytes: Uint8Array, offset: number, end: number): void {
    this.bytes = bytes;
    this.offset = offset;
    this.end = Math.min(end, bytes.length);
    this.failed = false;
  }

  next(): number {
    if (this.offset >= this.end) return this.fail();
    const first = this.bytes[this.offset++]!;
    return first < highBit ? first : this.rest(first - highBit);
  }

  /** Steps over `length` bytes; returns the offset where they start. */
  skip(length: number): number {
    const start = this.offset;
    if (length > this.end - start) {
      this.fail();
      return start;
    }
    this.offset = start + length;
    return start;
  }

  private rest(value: number): number {
    let scale = highBit;
    for (let count = 1; count < 8; count++) {
      if (this.offset >= this.end) return this.fail();
      const byte = this.bytes[this.offset++]!;
      value += (byte & 0x7f) * scale;
      if (byte < highBit) return value <= Number.MAX_SAFE_INTEGER ? value : this.fail();
      scale *= highBit;
    }
    return this.fail();
  }

  private fail(): number {
    this.failed = true;
    return 0;
  }
}
