import { PageFormatError } from './errors.ts';

/** Bytes that must follow everything that is read: kernels load eight bytes at a time. */
export const READ_SLACK_BYTES = 8;

/** A checked place in a page: reads move `at` and never pass `end`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.end = bytes.length;
  }

  /** From now on reads the bytes from `at` up to `end`. */
  enter(at: number, end: number): void {
    this.at = at;
    this.end = end;
  }

  fail(reason: string): never {
    throw new PageFormatError(this.at, reason);
  }

  /** Moves over `count` bytes and returns where they start. */
  skip(count: number, what: string): number {
    const at = this.at;
    if (count > this.end - at) this.fail(`${what} of ${count} bytes where ${this.end - at} are left`);
    this.at = at + count;
    return at;
  }

  byte(): number {
    if (this.at >= this.end) this.fail('a byte is missing');
    return this.bytes[this.at++]!;
  }

  /** An integer from 0 to 2^54. */
  varint(): number {
    const first = this.byte();
    return first < 0x80 ? first : this.#rest(first & 0x7f, 0x80);
  }

  /** A {@link varint} that counts something of which there cannot be more than `most`. */
  count(most: number, what: string): number {
    const at = this.at;
    const count = this.varint();
    if (count > most) throw new PageFormatError(at, `${what}: ${count} where at most ${most} are possible`);
    return count;
  }

  signedVarint(): number {
    const first = this.byte();
    const low = first & 0x3f;
    const magnitude = first < 0x80 ? low : this.#rest(low, 0x40);
    return (first & 0x40) === 0 ? magnitude : -magnitude;
  }

  #rest(value: number, scale: number): number {
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > 2 ** 54) this.fail('a number above 2^54');
      if (byte < 0x80) return value;
      if (scale > 2 ** 54) this.fail('a number of too many bytes');
      scale *= 0x80;
    }
  }
}
