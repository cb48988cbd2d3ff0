/**
 * Label sets as bytes. The form is that of remote write 1.0, a run of `labels` fields, so that what arrives can be
 * compared with what is stored without being decoded:
 *
 *     0x0a len { 0x0a len name  0x12 len value }   for each label
 *
 * The *canonical* form has the labels sorted by name, none with an empty value, both fields of each, shortest varints.
 */

import { InvalidSeriesError } from './errors.ts';

const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;

/** Where the last parsed label lies: reused, so that a label costs no object. */
export interface LabelRange {
  nameStart: number;
  nameEnd: number;
  valueStart: number;
  valueEnd: number;
  /** Position behind the label. */
  next: number;
}

export function createLabelRange(): LabelRange {
  return { nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0, next: 0 };
}

/**
 * Reads the label that begins at `at` of a run of `labels` fields that ends at `end`; any field order, missing fields
 * (empty strings) and unknown fields are accepted, as any protobuf reader would.
 * @throws InvalidSeriesError where the bytes are not labels
 */
export function readLabel(view: DataView, at: number, end: number, range: LabelRange): void {
  if (view.getUint8(at) !== FIELD_1) throw malformed();
  at = readLength(view, at + 1, end);
  const messageEnd = at + length;
  if (messageEnd > end) throw malformed();
  range.nameStart = range.nameEnd = range.valueStart = range.valueEnd = at;
  range.next = messageEnd;
  while (at < messageEnd) {
    const tag = view.getUint8(at);
    if (tag === FIELD_1 || tag === FIELD_2) {
      at = readLength(view, at + 1, messageEnd);
      if (at + length > messageEnd) throw malformed();
      if (tag === FIELD_1) {
        range.nameStart = at;
        range.nameEnd = at + length;
      } else {
        range.valueStart = at;
        range.valueEnd = at + length;
      }
      at += length;
    } else {
      at = skipField(view, at, messageEnd);
    }
  }
}

/** The varint read last by `readLength`. */
let length = 0;

function readLength(view: DataView, at: number, end: number): number {
  length = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) throw malformed();
    const byte = view.getUint8(at++);
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return at;
  }
  throw malformed();
}

function skipField(view: DataView, at: number, end: number): number {
  at = readLength(view, at, end);
  const wireType = length & 7;
  if (length >>> 3 === 0) throw malformed();
  if (wireType === 0) {
    for (let i = 0; i < 10; i++) {
      if (at >= end) throw malformed();
      if (view.getUint8(at++) < 0x80) return at;
    }
    throw malformed();
  }
  if (wireType === 1) at += 8;
  else if (wireType === 5) at += 4;
  else if (wireType === 2) {
    at = readLength(view, at, end);
    at += length;
  } else throw malformed();
  if (at > end) throw malformed();
  return at;
}

function malformed(): InvalidSeriesError {
  return new InvalidSeriesError('malformed labels');
}

export function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Writes a varint below 2^28 and returns the position behind it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  target[at++] = value;
  return at;
}

const encoder = new TextEncoder();

/** The label run of `[name, value, …]` in the order given, which is canonical where the labels are sorted. */
export function encodeLabels(labels: readonly string[]): Uint8Array {
  const strings = labels.map((text) => encoder.encode(text));
  let size = 0;
  for (let i = 0; i < strings.length; i += 2) size += strings[i]!.length + strings[i + 1]!.length + 16;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < strings.length; i += 2) {
    const name = strings[i]!;
    const value = strings[i + 1]!;
    at = writeLabelHead(bytes, at, name.length, value.length);
    bytes.set(name, at);
    at = writeValueHead(bytes, at + name.length, value.length);
    bytes.set(value, at);
    at += value.length;
  }
  return bytes.subarray(0, at);
}

/** Writes what stands before a label's name. */
export function writeLabelHead(target: Uint8Array, at: number, nameLength: number, valueLength: number): number {
  const message = 2 + varintLength(nameLength) + nameLength + varintLength(valueLength) + valueLength;
  target[at++] = FIELD_1;
  at = writeVarint(target, at, message);
  target[at++] = FIELD_1;
  return writeVarint(target, at, nameLength);
}

/** Writes what stands between a label's name and its value. */
export function writeValueHead(target: Uint8Array, at: number, valueLength: number): number {
  target[at++] = FIELD_2;
  return writeVarint(target, at, valueLength);
}
