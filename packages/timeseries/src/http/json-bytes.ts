/** Text is put together up to about this length before it becomes bytes: one conversion for many small parts. */
const MAX_TEXT = 16 * 1024;
const FIRST_CAPACITY = 64 * 1024;
/** A larger buffer is not kept for the next answer. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** The buffer of the answer written last, unless somebody writes to it. */
let kept: Buffer | undefined;

/** An answer that grows: UTF-8 bytes in one buffer that is handed on when it is full enough. */
export class JsonBytes {
  #bytes: Buffer;
  #length = 0;
  #text = '';

  constructor(capacity = FIRST_CAPACITY) {
    this.#bytes = kept ?? Buffer.allocUnsafe(capacity);
    kept = undefined;
  }

  /** About how many bytes were written and not yet taken. */
  get length(): number {
    return this.#length + this.#text.length;
  }

  text(text: string): void {
    this.#text += text;
    if (this.#text.length >= MAX_TEXT) this.#encode();
  }

  /** Takes over `[start, end)` of other bytes. */
  copy(source: Buffer, start: number, end: number): void {
    this.#encode();
    this.#reserve(end - start);
    source.copy(this.#bytes, this.#length, start, end);
    this.#length += end - start;
  }

  /** What was written since the last call; the bytes are the caller's. */
  take(): Buffer {
    this.#encode();
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#length = 0;
    return taken;
  }

  /** As `take`, for the last time. */
  finish(): Buffer {
    this.#encode();
    const written = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > MAX_KEPT_BYTES) return written;
    kept = this.#bytes;
    return Buffer.from(written);
  }

  #encode(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
