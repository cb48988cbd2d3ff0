import type { KernelPlace } from '@opendata/wire';

/** Shorter runs of bytes are copied one by one. */
const MAX_COPIED_BYTES = 32;

/** One label run that turns into the next, of which it has the beginning and the end. */
export class LabelRoom {
  /** Bytes of the label run. */
  length = 0;
  readonly #place: KernelPlace | undefined;
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);

  /** @param place memory for label runs that fit there */
  constructor(place?: KernelPlace) {
    this.#place = place;
    if (place !== undefined) this.#attach(place);
  }

  /** The label run begins where this does. */
  get view(): DataView {
    return this.#view;
  }

  /** Keeps `prefix` bytes of the beginning and `suffix` of the end, and puts `count` bytes of `source` in between. */
  replace(prefix: number, suffix: number, source: Uint8Array, at: number, count: number): void {
    const length = prefix + count + suffix;
    const place = this.#place;
    // The memory may have moved.
    if (this.#bytes.byteLength === 0 && place !== undefined) this.#attach(place);
    if (length > this.#bytes.length) this.#grow(length);
    const bytes = this.#bytes;
    const from = this.length - suffix;
    if (suffix > 0 && from !== prefix + count) bytes.copyWithin(prefix + count, from, this.length);
    if (count > MAX_COPIED_BYTES) bytes.set(source.subarray(at, at + count), prefix);
    else for (let i = 0; i < count; i++) bytes[prefix + i] = source[at + i]!;
    this.length = length;
  }

  #attach({ memory, startBytes, endBytes }: KernelPlace): void {
    this.#bytes = new Uint8Array(memory.buffer, startBytes, endBytes - startBytes);
    this.#view = new DataView(memory.buffer, startBytes, endBytes - startBytes);
  }

  #grow(length: number): void {
    const grown = new Uint8Array(length * 2);
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
