import { ByteWriter } from '../codec/byte-writer.ts';
import { INDEX_PAGE_VERSION } from './block-format.ts';
import { openIndexPage } from './packed-page.ts';
import { utf8 } from './strings.ts';

/**
 *     page := version u8, { shared varint, rest varint, bytes }
 *
 * The values of consecutive label pairs; each begins with so many bytes of the one before. The descriptor says which
 * pairs have which name.
 */
export class DictionaryPageWriter {
  readonly #out = new ByteWriter(4096);
  #before: Uint8Array = new Uint8Array(0);
  readonly #encoder = new TextEncoder();

  constructor() {
    this.#out.byte(INDEX_PAGE_VERSION);
  }

  get sizeBytes(): number {
    return this.#out.length;
  }

  add(value: string): void {
    const bytes = this.#encoder.encode(value);
    const most = Math.min(bytes.length, this.#before.length);
    let shared = 0;
    while (shared < most && bytes[shared] === this.#before[shared]) shared++;
    this.#out.varint(shared);
    this.#out.varint(bytes.length - shared);
    this.#out.append(bytes.subarray(shared));
    this.#before = bytes;
  }

  /** The page as bytes of its own; the writer begins another. */
  finish(): Uint8Array {
    const page = this.#out.bytes.slice(0, this.#out.length);
    this.#out.length = 1;
    this.#before = new Uint8Array(0);
    return page;
  }
}

/** @throws PageFormatError */
export function readDictionaryPage(page: Uint8Array): readonly string[] {
  const input = openIndexPage(page);
  const values: string[] = [];
  let bytes = new Uint8Array(256);
  let length = 0;
  while (input.at < input.end) {
    const shared = input.count(length, 'shared bytes of a value');
    const rest = input.varint();
    const start = input.skip(rest, 'a value');
    length = shared + rest;
    if (length > bytes.length) {
      const grown = new Uint8Array(length * 2);
      grown.set(bytes.subarray(0, shared));
      bytes = grown;
    }
    bytes.set(input.bytes.subarray(start, start + rest), shared);
    values.push(utf8(bytes, 0, length));
  }
  return values;
}
