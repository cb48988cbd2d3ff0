import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { IntegerColumnEncoder } from './integer-column.ts';
import { decodeIntegerColumn } from './integer-column-decode.ts';

/**
 * A column of timestamps that many series of a page share.
 *
 *     timestamps := form u8, count varint, content
 *     grid      := first signed varint, interval varint
 *     deviating := first signed varint, interval varint, integer column of the distances to the grid
 *     part      := pattern varint, from varint, dropped varint, { distance to the one before varint }
 *     raw       := f64 each
 *
 * A *part* is another pattern, itself no part, from some index on and without some of its timestamps.
 */
const FORM_GRID = 0;
const FORM_DEVIATING = 1;
export const FORM_PART = 2;
export const FORM_RAW = 3;

/** Beyond this, distances are not exact. */
const MAX_TIMESTAMP = 2 ** 51;

/** Adds a column of at least one timestamp in its own right. `scratch` has room for all of them. */
export function writeTimestamps(
  writer: ByteWriter,
  columns: IntegerColumnEncoder,
  timestamps: Float64Array,
  scratch: Float64Array,
): void {
  const count = timestamps.length;
  if (!areIntegers(timestamps)) {
    writeRaw(writer, timestamps);
    return;
  }
  const interval = commonInterval(timestamps);
  const first = timestamps[0]!;
  const isGrid = distancesToGrid(timestamps, interval, scratch);
  writer.byte(isGrid ? FORM_GRID : FORM_DEVIATING);
  writer.varint(count);
  writer.signedVarint(first);
  writer.varint(interval);
  if (isGrid) return;
  columns.measure(scratch, count);
  columns.write(writer, scratch, count);
}

/** Reads the content of a grid, of a deviating grid or of raw timestamps. */
export function readTimestamps(reader: ByteReader, form: number, target: Float64Array): void {
  const count = target.length;
  if (form === FORM_RAW) {
    let at = reader.skip(count * 8, 'raw timestamps');
    for (let i = 0; i < count; i++, at += 8) target[i] = reader.view.getFloat64(at, true);
    return;
  }
  const first = reader.signedVarint();
  const interval = reader.varint();
  if (form === FORM_GRID) {
    for (let i = 0; i < count; i++) target[i] = first + i * interval;
    return;
  }
  decodeIntegerColumn(reader, target, 0, count);
  for (let i = 0; i < count; i++) target[i] = first + i * interval + target[i]!;
}

/**
 * Notes in `dropped` which timestamps of `whole` are missing in `part`. Returns how many there are and in `range[0]`
 * where the part begins, or -1 where it is none, or lacks more than `dropped.length`.
 */
export function comparePart(
  whole: Float64Array,
  part: Float64Array,
  dropped: Uint32Array,
  range: { from: number },
): number {
  const from = whole.indexOf(part[0]!);
  if (from < 0 || part.length > whole.length - from) return -1;
  let missing = 0;
  let at = from;
  for (let i = 0; i < part.length; i++, at++) {
    while (at < whole.length && whole[at] !== part[i]) {
      if (missing === dropped.length) return -1;
      dropped[missing++] = at++ - from;
    }
    if (at === whole.length) return -1;
  }
  range.from = from;
  return missing;
}

export function writePart(
  writer: ByteWriter,
  count: number,
  pattern: number,
  from: number,
  dropped: Uint32Array,
  missing: number,
): void {
  writer.byte(FORM_PART);
  writer.varint(count);
  writer.varint(pattern);
  writer.varint(from);
  writer.varint(missing);
  let before = 0;
  for (let i = 0; i < missing; i++) {
    writer.varint(dropped[i]! - before);
    before = dropped[i]!;
  }
}

/** Reads what follows the pattern's number in a part; `whole` is that pattern. */
export function readPart(reader: ByteReader, whole: Float64Array, target: Float64Array): void {
  const from = reader.count(whole.length, 'the beginning of a part');
  const missing = reader.count(whole.length - from, 'dropped timestamps');
  if (from + missing + target.length > whole.length) reader.fail('a part longer than the whole');
  let at = from;
  let drop = from;
  let to = 0;
  for (let i = 0; i < missing; i++) {
    const distance = reader.varint();
    drop += distance;
    if (drop - from >= target.length + missing || (i > 0 && distance === 0)) reader.fail('a dropped timestamp outside');
    while (at < drop) target[to++] = whole[at++]!;
    at = drop + 1;
  }
  while (to < target.length) target[to++] = whole[at++]!;
}

function writeRaw(writer: ByteWriter, timestamps: Float64Array): void {
  writer.byte(FORM_RAW);
  writer.varint(timestamps.length);
  writer.reserve(timestamps.length * 8);
  for (let i = 0; i < timestamps.length; i++) writer.view.setFloat64(writer.length + i * 8, timestamps[i]!, true);
  writer.length += timestamps.length * 8;
}

function areIntegers(timestamps: Float64Array): boolean {
  for (let i = 0; i < timestamps.length; i++) {
    const timestamp = timestamps[i]!;
    if (Math.floor(timestamp) !== timestamp || Math.abs(timestamp) >= MAX_TIMESTAMP) return false;
    if (timestamp === 0 && 1 / timestamp < 0) return false;
  }
  return true;
}

/** The interval that most timestamps keep, if there is one; else one of those that occur. */
function commonInterval(timestamps: Float64Array): number {
  let candidate = 0;
  let votes = 0;
  for (let i = 1; i < timestamps.length; i++) {
    const interval = timestamps[i]! - timestamps[i - 1]!;
    if (votes === 0) {
      candidate = interval;
      votes = 1;
    } else if (interval === candidate) votes++;
    else votes--;
  }
  return candidate > 0 && candidate * timestamps.length < MAX_TIMESTAMP ? candidate : 0;
}

/** True where all distances are 0. */
function distancesToGrid(timestamps: Float64Array, interval: number, distances: Float64Array): boolean {
  const first = timestamps[0]!;
  let isGrid = true;
  for (let i = 0; i < timestamps.length; i++) {
    const distance = timestamps[i]! - first - i * interval;
    distances[i] = distance;
    if (distance !== 0) isGrid = false;
  }
  return isGrid;
}
