import { Buffer } from 'node:buffer';

/** Larger ones are left to the garbage collector. */
const LARGEST_BYTES = 4 * 1024 * 1024;
const SMALLEST_BYTES = 64 * 1024;
const MOST_FREE = 16;

/**
 * Buffers for bodies, used again and again. A buffer that is made for each request costs no time to speak of, but its
 * bytes count against the garbage collector's limit for memory outside its heap: it then marks the whole heap every few
 * hundred requests.
 */
export class BodyBuffers {
  readonly #free: Buffer[] = [];

  /** A buffer of `sizeBytes` at least, with undefined content. */
  take(sizeBytes: number): Buffer {
    const last = this.#free.length - 1;
    for (let i = last; i >= 0; i--) {
      const buffer = this.#free[i]!;
      if (buffer.length < sizeBytes) continue;
      this.#free[i] = this.#free[last]!;
      this.#free.length = last;
      return buffer;
    }
    let capacity = SMALLEST_BYTES;
    while (capacity < sizeBytes) capacity *= 2;
    return Buffer.allocUnsafeSlow(capacity);
  }

  give(buffer: Buffer): void {
    if (buffer.length <= LARGEST_BYTES && this.#free.length < MOST_FREE) this.#free.push(buffer);
  }

  /** A larger buffer with the first `usedBytes` of this one, which is given back. */
  grow(buffer: Buffer, usedBytes: number, sizeBytes: number): Buffer {
    const larger = this.take(Math.max(sizeBytes, 2 * buffer.length));
    buffer.copy(larger, 0, 0, usedBytes);
    this.give(buffer);
    return larger;
  }
}
