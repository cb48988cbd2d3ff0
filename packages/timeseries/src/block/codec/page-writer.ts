import { READ_SLACK_BYTES } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { encodeHistograms, type MaybeHistogram } from './histograms-encode.ts';
import { COMPRESSION_NONE, HAS_PATTERN, PAGE_HEADER_BYTES, PAGE_VERSION, SHARES_VALUES } from './page-format.ts';
import { PatternTable } from './pattern-table.ts';
import { ValuesEncoder } from './values-encode.ts';

/** What a page's bytes are spent on; see page-format.ts. */
export interface PageSizes {
  readonly directoryBytes: number;
  readonly timestampBytes: number;
  readonly valueBytes: number;
}

/** Encodes the samples of series into a page at a time. Keep one and use it again: its scratch memory is kept. */
export class PageWriter {
  readonly #patterns = new PatternTable();
  readonly #values = new ByteWriter(1 << 16);
  readonly #directory = new ByteWriter(4096);
  readonly #encoder = new ValuesEncoder();
  /** Where the values of each series start and end, by hash of the bytes: the series that has them first. */
  readonly #byHash = new Map<number, number>();
  #starts: number[] = [];
  #ends: number[] = [];
  #seriesCount = 0;
  #lastPattern = 0;

  /** Series in the page so far. */
  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** Timestamps in the page so far: those that series share count once. */
  get timestampCount(): number {
    return this.#patterns.sampleCount;
  }

  /** Bytes that the page would have if it were finished now. */
  get sizeBytes(): number {
    const { directoryBytes, timestampBytes, valueBytes } = this.sizes;
    return PAGE_HEADER_BYTES + directoryBytes + timestampBytes + valueBytes + READ_SLACK_BYTES;
  }

  get sizes(): PageSizes {
    return {
      directoryBytes: this.#directory.length,
      timestampBytes: this.#patterns.writer.length,
      valueBytes: this.#values.length,
    };
  }

  /**
   * Adds a series and returns its number in the page. Both columns have the same length, at least 1, and are read
   * before the call returns. Timestamps are Unix milliseconds in ascending order; values keep their exact bits.
   * Where `histograms[i]` is present, it is the sample and the value has no meaning.
   */
  addSeries(timestamps: Float64Array, values: Float64Array, histograms?: readonly MaybeHistogram[]): number {
    if (timestamps.length === 0 || timestamps.length !== values.length) {
      throw new RangeError(`a series of ${timestamps.length} timestamps and ${values.length} values`);
    }
    const pattern = this.#patterns.idOf(timestamps);
    const start = this.#values.length;
    if (histograms === undefined || histograms.every((sample) => sample === undefined)) {
      this.#encoder.encode(this.#values, values, this.#seriesCount, pattern);
    } else {
      encodeHistograms(this.#values, this.#encoder, values, histograms);
    }
    return this.#addEntry(pattern, start);
  }

  /** The page as bytes of its own; the writer is empty again. */
  finish(): Uint8Array<ArrayBuffer> {
    const page = new Uint8Array(this.sizeBytes);
    const view = new DataView(page.buffer);
    const { directoryBytes, timestampBytes, valueBytes } = this.sizes;
    page[0] = PAGE_VERSION;
    page[1] = COMPRESSION_NONE;
    view.setUint32(4, this.#seriesCount, true);
    view.setUint32(8, this.#patterns.count, true);
    view.setUint32(12, this.#patterns.sampleCount, true);
    view.setUint32(16, directoryBytes, true);
    view.setUint32(20, timestampBytes, true);
    view.setUint32(24, valueBytes, true);
    let at = PAGE_HEADER_BYTES;
    for (const part of [this.#directory, this.#patterns.writer, this.#values]) {
      page.set(part.bytes.subarray(0, part.length), at);
      at += part.length;
    }
    this.clear();
    return page;
  }

  /** Forgets all series. */
  clear(): void {
    this.#patterns.clear();
    this.#encoder.clear();
    this.#values.length = 0;
    this.#directory.length = 0;
    this.#byHash.clear();
    this.#starts = [];
    this.#ends = [];
    this.#seriesCount = 0;
    this.#lastPattern = 0;
  }

  /** Notes a series whose values were just written from `start` on, or takes them back where another has the same. */
  #addEntry(pattern: number, start: number): number {
    const series = this.#seriesCount++;
    const end = this.#values.length;
    const hash = hashBytes(this.#values.bytes, start, end);
    const twin = this.#byHash.get(hash);
    const flags = series > 0 && pattern === this.#lastPattern ? 0 : HAS_PATTERN;
    if (twin !== undefined && this.#isTwin(twin, start, end)) {
      this.#values.length = start;
      this.#directory.varint((series - twin - 1) * 4 + SHARES_VALUES + flags);
      this.#starts.push(this.#starts[twin]!);
      this.#ends.push(this.#ends[twin]!);
    } else {
      this.#directory.varint((end - start) * 4 + flags);
      this.#starts.push(start);
      this.#ends.push(end);
    }
    this.#byHash.set(hash, series);
    if (flags === HAS_PATTERN) this.#directory.varint(pattern);
    this.#lastPattern = pattern;
    return series;
  }

  #isTwin(twin: number, start: number, end: number): boolean {
    const { bytes } = this.#values;
    const from = this.#starts[twin]!;
    if (this.#ends[twin]! - from !== end - start) return false;
    for (let i = 0; i < end - start; i++) if (bytes[from + i] !== bytes[start + i]) return false;
    return true;
  }
}

function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
