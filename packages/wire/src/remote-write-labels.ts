import { malformed } from './errors.ts';
import { createStringInterner, internUtf8 } from './interner.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readLength,
  seek,
  skipField,
} from './proto-reader.ts';

const LABEL = 0x0a;
const NAME = 0x0a;
const VALUE = 0x12;

const interner = createStringInterner();

/**
 * The labels in a byte range of repeated `labels` fields (field 1, messages of name and value): name, value, name,
 * value, … in the order of the bytes. Names and values may be empty and names may repeat: that is the caller's to judge.
 * @throws WireError malformed, also for invalid UTF-8
 */
export function decodeLabels(body: Uint8Array, start: number, end: number): string[] {
  const labels: string[] = [];
  const reader = createProtoReader(body, start, end);
  let at = start;
  while (at < end) {
    const next = decodePlainLabel(body, at, end, labels);
    if (next < 0) {
      seek(reader, at, end);
      decodeOddLabel(reader, labels);
      at = reader.at;
    } else at = next;
  }
  return labels;
}

/** A label of less than 128 bytes with its name and then its value, at `at`. Returns its end, or -1 if it is not so. */
function decodePlainLabel(body: Uint8Array, at: number, end: number, labels: string[]): number {
  if (end - at < 6 || body[at] !== LABEL || body[at + 2] !== NAME) return -1;
  const labelEnd = at + 2 + body[at + 1]!;
  if (body[at + 1]! >= 0x80 || labelEnd > end) return -1;
  const nameStart = at + 4;
  const nameEnd = nameStart + body[at + 3]!;
  if (nameEnd + 2 > labelEnd || body[nameEnd] !== VALUE) return -1;
  const valueStart = nameEnd + 2;
  if (valueStart + body[nameEnd + 1]! !== labelEnd) return -1;
  labels.push(readText(body, nameStart, nameEnd, 'name'), readText(body, valueStart, labelEnd, 'value'));
  return labelEnd;
}

function decodeOddLabel(reader: ProtoReader, labels: string[]): void {
  nextField(reader);
  if (reader.field !== 1) throw malformed(`remote write: field ${reader.field} among the labels`);
  const outerEnd = enterMessage(reader);
  readLabel(reader, labels);
  leaveMessage(reader, outerEnd);
}

/** Adds the name and the value of the Label message that the reader is in. */
export function readLabel(reader: ProtoReader, labels: string[]): void {
  let name = '';
  let value = '';
  while (nextField(reader)) {
    if (reader.field === 1) name = readTextField(reader, 'name');
    else if (reader.field === 2) value = readTextField(reader, 'value');
    else skipField(reader);
  }
  labels.push(name, value);
}

function readTextField(reader: ProtoReader, what: string): string {
  readLength(reader);
  const start = reader.at;
  reader.at = reader.valueEnd;
  return readText(reader.bytes, start, reader.valueEnd, what);
}

function readText(bytes: Uint8Array, start: number, end: number, what: string): string {
  try {
    return internUtf8(interner, bytes, start, end);
  } catch {
    throw malformed(`remote write: label ${what} is not UTF-8`);
  }
}
