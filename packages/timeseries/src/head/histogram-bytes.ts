import type { FloatHistogram, Span } from '@opendata/promql';

/**
 * A native histogram as bytes, the same in the head and in the journal:
 *
 *     histogram := flags u8, schema zigzag, sum f64, zero threshold, count, zero count, side, [side], [custom values]
 *     side      := spans varint, { offset zigzag, length varint }, buckets
 *
 * Flags: bits 0-1 the counter reset hint, bit 2 counts are whole numbers, bit 3 a second side for negative buckets,
 * bit 4 custom values, bit 5 the zero threshold is not the usual 2^-128 (then f64), bit 6 it is 0. Whole counts are
 * varints, buckets as zigzag differences from the bucket before; other counts are f64.
 */

const HINTS = ['unknown', 'reset', 'not_reset', 'gauge'] as const;
const WHOLE_COUNTS = 4;
const HAS_NEGATIVE = 8;
const HAS_CUSTOM_VALUES = 16;
const HAS_THRESHOLD = 32;
const NO_THRESHOLD = 64;
const USUAL_THRESHOLD = 2 ** -128;
/** Zigzag differences of buckets must stay exact. */
const MAX_WHOLE = 2 ** 51;
const NO_COUNTS = new Float64Array(0);

/** Bytes that cannot be a histogram. */
export class HistogramBytesError extends Error {
  override readonly name = 'HistogramBytesError';
}

/** The histogram as bytes of their own. */
export function encodeHistogram(histogram: FloatHistogram): Uint8Array {
  const { positiveSpans, positiveBuckets, negativeSpans, negativeBuckets, customValues, zeroThreshold } = histogram;
  const numbers = positiveBuckets.length + negativeBuckets.length + customValues.length;
  const sizeBytes = 64 + 20 * (positiveSpans.length + negativeSpans.length) + 10 * numbers;
  const out = new Output(sizeBytes);
  const isWhole = hasWholeCounts(histogram);
  const hasNegative = negativeSpans.length > 0 || negativeBuckets.length > 0;
  out.byte(
    HINTS.indexOf(histogram.counterResetHint) |
      (isWhole ? WHOLE_COUNTS : 0) |
      (hasNegative ? HAS_NEGATIVE : 0) |
      (customValues.length > 0 ? HAS_CUSTOM_VALUES : 0) |
      (Object.is(zeroThreshold, 0) ? NO_THRESHOLD : zeroThreshold === USUAL_THRESHOLD ? 0 : HAS_THRESHOLD),
  );
  out.zigzag(histogram.schema);
  out.double(histogram.sum);
  if (!Object.is(zeroThreshold, 0) && zeroThreshold !== USUAL_THRESHOLD) out.double(zeroThreshold);
  out.count(histogram.count, isWhole);
  out.count(histogram.zeroCount, isWhole);
  writeSide(out, positiveSpans, positiveBuckets, isWhole);
  if (hasNegative) writeSide(out, negativeSpans, negativeBuckets, isWhole);
  if (customValues.length > 0) {
    out.varint(customValues.length);
    for (const value of customValues) out.double(value);
  }
  return out.bytes.slice(0, out.at);
}

/** @throws HistogramBytesError */
export function decodeHistogramBytes(bytes: Uint8Array, start: number, end: number): FloatHistogram {
  const input = new Input(bytes, start, end);
  const flags = input.byte();
  const isWhole = (flags & WHOLE_COUNTS) !== 0;
  const schema = input.zigzag();
  const sum = input.double();
  const zeroThreshold =
    (flags & NO_THRESHOLD) !== 0 ? 0 : (flags & HAS_THRESHOLD) !== 0 ? input.double() : USUAL_THRESHOLD;
  const count = input.count(isWhole);
  const zeroCount = input.count(isWhole);
  const positive = readSide(input, isWhole);
  const negative = (flags & HAS_NEGATIVE) !== 0 ? readSide(input, isWhole) : { spans: [], buckets: NO_COUNTS };
  const customValues = (flags & HAS_CUSTOM_VALUES) !== 0 ? input.doubles(input.varint()) : NO_COUNTS;
  if (input.at !== end) throw new HistogramBytesError('histogram has bytes behind its end');
  return {
    schema,
    counterResetHint: HINTS[flags & 3]!,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues,
  };
}

function hasWholeCounts({ count, zeroCount, positiveBuckets, negativeBuckets }: FloatHistogram): boolean {
  return isWhole(count) && isWhole(zeroCount) && positiveBuckets.every(isWhole) && negativeBuckets.every(isWhole);
}

function isWhole(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= MAX_WHOLE && !Object.is(count, -0);
}

function writeSide(out: Output, spans: readonly Span[], buckets: Float64Array, isWholeSide: boolean): void {
  out.varint(spans.length);
  for (const { offset, length } of spans) {
    out.zigzag(offset);
    out.varint(length);
  }
  out.varint(buckets.length);
  let previous = 0;
  for (const bucket of buckets) {
    if (isWholeSide) out.zigzag(bucket - previous);
    else out.double(bucket);
    previous = bucket;
  }
}

function readSide(input: Input, isWholeSide: boolean): { spans: Span[]; buckets: Float64Array } {
  const spans: Span[] = [];
  for (let left = input.listLength(2); left > 0; left--) spans.push({ offset: input.zigzag(), length: input.varint() });
  if (!isWholeSide) return { spans, buckets: input.doubles(input.varint()) };
  const buckets = new Float64Array(input.listLength(1));
  let previous = 0;
  for (let i = 0; i < buckets.length; i++) buckets[i] = previous += input.zigzag();
  return { spans, buckets };
}

class Output {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** Any whole number below 2^53. */
  varint(value: number): void {
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  count(value: number, asVarint: boolean): void {
    if (asVarint) this.varint(value);
    else this.double(value);
  }
}

class Input {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.#end = end;
  }

  byte(): number {
    if (this.at >= this.#end) throw new HistogramBytesError('histogram is cut off');
    return this.#bytes[this.at++]!;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new HistogramBytesError('histogram has a number of more than 53 bits');
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    if (this.at + 8 > this.#end) throw new HistogramBytesError('histogram is cut off');
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  doubles(count: number): Float64Array {
    if (count * 8 > this.#end - this.at) throw new HistogramBytesError('histogram is cut off');
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = this.double();
    return values;
  }

  count(asVarint: boolean): number {
    return asVarint ? this.varint() : this.double();
  }

  /** Number of elements of at least `bytesEach`, as many as there is room for. */
  listLength(bytesEach: number): number {
    const count = this.varint();
    if (count * bytesEach > this.#end - this.at) throw new HistogramBytesError('histogram is cut off');
    return count;
  }
}
