import { malformed } from './errors.ts';
import type { LogFormat } from './log-format.ts';
import { base64Of, integerOf, objectOf } from './log-json-values.ts';
import type { SegmentRow } from './log-responses.ts';
import { decodeScanJson, decodeScanProtobuf, type ScanResponse } from './log-scan-decode.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBytes,
  readInt64,
  readUint32,
  readUint64,
  skipField,
} from './proto-reader.ts';

export interface AppendResponse {
  readonly recordsAppended: number;
  readonly startSequence: number;
}

/** @throws WireError malformed | unsupported */
export function decodeAppendResponse(format: LogFormat, body: Uint8Array): AppendResponse {
  let recordsAppended = 0;
  let startSequence = 0;
  if (format === 'json') {
    const response = objectOf(body);
    recordsAppended = integerOf(response['recordsAppended'], 'recordsAppended');
    startSequence = integerOf(response['startSequence'], 'startSequence');
  } else {
    eachField(createProtoReader(body), (field, reader) => {
      if (field === 2) recordsAppended = readUint32(reader);
      else if (field === 3) startSequence = readUint64(reader);
      else return false;
      return true;
    });
  }
  return { recordsAppended, startSequence };
}

/** The answer of `scan` or `read`. Its records are ranges of `body` in protobuf. @throws WireError malformed | unsupported */
export function decodeScanResponse(format: LogFormat, body: Uint8Array): ScanResponse {
  return format === 'json' ? decodeScanJson(body) : decodeScanProtobuf(body);
}

/** @throws WireError malformed | unsupported */
export function decodeKeysResponse(format: LogFormat, body: Uint8Array): Uint8Array[] {
  const keys: Uint8Array[] = [];
  if (format === 'json') {
    for (const [i, row] of rowsOf(objectOf(body), 'keys').entries()) keys.push(base64Of(row['key'], `keys[${i}].key`));
    return keys;
  }
  eachMessage(body, 2, (reader) => {
    let key: Uint8Array = new Uint8Array(0);
    eachField(reader, (field) => {
      if (field !== 1) return false;
      key = readBytes(reader);
      return true;
    });
    keys.push(key);
  });
  return keys;
}

/** @throws WireError malformed | unsupported */
export function decodeSegmentsResponse(format: LogFormat, body: Uint8Array): SegmentRow[] {
  if (format === 'json') {
    return rowsOf(objectOf(body), 'segments').map((row, i) => ({
      id: integerOf(row['id'], `segments[${i}].id`),
      startSequence: integerOf(row['startSeq'], `segments[${i}].startSeq`),
      startTimeMs: integerOf(row['startTimeMs'], `segments[${i}].startTimeMs`),
    }));
  }
  const segments: SegmentRow[] = [];
  eachMessage(body, 2, (reader) => {
    const segment = { id: 0, startSequence: 0, startTimeMs: 0 };
    eachField(reader, (field) => {
      if (field === 1) segment.id = readUint32(reader);
      else if (field === 2) segment.startSequence = readUint64(reader);
      else if (field === 3) segment.startTimeMs = readInt64(reader);
      else return false;
      return true;
    });
    segments.push(segment);
  });
  return segments;
}

/** @throws WireError malformed | unsupported */
export function decodeCountResponse(format: LogFormat, body: Uint8Array): number {
  if (format === 'json') return integerOf(objectOf(body)['count'], 'count');
  let count = 0;
  eachField(createProtoReader(body), (field, reader) => {
    if (field !== 2) return false;
    count = readUint64(reader);
    return true;
  });
  return count;
}

/** The message of an error answer, which is JSON in both formats; undefined for anything else. */
export function decodeErrorResponse(body: Uint8Array): string | undefined {
  try {
    const { message } = objectOf(body);
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Calls `take` for each field; it reads the value and answers true, or leaves it to be skipped. */
function eachField(reader: ProtoReader, take: (field: number, reader: ProtoReader) => boolean): void {
  while (nextField(reader)) if (!take(reader.field, reader)) skipField(reader);
}

/** Calls `read` for each sub-message that is field `field` of the body. */
function eachMessage(body: Uint8Array, field: number, read: (reader: ProtoReader) => void): void {
  eachField(createProtoReader(body), (found, reader) => {
    if (found !== field) return false;
    const outerEnd = enterMessage(reader);
    read(reader);
    leaveMessage(reader, outerEnd);
    return true;
  });
}

function rowsOf(response: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const rows = response[name];
  if (!Array.isArray(rows)) throw malformed(`${name}: expected an array`);
  rows.forEach((row: unknown, i) => {
    if (typeof row !== 'object' || row === null) throw malformed(`${name}[${i}]: expected an object`);
  });
  return rows as Record<string, unknown>[];
}
