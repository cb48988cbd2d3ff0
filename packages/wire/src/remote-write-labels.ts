import { malformed } from './errors.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readLength,
  skipField,
} from './proto-reader.ts';
import { readUtf8 } from './utf8.ts';

/**
 * The labels in a byte range of repeated `labels` fields (field 1, messages of name and value): name, value, name,
 * value, … in the order of the bytes. Names and values may be empty and names may repeat: that is the caller's to judge.
 * @throws WireError malformed, also for invalid UTF-8
 */
export function decodeLabels(body: Uint8Array, start: number, end: number): string[] {
  const labels: string[] = [];
  const reader = createProtoReader(body, start, end);
  while (nextField(reader)) {
    if (reader.field !== 1) throw malformed(`remote write: field ${reader.field} among the labels`);
    const outerEnd = enterMessage(reader);
    readLabel(reader, labels);
    leaveMessage(reader, outerEnd);
  }
  return labels;
}

/** Adds the name and the value of the Label message that the reader is in. */
export function readLabel(reader: ProtoReader, labels: string[]): void {
  let name = '';
  let value = '';
  while (nextField(reader)) {
    if (reader.field === 1) name = readText(reader, 'name');
    else if (reader.field === 2) value = readText(reader, 'value');
    else skipField(reader);
  }
  labels.push(name, value);
}

function readText(reader: ProtoReader, what: string): string {
  readLength(reader);
  const start = reader.at;
  reader.at = reader.valueEnd;
  try {
    return readUtf8(reader.bytes, start, reader.valueEnd);
  } catch {
    throw malformed(`remote write: label ${what} is not UTF-8`);
  }
}
