import { growUint32 } from '../../head/growable.ts';
import type { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { INDEX_PAGE_VERSION } from './block-format.ts';
import { openIndexPage } from './packed-page.ts';

/**
 *     page     := version u8, { pair - pair before varint, bytes varint, postings }
 *     postings := { 2 * distance + is run varint, [length varint] }
 *
 * The series of label pairs, ascending: each as the distance to the end of what came before, alone or as the first of a
 * run of consecutive ones. A long list goes on in the next page, which then begins with the same pair.
 */
export class PostingsPageWriter {
  readonly #out = new ByteWriter(4096);
  readonly #content = new ByteWriter(4096);
  #pairBefore = 0;

  constructor() {
    this.#out.byte(INDEX_PAGE_VERSION);
  }

  get sizeBytes(): number {
    return this.#out.length;
  }

  get isEmpty(): boolean {
    return this.#out.length === 1;
  }

  /** Adds `ids[from…]` for a pair, until the page would be over `limitBytes`; returns where it stopped. */
  add(pair: number, ids: Uint32Array, from: number, limitBytes: number): number {
    const content = this.#content;
    content.length = 0;
    let behind = 0;
    let at = from;
    while (at < ids.length && this.#out.length + content.length < limitBytes) {
      const first = ids[at]!;
      let end = at + 1;
      while (end < ids.length && ids[end] === first + end - at) end++;
      const length = end - at;
      content.varint(2 * (first - behind) + (length > 1 ? 1 : 0));
      if (length > 1) content.varint(length);
      behind = first + length;
      at = end;
    }
    this.#out.varint(pair - this.#pairBefore);
    this.#out.varint(content.length);
    this.#out.append(content.bytes.subarray(0, content.length));
    this.#pairBefore = pair;
    return at;
  }

  /** The page as bytes of its own; the writer begins another. */
  finish(): Uint8Array {
    const page = this.#out.bytes.slice(0, this.#out.length);
    this.#out.length = 1;
    this.#pairBefore = 0;
    return page;
  }
}

/** Where the postings of the pairs of a page are. */
export interface PostingsPage {
  readonly input: ByteReader;
  readonly count: number;
  readonly pairs: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** @throws PageFormatError */
export function readPostingsPage(page: Uint8Array): PostingsPage {
  const input = openIndexPage(page);
  let pairs = new Uint32Array(256);
  let starts = new Uint32Array(256);
  let ends = new Uint32Array(256);
  let count = 0;
  let pair = 0;
  while (input.at < input.end) {
    pair += input.varint();
    const length = input.varint();
    pairs = growUint32(pairs, count + 1);
    starts = growUint32(starts, count + 1);
    ends = growUint32(ends, count + 1);
    pairs[count] = pair;
    starts[count] = input.skip(length, 'postings');
    ends[count++] = input.at;
  }
  return { input, count, pairs, starts, ends };
}

/** Series numbers that are put together from several pages. */
export interface SeriesIds {
  ids: Uint32Array<ArrayBuffer>;
  count: number;
}

/** Appends the page's postings of a pair to `out`. @throws PageFormatError where they are not below `seriesCount` */
export function appendPostings(page: PostingsPage, pair: number, seriesCount: number, out: SeriesIds): void {
  const { input, pairs, count } = page;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pairs[middle]! < pair) low = middle + 1;
    else high = middle;
  }
  if (low === count || pairs[low] !== pair) return;
  input.enter(page.starts[low]!, page.ends[low]!);
  let next = 0;
  while (input.at < input.end) {
    const head = input.varint();
    next += Math.floor(head / 2);
    const length = (head & 1) === 1 ? input.varint() : 1;
    if (next + length > seriesCount) input.fail(`postings up to series ${next + length} of ${seriesCount}`);
    out.ids = growUint32(out.ids, out.count + length);
    for (let i = 0; i < length; i++) out.ids[out.count++] = next++;
  }
}
