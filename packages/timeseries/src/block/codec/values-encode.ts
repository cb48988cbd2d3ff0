import type { ByteWriter } from './byte-writer.ts';
import {
  bitmapBytes,
  findChanges,
  MAP_BITMAP,
  MAP_CONSTANT,
  MAP_NONE,
  MAP_PLACES,
  placesBytes,
  writeBitmap,
  writePlaces,
} from './change-map.ts';
import { commonDivisor, reduce } from './divisor.ts';
import { writeExceptions } from './exceptions.ts';
import { IntegerColumnEncoder } from './integer-column.ts';
import { MultiplesFinder, toCorrections } from './multiples.ts';
import { referenceIndex, splitHalves, toPatternDistances } from './patterns.ts';
import { MAX_RESIDUAL, Predictor, toResiduals } from './prediction.ts';
import { type Scaling, toIntegers } from './scale.ts';
import {
  DIVISOR_FLAG,
  EXCEPTIONS_FLAG,
  KIND_DECIMALS,
  KIND_HALVES,
  KIND_INTEGERS,
  KIND_MULTIPLES,
  KIND_PATTERNS,
  KIND_PREDICTED,
  KIND_RAW,
  MAP_SHIFT,
} from './value-format.ts';

/** Repeats are left out where that saves at least this share of the bytes. */
const WORTHWHILE = 0.98;
/** Series that take fewer bits a sample are not predicted, nor others from them. */
const PREDICTABLE_BITS = 2;
/** Floats that take fewer bits a sample are not looked at for a step that they are multiples of. */
const FLOAT_BITS = 28;
/** The pattern of what is neither predicted nor predicts. */
const ALONE = -1;

/** Encodes the values of series one by one; see value-format.ts. Scratch arrays grow to the longest series. */
export class ValuesEncoder {
  readonly #columns = new IntegerColumnEncoder();
  readonly #predictor = new Predictor();
  readonly #finder = new MultiplesFinder();
  readonly #scaling: Scaling = { decimals: 0, exceptions: 0 };
  #values = new Float64Array(0);
  #words = new Uint32Array(0);
  #integers = new Float64Array(0);
  #lows = new Float64Array(0);
  #places = new Uint32Array(0);
  #exceptions = new Uint32Array(0);

  /** Forgets the series that others may be predicted from. */
  clear(): void {
    this.#predictor.clear();
  }

  /** Adds a column of at least one value that has nothing to do with other series. */
  encodeAlone(writer: ByteWriter, values: Float64Array): void {
    this.encode(writer, values, ALONE, ALONE);
  }

  /** Adds the values of the next series of a page, at least one. */
  encode(writer: ByteWriter, values: Float64Array, series: number, pattern: number): void {
    const count = values.length;
    this.#grow(count);
    this.#values.set(values);
    if (isConstant(this.#words, count)) {
      this.#writeConstant(writer);
      return;
    }
    const mostExceptions = Math.min(count - 1, 1 + (count >>> 4));
    toIntegers(this.#values, count, this.#integers, this.#exceptions, mostExceptions, this.#scaling);
    const { decimals, exceptions } = this.#scaling;
    if (decimals >= 0) {
      const start = writer.length;
      this.#writeIntegers(writer, decimals === 0 ? KIND_INTEGERS : KIND_DECIMALS, decimals, 0, exceptions, count);
      if (decimals === 0 && pattern !== ALONE && (writer.length - start) * 8 > count * PREDICTABLE_BITS) {
        this.#predict(writer, start, series, pattern, exceptions, count);
      }
      return;
    }
    let reference = referenceIndex(this.#words, count);
    let distant = this.#takePatterns(reference, count, mostExceptions);
    if (reference !== 0 && distant >= 0 && this.#integers[0] !== 0) {
      reference = 0;
      distant = this.#takePatterns(reference, count, mostExceptions);
    }
    const start = writer.length;
    if (distant >= 0) this.#writeIntegers(writer, KIND_PATTERNS, 0, reference, distant, count);
    else this.#writeHalves(writer, count);
    if ((writer.length - start) * 8 > count * FLOAT_BITS) this.#tryMultiples(writer, start, count, mostExceptions);
  }

  /** Replaces what was written from `start` on by multiples of a step, where that is shorter. */
  #tryMultiples(writer: ByteWriter, start: number, count: number, mostExceptions: number): void {
    const multiples = this.#integers;
    const corrections = this.#lows;
    const finder = this.#finder;
    if (!finder.find(this.#values, count, multiples)) return;
    const left = this.#exceptions;
    const exceptions = toCorrections(this.#words, multiples, count, finder, corrections, left, mostExceptions);
    if (exceptions < 0) return;
    const [first, firstCorrection] = [multiples[0]!, corrections[0]!];
    subtract(multiples, count, first);
    subtract(corrections, count, firstCorrection);
    const columns = this.#columns;
    const bytes = columns.measure(corrections, count) + columns.measure(multiples, count) + 10 * exceptions;
    if (bytes >= (writer.length - start) * WORTHWHILE) return;
    writer.length = start;
    writer.byte(KIND_MULTIPLES | (exceptions > 0 ? EXCEPTIONS_FLAG : 0));
    if (exceptions > 0) writeExceptions(writer, this.#words, left, exceptions);
    writer.reserve(16);
    writer.view.setFloat64(writer.length, finder.offset, true);
    writer.view.setFloat64(writer.length + 8, finder.step, true);
    writer.length += 16;
    writer.signedVarint(first);
    columns.write(writer, multiples, count);
    writer.signedVarint(firstCorrection);
    columns.measure(corrections, count);
    columns.write(writer, corrections, count);
  }

  #takePatterns(reference: number, count: number, mostExceptions: number): number {
    return toPatternDistances(this.#words, count, reference, this.#integers, this.#exceptions, mostExceptions);
  }

  #grow(count: number): void {
    if (count <= this.#values.length) return;
    const length = Math.max(512, count, this.#values.length * 2);
    this.#values = new Float64Array(length);
    this.#words = new Uint32Array(this.#values.buffer);
    this.#integers = new Float64Array(length);
    this.#lows = new Float64Array(length);
    this.#places = new Uint32Array(length);
    this.#exceptions = new Uint32Array(length);
  }

  #writeConstant(writer: ByteWriter): void {
    toIntegers(this.#values, 1, this.#integers, this.#exceptions, 0, this.#scaling);
    const { decimals } = this.#scaling;
    const kind = decimals < 0 ? KIND_PATTERNS : decimals === 0 ? KIND_INTEGERS : KIND_DECIMALS;
    writer.byte(kind | (MAP_CONSTANT << MAP_SHIFT));
    if (kind === KIND_DECIMALS) writer.byte(decimals);
    if (kind === KIND_PATTERNS) this.#writePattern(writer, 0);
    else writer.signedVarint(this.#integers[0]!);
  }

  #writePattern(writer: ByteWriter, index: number): void {
    writer.reserve(8);
    writer.view.setUint32(writer.length, this.#words[2 * index]!, true);
    writer.view.setUint32(writer.length + 4, this.#words[2 * index + 1]!, true);
    writer.length += 8;
  }

  #writeIntegers(
    writer: ByteWriter,
    kind: number,
    decimals: number,
    reference: number,
    exceptions: number,
    count: number,
  ): void {
    const integers = this.#integers;
    const places = this.#places;
    const changes = findChanges(integers, count, places);
    const first = integers[0]!;
    if (first !== 0) subtract(integers, count, first);
    const divisor = changes === 0 ? 1 : commonDivisor(integers, count);
    if (divisor !== 1) reduce(integers, count, divisor);
    const map = this.#chooseMap(integers, count, changes);
    let head = kind | (map << MAP_SHIFT);
    if (exceptions > 0) head |= EXCEPTIONS_FLAG;
    if (divisor !== 1) head |= DIVISOR_FLAG;
    writer.byte(head);
    if (kind === KIND_DECIMALS) writer.byte(decimals);
    if (map === MAP_BITMAP) writeBitmap(writer, places, changes, count);
    else if (map === MAP_PLACES) writePlaces(writer, places, changes);
    if (exceptions > 0) writeExceptions(writer, this.#words, this.#exceptions, exceptions);
    if (kind === KIND_PATTERNS) this.#writePattern(writer, reference);
    else writer.signedVarint(first);
    if (divisor !== 1) writer.varint(divisor);
    if (map !== MAP_CONSTANT) this.#columns.write(writer, integers, map === MAP_NONE ? count : changes + 1);
  }

  /** Replaces what was written from `start` on by a prediction from another series, where that is shorter. */
  #predict(
    writer: ByteWriter,
    start: number,
    series: number,
    pattern: number,
    exceptions: number,
    count: number,
  ): void {
    // The integers as they were before the column was made of them.
    const integers = exceptions === 0 ? this.#values : this.#integers;
    if (exceptions > 0) toIntegers(this.#values, count, integers, this.#exceptions, exceptions, this.#scaling);
    const candidate = this.#predictor.find(pattern, integers, count);
    const written = writer.length - start;
    if (candidate !== undefined) {
      const { factor } = this.#predictor;
      const greatest = toResiduals(integers, candidate.values, count, factor, this.#lows);
      if (greatest < MAX_RESIDUAL && this.#columns.measure(this.#lows, count) < written * WORTHWHILE) {
        writer.length = start;
        writer.byte(KIND_PREDICTED | (exceptions > 0 ? EXCEPTIONS_FLAG : 0));
        if (exceptions > 0) writeExceptions(writer, this.#words, this.#exceptions, exceptions);
        writer.varint(candidate.series);
        writer.varint(factor);
        writer.signedVarint(integers[0]!);
        this.#columns.write(writer, this.#lows, count);
        return;
      }
    }
    this.#predictor.add(series, pattern, this.#values, count);
  }

  /** Chooses how repeats are left out, does so in `integers`, and measures the column that is left. */
  #chooseMap(integers: Float64Array, count: number, changes: number): number {
    if (changes === 0) return MAP_CONSTANT;
    const places = this.#places;
    const isSparse = changes * 4 < count && placesBytes(places, changes) < bitmapBytes(count);
    if (!isSparse) {
      const bytes = this.#columns.measure(integers, count);
      const kept = (changes + 1) / count;
      if (bitmapBytes(count) + bytes * kept >= bytes * WORTHWHILE) return MAP_NONE;
    }
    for (let i = 0; i < changes; i++) integers[i + 1] = integers[places[i]!]!;
    this.#columns.measure(integers, changes + 1);
    return isSparse ? MAP_PLACES : MAP_BITMAP;
  }

  #writeHalves(writer: ByteWriter, count: number): void {
    const start = writer.length;
    writer.byte(KIND_HALVES);
    this.#writePattern(writer, 0);
    splitHalves(this.#words, count, this.#integers, this.#lows);
    this.#columns.measure(this.#integers, count);
    this.#columns.write(writer, this.#integers, count);
    this.#columns.measure(this.#lows, count);
    this.#columns.write(writer, this.#lows, count);
    if (writer.length - start <= 1 + count * 8) return;
    writer.length = start;
    writer.byte(KIND_RAW);
    for (let i = 0; i < count; i++) this.#writePattern(writer, i);
  }
}

function isConstant(words: Uint32Array, count: number): boolean {
  const low = words[0]!;
  const high = words[1]!;
  for (let i = 1; i < count; i++) if (words[2 * i] !== low || words[2 * i + 1] !== high) return false;
  return true;
}

function subtract(entries: Float64Array, count: number, first: number): void {
  for (let i = 0; i < count; i++) entries[i] = entries[i]! - first;
}
