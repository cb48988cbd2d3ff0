import { ByteReader, READ_SLACK_BYTES } from './byte-reader.ts';
import { PageFormatError } from './errors.ts';
import { decodeHistograms } from './histograms-decode.ts';
import type { MaybeHistogram } from './histograms-encode.ts';
import {
  COMPRESSION_NONE,
  HAS_PATTERN,
  MAX_PAGE_BYTES,
  MAX_PAGE_TIMESTAMPS,
  MAX_PATTERN_SAMPLES,
  OLDEST_PAGE_VERSION,
  PAGE_HEADER_BYTES,
  PAGE_VERSION,
  SHARES_VALUES,
} from './page-format.ts';
import { FORM_PART, FORM_RAW, readPart, readTimestamps } from './timestamps.ts';
import { KIND_HISTOGRAMS, KIND_MASK } from './value-format.ts';
import { type References, ValuesDecoder } from './values-decode.ts';

export interface PageLimits {
  /** Most timestamps in all patterns of the page. */
  readonly maxTimestamps?: number;
}

/**
 * Reads a page. Opening it checks the directory; series are decoded on demand, and any damage that is met then throws
 * {@link PageFormatError}. Memory: 16 bytes a series and, once decoded, 8 bytes a timestamp of a pattern.
 */
export class PageReader {
  readonly seriesCount: number;
  readonly #reader: ByteReader;
  readonly #decoder = new ValuesDecoder();
  /** Where the values of a series start and end. */
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #patternOf: Uint32Array;
  /** Where the content of a pattern starts and ends, its form and how many timestamps it has. */
  readonly #patternStarts: Uint32Array;
  readonly #patternEnds: Uint32Array;
  readonly #patternCounts: Uint32Array;
  readonly #patternForms: Uint8Array;
  readonly #timestamps: (Float64Array | undefined)[];
  readonly #references: References = { valuesOf: (series, count) => this.#reference(series, count) };
  /** The values of the series that was last used to predict others. */
  #referenceValues = new Float64Array(0);
  #referenceSeries = -1;

  /** @throws PageFormatError */
  constructor(bytes: Uint8Array, limits: PageLimits = {}) {
    const reader = new ByteReader(bytes);
    this.#reader = reader;
    if (bytes.length > MAX_PAGE_BYTES) reader.fail(`a page of ${bytes.length} bytes`);
    reader.skip(PAGE_HEADER_BYTES, 'the header');
    const { view } = reader;
    if (bytes[0]! < OLDEST_PAGE_VERSION || bytes[0]! > PAGE_VERSION)
      throw new PageFormatError(0, `unknown version ${bytes[0]}`);
    if (bytes[1] !== COMPRESSION_NONE) throw new PageFormatError(1, `unknown compression ${bytes[1]}`);
    if (view.getUint16(2, true) !== 0) throw new PageFormatError(2, 'unknown flags');
    const series = view.getUint32(4, true);
    const patterns = view.getUint32(8, true);
    const timestamps = view.getUint32(12, true);
    const directoryEnd = PAGE_HEADER_BYTES + view.getUint32(16, true);
    const patternsEnd = directoryEnd + view.getUint32(20, true);
    const valuesEnd = patternsEnd + view.getUint32(24, true);
    if (valuesEnd + READ_SLACK_BYTES !== bytes.length) {
      throw new PageFormatError(16, `parts of ${valuesEnd + READ_SLACK_BYTES} bytes in a page of ${bytes.length}`);
    }
    if (series > directoryEnd - PAGE_HEADER_BYTES) throw new PageFormatError(4, `${series} series in the directory`);
    if (patterns > patternsEnd - directoryEnd) throw new PageFormatError(8, `${patterns} patterns`);
    if (timestamps > (limits.maxTimestamps ?? MAX_PAGE_TIMESTAMPS)) {
      throw new PageFormatError(12, `${timestamps} timestamps in patterns are too many`);
    }
    this.seriesCount = series;
    this.#starts = new Uint32Array(series);
    this.#ends = new Uint32Array(series);
    this.#patternOf = new Uint32Array(series);
    this.#patternStarts = new Uint32Array(patterns);
    this.#patternEnds = new Uint32Array(patterns);
    this.#patternCounts = new Uint32Array(patterns);
    this.#patternForms = new Uint8Array(patterns);
    this.#timestamps = new Array<undefined>(patterns);
    reader.enter(PAGE_HEADER_BYTES, directoryEnd);
    this.#readDirectory(patternsEnd, valuesEnd);
    reader.enter(directoryEnd, patternsEnd);
    this.#readPatterns(timestamps);
  }

  /** Samples of a series. */
  sampleCount(series: number): number {
    return this.#patternCounts[this.#patternIndex(series)]!;
  }

  /** The pattern of a series' timestamps: series with the same one share their timestamps. */
  patternOf(series: number): number {
    return this.#patternIndex(series);
  }

  /**
   * The timestamps of a series, in Unix milliseconds; the same array for all series that share them. For reading only.
   * @throws PageFormatError
   */
  timestamps(series: number): Float64Array {
    return this.#pattern(this.#patternIndex(series));
  }

  /** Holds on to `timestamps`, which are equal to those of the pattern, in their place: pages of a block share them. */
  shareTimestamps(pattern: number, timestamps: Float64Array): void {
    this.#timestamps[pattern] = timestamps;
  }

  /**
   * Puts the values of a series at `target[at…]`, with their exact bits, and returns the index behind the last one.
   * @throws PageFormatError
   * @throws RangeError where `target` is too short
   */
  readValues(series: number, target: Float64Array, at = 0): number {
    const count = this.sampleCount(series);
    if (target.length - at < count) throw new RangeError(`${count} values do not fit into ${target.length - at}`);
    this.#reader.enter(this.#starts[series]!, this.#ends[series]!);
    this.#decoder.decode(this.#reader, target, at, count, this.#references);
    return at + count;
  }

  /** True where a series has native histograms: read it with {@link readHistograms}. */
  hasHistograms(series: number): boolean {
    this.#patternIndex(series);
    const start = this.#starts[series]!;
    return start < this.#ends[series]! && (this.#reader.bytes[start]! & KIND_MASK) === KIND_HISTOGRAMS;
  }

  /**
   * The histograms of a series by sample, and its floats at `target[at…]`. Spans and custom bounds are shared between
   * samples of one layout.
   * @throws PageFormatError
   * @throws RangeError where `target` is too short
   */
  readHistograms(series: number, target: Float64Array, at = 0): MaybeHistogram[] {
    const count = this.sampleCount(series);
    if (target.length - at < count) throw new RangeError(`${count} values do not fit into ${target.length - at}`);
    this.#reader.enter(this.#starts[series]!, this.#ends[series]!);
    return decodeHistograms(this.#reader, this.#decoder, target, at, count);
  }

  #patternIndex(series: number): number {
    const pattern = this.#patternOf[series];
    if (pattern === undefined) throw new RangeError(`series ${series} of ${this.seriesCount}`);
    return pattern;
  }

  #reference(series: number, count: number): Float64Array {
    if (series === this.#referenceSeries && this.sampleCount(series) === count) return this.#referenceValues;
    const reader = this.#reader;
    const { at, end } = reader;
    if (series >= this.seriesCount || this.sampleCount(series) !== count) {
      reader.fail(`values predicted from series ${series}`);
    }
    this.#referenceSeries = -1;
    if (this.#referenceValues.length < count) this.#referenceValues = new Float64Array(count);
    reader.enter(this.#starts[series]!, this.#ends[series]!);
    this.#decoder.decode(reader, this.#referenceValues, 0, count);
    reader.enter(at, end);
    this.#referenceSeries = series;
    return this.#referenceValues;
  }

  #readDirectory(valuesStart: number, valuesEnd: number): void {
    const reader = this.#reader;
    const patterns = this.#patternCounts.length;
    let at = valuesStart;
    let pattern = -1;
    for (let series = 0; series < this.seriesCount; series++) {
      const entry = reader.varint();
      const flags = entry & 3;
      const length = Math.floor(entry / 4);
      if ((flags & HAS_PATTERN) !== 0) pattern = reader.count(patterns - 1, 'pattern of a series');
      if (pattern < 0) reader.fail('a series without a pattern');
      this.#patternOf[series] = pattern;
      if ((flags & SHARES_VALUES) === 0) {
        if (length > valuesEnd - at) reader.fail(`values of ${length} bytes where ${valuesEnd - at} are left`);
        this.#starts[series] = at;
        at += length;
        this.#ends[series] = at;
      } else {
        const twin = series - length - 1;
        if (twin < 0) reader.fail(`values shared with series ${twin}`);
        this.#starts[series] = this.#starts[twin]!;
        this.#ends[series] = this.#ends[twin]!;
      }
    }
    if (reader.at !== reader.end) reader.fail('bytes behind the directory');
    if (at !== valuesEnd) reader.fail(`${valuesEnd - at} bytes behind the values`);
  }

  #readPatterns(timestamps: number): void {
    const reader = this.#reader;
    let left = timestamps;
    for (let i = 0; i < this.#patternCounts.length; i++) {
      const bytes = reader.varint();
      const start = reader.skip(bytes, 'a pattern');
      const behind = reader.at;
      reader.at = start;
      const form = reader.byte();
      if (form > FORM_RAW) reader.fail(`unknown form of timestamps ${form}`);
      const count = reader.count(Math.min(left, MAX_PATTERN_SAMPLES), 'timestamps of a pattern');
      if (count === 0) reader.fail('a pattern without timestamps');
      left -= count;
      this.#patternForms[i] = form;
      this.#patternCounts[i] = count;
      this.#patternStarts[i] = reader.at;
      this.#patternEnds[i] = behind;
      if (reader.at > behind) reader.fail('a pattern longer than declared');
      reader.at = behind;
    }
    if (left !== 0) reader.fail(`${left} timestamps fewer than declared`);
    if (reader.at !== reader.end) reader.fail('bytes behind the patterns');
  }

  #pattern(index: number): Float64Array {
    const known = this.#timestamps[index];
    if (known !== undefined) return known;
    const reader = this.#reader;
    reader.enter(this.#patternStarts[index]!, this.#patternEnds[index]!);
    const form = this.#patternForms[index]!;
    const target = new Float64Array(this.#patternCounts[index]!);
    if (form !== FORM_PART) {
      readTimestamps(reader, form, target);
    } else {
      const other = reader.count(this.#patternCounts.length - 1, 'the whole of a part');
      if (this.#patternForms[other] === FORM_PART) reader.fail('a part of a part');
      const at = reader.at;
      const whole = this.#pattern(other);
      reader.enter(at, this.#patternEnds[index]!);
      readPart(reader, whole, target);
    }
    if (reader.at !== reader.end) reader.fail('bytes behind the timestamps');
    this.#timestamps[index] = target;
    return target;
  }
}
