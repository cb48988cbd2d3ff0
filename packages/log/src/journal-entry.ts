import type { AttributeColumn } from '@opendata/wire';
import { LogError } from './errors.ts';
import type { AppendColumns } from './model.ts';
import { VarintCursor, varintLength, writeVarint } from './varint.ts';

/**
 * A journal entry is one append: version byte 1, flags byte, then varints: first sequence, arrival in ms since 1970,
 * number of records; then for each record the length of the key, the key, the length of the body and the body.
 *
 * A body is the value; with flag 1 the length is doubled, and one more if attributes come before the value: their
 * length and their bytes. The other flags are reserved for producers and conditions.
 */
const version = 1;
const flagAttributes = 1;
const prefixBytes = 2;
/** Gathering values shorter than this in a loop is faster than a call into the runtime. */
const shortCopyBytes = 48;

/** Size in bytes of the entry that {@link writeEntry} writes. */
export function entryLength(records: AppendColumns, firstSequence: number, timeMs: number): number {
  const { attributes } = records;
  let length = prefixBytes + varintLength(firstSequence) + varintLength(timeMs) + varintLength(records.count);
  for (let i = 0; i < records.count; i++) {
    const keyLength = records.keyEnd[i]! - records.keyStart[i]!;
    length += varintLength(keyLength) + keyLength;
    const valueLength = records.valueEnd[i]! - records.valueStart[i]!;
    if (attributes === undefined) {
      length += varintLength(valueLength) + valueLength;
      continue;
    }
    const bodyLength = bodyLengthOf(valueLength, attributeLengthAt(attributes, i));
    length += varintLength(bodyLength * 2) + bodyLength;
  }
  return length;
}

/** Bytes that the attributes of record `index` have. */
function attributeLengthAt({ end }: AttributeColumn, index: number): number {
  return end[index]! - (index === 0 ? 0 : end[index - 1]!);
}

/** Bytes of a value and what comes before it. */
function bodyLengthOf(valueLength: number, attributeLength: number): number {
  return attributeLength === 0 ? valueLength : varintLength(attributeLength) + attributeLength + valueLength;
}

/** Writes the entry at `offset` of `target`, at most {@link entryLength} bytes; returns the offset behind it. */
export function writeEntry(
  target: Uint8Array,
  offset: number,
  records: AppendColumns,
  firstSequence: number,
  timeMs: number,
): number {
  target[offset++] = version;
  const { attributes } = records;
  target[offset++] = attributes === undefined ? 0 : flagAttributes;
  offset = writeVarint(target, offset, firstSequence);
  offset = writeVarint(target, offset, timeMs);
  offset = writeVarint(target, offset, records.count);
  for (let i = 0; i < records.count; i++) {
    const keyStart = records.keyStart[i]!;
    const keyEnd = records.keyEnd[i]!;
    const valueStart = records.valueStart[i]!;
    const valueEnd = records.valueEnd[i]!;
    offset = writeVarint(target, offset, keyEnd - keyStart);
    offset = copyBytes(records.bytes, keyStart, keyEnd, target, offset);
    if (attributes === undefined) offset = writeVarint(target, offset, valueEnd - valueStart);
    else {
      const length = attributeLengthAt(attributes, i);
      offset = writeVarint(target, offset, bodyLengthOf(valueEnd - valueStart, length) * 2 + (length > 0 ? 1 : 0));
      if (length > 0) {
        const end = attributes.end[i]!;
        offset = writeVarint(target, offset, length);
        offset = copyBytes(attributes.bytes, end - length, end, target, offset);
      }
    }
    offset = copyBytes(records.bytes, valueStart, valueEnd, target, offset);
  }
  return offset;
}

/** Copies `source[start, end)` to `offset` of `target`; returns the offset behind it. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
  if (end - start < shortCopyBytes) {
    while (start < end) target[offset++] = source[start++]!;
    return offset;
  }
  target.set(source.subarray(start, end), offset);
  return offset + (end - start);
}

/** Walks the records of an entry. One reader serves many entries. */
export class EntryReader {
  private readonly cursor = new VarintCursor();
  private left = 0;
  private flags = 0;
  firstSequence = 0;
  timeMs = 0;
  count = 0;
  keyStart = 0;
  keyEnd = 0;
  bodyStart = 0;
  bodyEnd = 0;
  /** Whether the body has attributes before the value. */
  hasAttributes = false;

  /**
   * Reads the head of the entry in `bytes[start, end)`.
   * @throws LogError corrupt
   */
  open(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < prefixBytes || bytes[start] !== version || bytes[start + 1]! > flagAttributes) {
      throw new LogError('corrupt', `journal entry of an unknown version: ${bytes[start]}, ${bytes[start + 1]}`);
    }
    this.flags = bytes[start + 1]!;
    this.cursor.reset(bytes, start + prefixBytes, end);
    this.firstSequence = this.cursor.next();
    this.timeMs = this.cursor.next();
    this.count = this.cursor.next();
    this.left = this.count;
    if (this.cursor.failed) throw new LogError('corrupt', 'journal entry ends in its head');
  }

  /**
   * Steps to the next record; false behind the last.
   * @throws LogError corrupt
   */
  next(): boolean {
    const cursor = this.cursor;
    if (this.left === 0) {
      if (cursor.offset !== cursor.end) throw new LogError('corrupt', 'journal entry has bytes behind its records');
      return false;
    }
    this.left--;
    const keyLength = cursor.next();
    this.keyStart = cursor.skip(keyLength);
    this.keyEnd = cursor.offset;
    let bodyLength = cursor.next();
    if (this.flags !== 0) {
      this.hasAttributes = bodyLength % 2 === 1;
      bodyLength = Math.floor(bodyLength / 2);
    } else this.hasAttributes = false;
    this.bodyStart = cursor.skip(bodyLength);
    this.bodyEnd = cursor.offset;
    if (cursor.failed) throw new LogError('corrupt', 'journal entry ends in a record');
    return true;
  }
}
