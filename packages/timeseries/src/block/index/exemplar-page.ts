import type { Exemplar } from '../../head/exemplars.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { INDEX_PAGE_BYTES, INDEX_PAGE_VERSION } from './block-format.ts';
import { openIndexPage } from './packed-page.ts';
import { readString, writeString } from './strings.ts';

/**
 *     page := version u8, { series - series before varint, time signed varint, value f64, strings varint, { string } }
 *
 * Exemplars of series, ascending; the strings are names and values of labels.
 */
export class ExemplarPageWriter {
  readonly #pages: Uint8Array[] = [];
  readonly #out = new ByteWriter(64);
  #seriesBefore = 0;

  add(series: number, { timestampMs, value, labels }: Exemplar): void {
    const out = this.#out;
    if (out.length >= INDEX_PAGE_BYTES) this.#finishPage();
    if (out.length === 0) out.byte(INDEX_PAGE_VERSION);
    out.varint(series - this.#seriesBefore);
    this.#seriesBefore = series;
    out.signedVarint(timestampMs);
    out.reserve(8);
    out.view.setFloat64(out.length, value, true);
    out.length += 8;
    out.varint(labels.length);
    for (const text of labels) writeString(out, text);
  }

  async write(writePage: (page: Uint8Array) => Promise<number>): Promise<number[]> {
    if (this.#out.length > 0) this.#finishPage();
    const pages: number[] = [];
    for (const page of this.#pages) pages.push(await writePage(page));
    return pages;
  }

  #finishPage(): void {
    this.#pages.push(this.#out.bytes.slice(0, this.#out.length));
    this.#out.length = 0;
    this.#seriesBefore = 0;
  }
}

export interface StoredExemplar {
  readonly series: number;
  readonly exemplar: Exemplar;
}

/** @throws PageFormatError */
export function readExemplarPage(page: Uint8Array): StoredExemplar[] {
  const input = openIndexPage(page);
  const found: StoredExemplar[] = [];
  let series = 0;
  while (input.at < input.end) {
    series += input.varint();
    const timestampMs = input.signedVarint();
    const value = input.view.getFloat64(input.skip(8, 'a value'), true);
    const labels = Array.from({ length: input.count(input.end, 'strings') }, () => readString(input));
    found.push({ series, exemplar: { labels, value, timestampMs } });
  }
  return found;
}
