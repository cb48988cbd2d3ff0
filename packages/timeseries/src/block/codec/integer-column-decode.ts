import { MAX_WIDTH, packedBytes, unpackBits } from './bit-pack.ts';
import type { ByteReader } from './byte-reader.ts';
import { MAX_LOW_WIDTH, miniBlockEntries, OUTLIERS_FLAG, SIZE_CODES, SYMBOLS_FLAG } from './column-format.ts';
import { addSymbols } from './symbols-decode.ts';

/** Reads an integer column of `count` entries to `target[at…]`; see column-format.ts. */
export function decodeIntegerColumn(reader: ByteReader, target: Float64Array, at: number, count: number): void {
  const head = reader.byte();
  const order = head & 3;
  const sizeCode = head >>> 2;
  if (order > 2 || sizeCode >= SIZE_CODES) reader.fail(`unknown column form ${head}`);
  if (order >= count && order > 0) reader.fail(`a column of order ${order} has more than ${count} entries`);
  const firstDifference = order === 2 ? reader.signedVarint() : 0;
  const end = at + count;
  const blockEntries = miniBlockEntries(sizeCode, count - order);
  for (let to = at + order; to < end; to += blockEntries) {
    readMiniBlock(reader, target, to, Math.min(blockEntries, end - to));
  }
  if (order === 0) return;
  target[at] = 0;
  if (order === 2) {
    target[at + 1] = firstDifference;
    addUp(target, at + 1, end);
  }
  addUp(target, at, end);
}

function readMiniBlock(reader: ByteReader, target: Float64Array, to: number, count: number): void {
  const head = reader.byte();
  const width = head & (OUTLIERS_FLAG - 1);
  if (width > (head < SYMBOLS_FLAG ? MAX_WIDTH : MAX_LOW_WIDTH)) reader.fail(`unknown mini-block form ${head}`);
  const base = reader.signedVarint();
  if ((head & OUTLIERS_FLAG) === 0) {
    readEntries(reader, target, to, count, base, head);
    return;
  }
  const outliers = reader.count(count, 'outliers of a mini-block');
  const list = reader.at;
  for (let i = 0; i < outliers; i++) {
    reader.varint();
    reader.signedVarint();
  }
  readEntries(reader, target, to, count, base, head);
  const after = reader.at;
  reader.at = list;
  let place = 0;
  for (let i = 0; i < outliers; i++) {
    place += reader.varint();
    if (place >= count) reader.fail(`an outlier at ${place} of a mini-block of ${count}`);
    target[to + place] = base + reader.signedVarint();
  }
  reader.at = after;
}

function readEntries(
  reader: ByteReader,
  target: Float64Array,
  to: number,
  count: number,
  base: number,
  head: number,
): void {
  const width = head & (OUTLIERS_FLAG - 1);
  const packed = reader.skip(packedBytes(count, width), 'a mini-block');
  unpackBits(reader.view, packed, target, to, count, base, width);
  if (head >= SYMBOLS_FLAG) addSymbols(reader, target, to, count, 2 ** width);
}

function addUp(target: Float64Array, from: number, to: number): void {
  let sum = target[from]!;
  for (let i = from + 1; i < to; i++) {
    sum += target[i]!;
    target[i] = sum;
  }
}
