import { growFloat64, growUint32 } from '../../head/growable.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { INDEX_PAGE_VERSION } from './block-format.ts';
import { openIndexPage } from './packed-page.ts';

/**
 *     page   := version u8, { series }
 *     series := 2 * shared + has times varint, pairs varint, { pair signed varint },
 *               [oldest signed varint, newest - oldest varint]
 *
 * Consecutive series of a block as numbers of label pairs. A series begins with so many pairs of the one before, then
 * come `pairs` more, each as the distance to the pair at that place before it, or to 0. The times of its oldest and newest
 * sample are those of the series before, or the distance to the oldest of it and the span, in ms.
 */
export class SeriesPageWriter {
  readonly #out = new ByteWriter(4096);
  #before = new Uint32Array(16);
  #beforeLength = 0;
  #minMs = 0;
  #maxMs = 0;

  constructor() {
    this.#out.byte(INDEX_PAGE_VERSION);
  }

  get sizeBytes(): number {
    return this.#out.length;
  }

  add(pairs: Uint32Array, count: number, minMs: number, maxMs: number): void {
    const out = this.#out;
    const before = this.#before;
    const most = Math.min(count, this.#beforeLength);
    let shared = 0;
    while (shared < most && pairs[shared] === before[shared]) shared++;
    const hasTimes = minMs !== this.#minMs || maxMs !== this.#maxMs;
    out.varint(2 * shared + (hasTimes ? 1 : 0));
    out.varint(count - shared);
    for (let i = shared; i < count; i++) out.signedVarint(pairs[i]! - (i < this.#beforeLength ? before[i]! : 0));
    if (hasTimes) {
      out.signedVarint(minMs - this.#minMs);
      out.varint(maxMs - minMs);
    }
    this.#before = growUint32(this.#before, count);
    this.#before.set(pairs.subarray(0, count));
    this.#beforeLength = count;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** The page as bytes of its own; the writer begins another. */
  finish(): Uint8Array {
    const page = this.#out.bytes.slice(0, this.#out.length);
    this.#out.length = 1;
    this.#beforeLength = 0;
    this.#minMs = 0;
    this.#maxMs = 0;
    return page;
  }
}

/** Consecutive series of a block. */
export interface SeriesPage {
  readonly count: number;
  /** The pairs of series `i` are those from `starts[i]` to `starts[i + 1]`, in the order of the block. */
  readonly pairs: Uint32Array;
  readonly starts: Uint32Array;
  readonly minMs: Float64Array;
  readonly maxMs: Float64Array;
}

/** @throws PageFormatError */
export function readSeriesPage(page: Uint8Array): SeriesPage {
  const input = openIndexPage(page);
  let pairs = new Uint32Array(input.end);
  let starts = new Uint32Array(1024);
  let minMs = new Float64Array(1024);
  let maxMs = new Float64Array(1024);
  let count = 0;
  let before = 0;
  let at = 0;
  while (input.at < input.end) {
    const head = input.varint();
    const shared = Math.floor(head / 2);
    const beforeLength = at - before;
    if (shared > beforeLength) input.fail('pairs shared with the series before');
    const rest = input.count(input.end - input.at, 'pairs of a series');
    pairs = growUint32(pairs, at + shared + rest);
    pairs.copyWithin(at, before, before + shared);
    for (let i = shared; i < shared + rest; i++) {
      pairs[at + i] = input.signedVarint() + (i < beforeLength ? pairs[before + i]! : 0);
    }
    starts = growUint32(starts, count + 2);
    minMs = growFloat64(minMs, count + 1) as Float64Array<ArrayBuffer>;
    maxMs = growFloat64(maxMs, count + 1) as Float64Array<ArrayBuffer>;
    const isFirst = count === 0;
    if ((head & 1) === 1) {
      minMs[count] = (isFirst ? 0 : minMs[count - 1]!) + input.signedVarint();
      maxMs[count] = minMs[count]! + input.varint();
    } else {
      minMs[count] = isFirst ? 0 : minMs[count - 1]!;
      maxMs[count] = isFirst ? 0 : maxMs[count - 1]!;
    }
    before = at;
    at += shared + rest;
    starts[++count] = at;
  }
  return { count, pairs, starts, minMs, maxMs };
}
