import type { ByteReader } from './byte-reader.ts';
import {
  bitmapBytes,
  countBitmap,
  expandBitmap,
  expandPlaces,
  MAP_BITMAP,
  MAP_CONSTANT,
  MAP_PLACES,
  readPlaces,
} from './change-map.ts';
import { applyExceptions, skipExceptions } from './exceptions.ts';
import { decodeIntegerColumn } from './integer-column-decode.ts';
import { addCorrections, fromMultiples } from './multiples.ts';
import { fromPatternDistances, joinHalves } from './patterns.ts';
import { fromResiduals } from './prediction.ts';
import { MAX_DECIMALS, POWERS_OF_TEN } from './scale.ts';
import {
  DIVISOR_FLAG,
  EXCEPTIONS_FLAG,
  EXTRAS_FLAG,
  KIND_DECIMALS,
  KIND_HALVES,
  KIND_MASK,
  KIND_MULTIPLES,
  KIND_PATTERNS,
  KIND_PREDICTED,
  KIND_RAW,
  MAP_SHIFT,
} from './value-format.ts';

/** Gives the values of a series that others are predicted from; the reader is left as it was. */
export interface References {
  valuesOf(series: number, count: number): Float64Array;
}

/** Decodes the values of series one by one; see value-format.ts. Scratch arrays grow to the longest series. */
export class ValuesDecoder {
  #places = new Uint32Array(0);
  #lows = new Float64Array(0);

  /**
   * Puts the values of a series of `count` samples at `target[at…]`. Without `references`, it must not be predicted.
   * @throws PageFormatError
   */
  decode(reader: ByteReader, target: Float64Array, at: number, count: number, references?: References): void {
    const head = reader.byte();
    const kind = head & KIND_MASK;
    if ((head & EXTRAS_FLAG) !== 0) reader.skip(reader.varint(), 'extras');
    if (kind === KIND_HALVES) this.#readHalves(reader, target, at, count);
    else if (kind === KIND_RAW) readRaw(reader, target, at, count);
    else if (kind <= KIND_PATTERNS) this.#readIntegers(reader, head, target, at, count);
    else if (kind === KIND_MULTIPLES) this.#readMultiples(reader, head, target, at, count);
    else if (kind === KIND_PREDICTED && references !== undefined) {
      readPredicted(reader, head, target, at, count, references);
    } else reader.fail(`unknown or misplaced kind of values ${kind}`);
    if (reader.at !== reader.end) reader.fail('bytes behind the values');
  }

  #readIntegers(reader: ByteReader, head: number, target: Float64Array, at: number, count: number): void {
    const kind = head & KIND_MASK;
    const map = (head >>> MAP_SHIFT) & 3;
    const decimals = kind === KIND_DECIMALS ? reader.byte() : 0;
    if (decimals > MAX_DECIMALS) reader.fail(`${decimals} decimals`);
    let kept = count;
    let mapAt = 0;
    if (map === MAP_BITMAP) {
      mapAt = reader.skip(bitmapBytes(count), 'a change map');
      kept = 1 + countBitmap(reader.bytes, mapAt, count);
      if (kept > count) reader.fail('a change map of too many samples');
    } else if (map === MAP_PLACES) {
      kept = 1 + reader.count(count - 1, 'changes');
      if (this.#places.length < kept) this.#places = new Uint32Array(Math.max(kept, 2 * this.#places.length));
      readPlaces(reader, this.#places, kept - 1, count);
    }
    const exceptionsAt = (head & EXCEPTIONS_FLAG) === 0 ? -1 : skipExceptions(reader, count);
    const isPattern = kind === KIND_PATTERNS;
    const firstAt = isPattern ? reader.skip(8, 'the first value') : 0;
    const first = isPattern ? 0 : reader.signedVarint();
    const divisor = (head & DIVISOR_FLAG) === 0 ? 1 : reader.varint();
    if (map === MAP_CONSTANT) {
      kept = 1;
      target[at] = 0;
    } else {
      decodeIntegerColumn(reader, target, at, kept);
    }
    if (isPattern) {
      const { view } = reader;
      const low = view.getUint32(firstAt, true);
      fromPatternDistances(target, at, kept, low, view.getUint32(firstAt + 4, true), divisor);
    } else if (decimals === 0) {
      scaleIntegers(target, at, kept, first, divisor);
    } else {
      scaleDecimals(target, at, kept, first, divisor, POWERS_OF_TEN[decimals]!);
    }
    if (map === MAP_CONSTANT) fillFirst(target, at, count);
    else if (map === MAP_BITMAP) expandBitmap(reader.bytes, mapAt, target, at, kept - 1, count);
    else if (map === MAP_PLACES) expandPlaces(this.#places, target, at, kept - 1, count);
    if (exceptionsAt >= 0) putExceptions(reader, exceptionsAt, target, at);
  }

  #readHalves(reader: ByteReader, target: Float64Array, at: number, count: number): void {
    const firstAt = reader.skip(8, 'the first value');
    this.#growLows(count);
    decodeIntegerColumn(reader, target, at, count);
    decodeIntegerColumn(reader, this.#lows, 0, count);
    const { view } = reader;
    joinHalves(target, at, count, this.#lows, view.getUint32(firstAt, true), view.getUint32(firstAt + 4, true));
  }

  #readMultiples(reader: ByteReader, head: number, target: Float64Array, at: number, count: number): void {
    const exceptionsAt = (head & EXCEPTIONS_FLAG) === 0 ? -1 : skipExceptions(reader, count);
    const numbersAt = reader.skip(16, 'offset and step');
    const offset = reader.view.getFloat64(numbersAt, true);
    const step = reader.view.getFloat64(numbersAt + 8, true);
    const first = reader.signedVarint();
    decodeIntegerColumn(reader, target, at, count);
    fromMultiples(target, at, count, offset, step, first);
    this.#growLows(count);
    const firstCorrection = reader.signedVarint();
    decodeIntegerColumn(reader, this.#lows, 0, count);
    addCorrections(target, at, count, this.#lows, firstCorrection);
    if (exceptionsAt >= 0) putExceptions(reader, exceptionsAt, target, at);
  }

  #growLows(count: number): void {
    if (this.#lows.length < count) this.#lows = new Float64Array(Math.max(count, 2 * this.#lows.length));
  }
}

function readPredicted(
  reader: ByteReader,
  head: number,
  target: Float64Array,
  at: number,
  count: number,
  references: References,
): void {
  const exceptionsAt = (head & EXCEPTIONS_FLAG) === 0 ? -1 : skipExceptions(reader, count);
  const series = reader.varint();
  const factor = reader.varint();
  const first = reader.signedVarint();
  decodeIntegerColumn(reader, target, at, count);
  target[at] = first;
  fromResiduals(target, at, count, references.valuesOf(series, count), factor);
  if (exceptionsAt >= 0) putExceptions(reader, exceptionsAt, target, at);
}

function putExceptions(reader: ByteReader, exceptionsAt: number, target: Float64Array, at: number): void {
  const end = reader.at;
  reader.at = exceptionsAt;
  applyExceptions(reader, target, at);
  reader.at = end;
}

/** Repeats the exact bits of `target[at]`. */
function fillFirst(target: Float64Array, at: number, count: number): void {
  const words = new Uint32Array(target.buffer, target.byteOffset + at * 8, count * 2);
  const low = words[0]!;
  const high = words[1]!;
  if (high >>> 20 !== 0x7ff && high >>> 20 !== 0xfff) {
    target.fill(target[at]!, at, at + count);
    return;
  }
  for (let i = 1; i < count; i++) {
    words[2 * i] = low;
    words[2 * i + 1] = high;
  }
}

function scaleIntegers(target: Float64Array, at: number, count: number, first: number, divisor: number): void {
  const end = at + count;
  if (divisor === 1) for (let i = at; i < end; i++) target[i] = target[i]! + first;
  else for (let i = at; i < end; i++) target[i] = target[i]! * divisor + first;
}

function scaleDecimals(
  target: Float64Array,
  at: number,
  count: number,
  first: number,
  divisor: number,
  power: number,
): void {
  const end = at + count;
  for (let i = at; i < end; i++) target[i] = (target[i]! * divisor + first) / power;
}

function readRaw(reader: ByteReader, target: Float64Array, at: number, count: number): void {
  const { view } = reader;
  const words = new Uint32Array(target.buffer, target.byteOffset + at * 8, count * 2);
  let from = reader.skip(count * 8, 'raw values');
  for (let i = 0; i < 2 * count; i++) {
    words[i] = view.getUint32(from, true);
    from += 4;
  }
}
