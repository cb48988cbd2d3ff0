import { Buffer } from 'node:buffer';
import type { LogFormat } from './log-format.ts';
import { encodeScanJson } from './log-scan-json.ts';
import { encodeScanProtobuf, encodeScanProtobufParts, type ScanParts } from './log-scan-protobuf.ts';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeBytesField,
  writeInt64Field,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from './proto-writer.ts';

/** Records that a scan found: value i is the byte range starts[i] … ends[i] of sources[i]. */
export interface ScanColumns {
  readonly count: number;
  readonly sequences: Float64Array;
  readonly sources: readonly Uint8Array[];
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** arrival of each record, ms since 1970; left out of the answer when undefined */
  readonly times?: Float64Array | undefined;
  /** bytes of attributes right before each value; undefined when no record has any */
  readonly attributeLengths?: Uint32Array | undefined;
  /** key i is keyStarts[i] … keyEnds[i] of keySources[i]; undefined where all records are of one key */
  readonly keySources?: readonly Uint8Array[] | undefined;
  readonly keyStarts?: Uint32Array | undefined;
  readonly keyEnds?: Uint32Array | undefined;
  /** where to go on reading */
  readonly nextSequence: number;
}

export interface SegmentRow {
  readonly id: number;
  readonly startSequence: number;
  /** ms since 1970 */
  readonly startTimeMs: number;
}

const SUCCESS = 'success';

export function encodeAppendResponse(format: LogFormat, recordsAppended: number, startSequence: number): Uint8Array {
  if (format === 'json') return toJson({ status: SUCCESS, recordsAppended, startSequence });
  const writer = successWriter(32);
  writeNonZero(writer, 2, recordsAppended);
  writeNonZero(writer, 3, startSequence);
  return writtenBytes(writer);
}

/** The bytes of {@link encodeAppendResponse} as a string (latin1), which is quicker to make and to send. */
export function appendResponseText(format: LogFormat, recordsAppended: number, startSequence: number): string {
  if (format === 'json') {
    return `{"status":"${SUCCESS}","recordsAppended":${recordsAppended},"startSequence":${startSequence}}`;
  }
  return SUCCESS_FIELD + numberField('\x10', recordsAppended) + numberField('\x18', startSequence);
}

const SUCCESS_FIELD = `\x0a\x07${SUCCESS}`;

function numberField(tag: string, value: number): string {
  if (value === 0) return '';
  let text = tag;
  for (; value >= 0x80; value = Math.floor(value / 0x80)) text += String.fromCharCode((value % 0x80) + 0x80);
  return text + String.fromCharCode(value);
}

/** Encodes the answer to a scan of `key`, or to a read over many keys when it is undefined, into one buffer. */
export function encodeScanResponse(format: LogFormat, key: Uint8Array | undefined, records: ScanColumns): Uint8Array {
  return format === 'json' ? encodeScanJson(key, records) : encodeScanProtobuf(key, records);
}

/** The same in pieces, for those who send the first ones while the others are made. JSON is one piece. */
export function encodeScanResponseParts(
  format: LogFormat,
  key: Uint8Array | undefined,
  records: ScanColumns,
  partBytes: number,
): ScanParts {
  if (format === 'protobuf') return encodeScanProtobufParts(key, records, partBytes);
  const body = encodeScanJson(key, records);
  return { sizeBytes: body.length, parts: [body] };
}

export function encodeKeysResponse(format: LogFormat, keys: readonly Uint8Array[]): Uint8Array {
  if (format === 'json') return toJson({ status: SUCCESS, keys: keys.map((key) => ({ key: toBase64(key) })) });
  const writer = successWriter();
  for (const key of keys) {
    const mark = beginMessage(writer, 2);
    if (key.length > 0) writeBytesField(writer, 1, key);
    endMessage(writer, mark);
  }
  return writtenBytes(writer);
}

export function encodeSegmentsResponse(format: LogFormat, segments: readonly SegmentRow[]): Uint8Array {
  if (format === 'json') {
    const rows = segments.map(({ id, startSequence, startTimeMs }) => ({ id, startSeq: startSequence, startTimeMs }));
    return toJson({ status: SUCCESS, segments: rows });
  }
  const writer = successWriter();
  for (const segment of segments) {
    const mark = beginMessage(writer, 2);
    writeNonZero(writer, 1, segment.id);
    writeNonZero(writer, 2, segment.startSequence);
    if (segment.startTimeMs !== 0) writeInt64Field(writer, 3, segment.startTimeMs);
    endMessage(writer, mark);
  }
  return writtenBytes(writer);
}

export function encodeCountResponse(format: LogFormat, count: number): Uint8Array {
  if (format === 'json') return toJson({ status: SUCCESS, count });
  const writer = successWriter(16);
  writeNonZero(writer, 2, count);
  return writtenBytes(writer);
}

/** Errors are JSON in both formats. */
export function encodeErrorResponse(message: string): Uint8Array {
  return toJson({ status: 'error', message });
}

function successWriter(capacityBytes = 1024): ProtoWriter {
  const writer = createProtoWriter(capacityBytes);
  writeStringField(writer, 1, SUCCESS);
  return writer;
}

/** Protobuf leaves out numbers that are 0. */
function writeNonZero(writer: ProtoWriter, field: number, value: number): void {
  if (value !== 0) writeUint64Field(writer, field, value);
}

function toJson(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
