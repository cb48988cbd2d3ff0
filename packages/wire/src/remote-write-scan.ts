import {
  addExemplar,
  addHistogram,
  addMetadata,
  growSamples,
  growSeries,
  type MutableColumns,
  resetColumns,
} from './remote-write-columns.ts';

// Field tags (number << 3 | wire type), all of one byte.
const TIMESERIES = 0x0a;
const METADATA = 0x1a;
const LABELS = 0x0a;
const SAMPLES = 0x12;
const EXEMPLARS = 0x1a;
const HISTOGRAMS = 0x22;
const SAMPLE_VALUE = 0x09;
const SAMPLE_TIMESTAMP = 0x10;

const TWO_28 = 268435456;

/** Where a length ends: set by `readLength`. A field of a fixed object is the cheapest second result. */
const cursor = { at: 0 };

/**
 * A faster way for series that it recognises. Between its calls series are added that it did not take; it is called
 * behind each of them.
 */
export interface SeriesShortcut {
  /** A pass over `columns.body` begins. */
  begin(columns: MutableColumns): void;
  /**
   * Adds any number of series, to be found in the body from `at` on, to the columns.
   * @returns where the first stands that it did not take; it is left as it is
   * @throws WireError too_large
   */
  take(columns: MutableColumns, at: number): number;
}

/**
 * The fast pass over a request in the shape that senders produce. False if it met anything else, malformed bytes
 * included: the slow pass then finds out what it is.
 */
export function scanWriteRequest(columns: MutableColumns, body: Uint8Array, shortcut?: SeriesShortcut): boolean {
  resetColumns(columns, body);
  shortcut?.begin(columns);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const end = body.length;
  let at = 0;
  while (at < end) {
    if (shortcut !== undefined) {
      at = shortcut.take(columns, at);
      if (at >= end) break;
    }
    const tag = body[at]!;
    const length = readLength(body, at + 1, end);
    if (length < 0) return false;
    at = cursor.at;
    if (tag === TIMESERIES) {
      if (!scanSeries(columns, body, view, at, at + length)) return false;
    } else if (tag === METADATA) addMetadata(columns, at, at + length);
    else return false;
    at += length;
  }
  columns.sampleStart[columns.seriesCount] = columns.sampleCount;
  shortcut?.take(columns, end);
  return true;
}

function scanSeries(columns: MutableColumns, body: Uint8Array, view: DataView, start: number, end: number): boolean {
  const labelsEnd = scanLabels(body, start, end);
  if (labelsEnd < 0) return false;
  const series = columns.seriesCount;
  if (series >= columns.maxSeries || series === columns.labelsStart.length) growSeries(columns);
  columns.labelsStart[series] = start;
  columns.labelsEnd[series] = labelsEnd;
  columns.sampleStart[series] = columns.sampleCount;
  columns.seriesCount = series + 1;
  return scanPoints(columns, body, view, labelsEnd, end);
}

/** End of the run of labels at `at`, or -1 if a label's length is out of bounds. */
function scanLabels(body: Uint8Array, at: number, end: number): number {
  while (at < end && body[at] === LABELS) {
    if (at + 1 < end && body[at + 1]! < 0x80) at += 2 + body[at + 1]!;
    else {
      const length = readLength(body, at + 1, end);
      if (length < 0) return -1;
      at = cursor.at + length;
    }
  }
  return at <= end ? at : -1;
}

/** Samples, exemplars and histograms of the newest series. */
function scanPoints(columns: MutableColumns, body: Uint8Array, view: DataView, at: number, end: number): boolean {
  while (at < end) {
    const tag = body[at]!;
    const length = readLength(body, at + 1, end);
    if (length < 0) return false;
    at = cursor.at;
    if (tag === SAMPLES) {
      const n = columns.sampleCount;
      if (n >= columns.maxSamples || n === columns.timestamps.length) growSamples(columns);
      if (!scanSample(columns, body, view, at, at + length)) return false;
      columns.sampleCount = n + 1;
    } else if (tag === EXEMPLARS) addExemplar(columns, columns.seriesCount - 1, at, at + length);
    else if (tag === HISTOGRAMS) addHistogram(columns, columns.seriesCount - 1, at, at + length);
    else return false;
    at += length;
  }
  return true;
}

function scanSample(columns: MutableColumns, body: Uint8Array, view: DataView, at: number, end: number): boolean {
  const n = columns.sampleCount;
  const bits = columns.valueBits;
  if (at < end && body[at] === SAMPLE_VALUE) {
    if (end - at < 9) return false;
    bits[2 * n] = view.getInt32(at + 1, true);
    bits[2 * n + 1] = view.getInt32(at + 5, true);
    at += 9;
  } else {
    bits[2 * n] = 0;
    bits[2 * n + 1] = 0;
  }
  if (at === end) {
    columns.timestamps[n] = 0;
    return true;
  }
  if (body[at] !== SAMPLE_TIMESTAMP) return false;
  return scanTimestamp(columns.timestamps, n, body, at + 1, end);
}

/** The varint that fills at … end into timestamps[n]; false unless it is a positive one of at most 49 bits or so. */
function scanTimestamp(timestamps: Float64Array, n: number, body: Uint8Array, at: number, end: number): boolean {
  if (end - at !== 6) return scanOddTimestamp(timestamps, n, body, at, end);
  const a = body[at]!;
  const b = body[at + 1]!;
  const c = body[at + 2]!;
  const d = body[at + 3]!;
  const e = body[at + 4]!;
  const f = body[at + 5]!;
  if ((a & b & c & d & e) < 0x80 || f >= 0x80) return false;
  const low = (a & 0x7f) | ((b & 0x7f) << 7) | ((c & 0x7f) << 14) | ((d & 0x7f) << 21);
  timestamps[n] = ((e & 0x7f) | (f << 7)) * TWO_28 + low;
  return true;
}

/** Timestamps of another size than those of our days: before 1971 and after 3084 in ms, and negative ones. */
function scanOddTimestamp(timestamps: Float64Array, n: number, body: Uint8Array, at: number, end: number): boolean {
  const size = end - at;
  if (size < 1 || size > 10 || body[end - 1]! >= 0x80) return false;
  let low = 0;
  let middle = 0;
  let high = 0;
  for (let i = 0; i < size; i++) {
    const byte = body[at + i]!;
    if (i < size - 1 && byte < 0x80) return false;
    const bits = byte & 0x7f;
    if (i < 4) low |= bits << (7 * i);
    else if (i < 8) middle |= bits << (7 * (i - 4));
    else high |= bits << (7 * (i - 8));
  }
  if (high > 0xff) return false;
  // The top 8 bits are the sign's: at 0 or 255 the rest is 56 bits of magnitude or of two's complement.
  let value = middle * TWO_28 + low;
  if (high === 0xff) value = (middle - TWO_28) * TWO_28 + low;
  else if (high !== 0) return false;
  if (!Number.isSafeInteger(value)) return false;
  timestamps[n] = value;
  return true;
}

/** The length at `at`, or -1 if it is malformed or runs past `end`. Leaves the offset after it in `cursor`. */
function readLength(body: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  let length = body[at++]!;
  if (length >= 0x80) {
    length &= 0x7f;
    for (let shift = 7; ; shift += 7) {
      if (at >= end || shift > 28) return -1;
      const byte = body[at++]!;
      length += (byte & 0x7f) * (1 << shift);
      if (byte < 0x80) break;
    }
  }
  cursor.at = at;
  return length <= end - at ? length : -1;
}
