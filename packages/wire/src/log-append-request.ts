import { malformed, tooManyRecords } from './errors.ts';
import { type AppendColumns, addRecord, createAppendColumns } from './log-append-columns.ts';
import { decodeAppendJson } from './log-append-json.ts';
import {
  type AttributeBuilder,
  addAttributes,
  createAttributeBuilder,
  finishAttributes,
  HEADERS_FIELD,
  type LogHeader,
  readHeader,
  TIMESTAMP_FIELD,
} from './log-attributes.ts';
import type { LogFormat } from './log-format.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBool,
  readInt64,
  readLength,
  skipField,
} from './proto-reader.ts';

/** A decoded append request: records as byte ranges of one buffer. */
export interface AppendRequest extends AppendColumns {
  readonly awaitDurable: boolean;
}

/**
 * Decodes the body of an append request. Unknown fields are ignored; keys and values may be empty but must be there.
 * A protobuf request's ranges point into `body` itself.
 * @throws WireError too_large for more than `maxRecords`; malformed: its message names the record: `record[3]: key is required`
 */
export function decodeAppendRequest(
  format: LogFormat,
  body: Uint8Array,
  maxRecords = Number.POSITIVE_INFINITY,
): AppendRequest {
  return format === 'protobuf' ? decodeAppendProtobuf(body, maxRecords) : decodeAppendJson(body, maxRecords);
}

function decodeAppendProtobuf(body: Uint8Array, maxRecords: number): AppendRequest {
  const columns: Columns = { ...createAppendColumns(body), builder: undefined };
  const reader = createProtoReader(body);
  let awaitDurable = false;
  while (nextField(reader)) {
    if (reader.field === 1) {
      if (columns.count === maxRecords) throw tooManyRecords(maxRecords);
      const outerEnd = enterMessage(reader);
      readRecord(reader, columns);
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 2) awaitDurable = readBool(reader);
    else skipField(reader);
  }
  const { builder, ...records } = columns;
  return { ...records, attributes: finishAttributes(builder, columns.count), awaitDurable };
}

type Columns = ReturnType<typeof createAppendColumns> & { builder: AttributeBuilder | undefined };

function readRecord(reader: ProtoReader, columns: Columns): void {
  let keyStart = -1;
  let keyEnd = 0;
  let valueStart = -1;
  let valueEnd = 0;
  let timestampMs: number | undefined;
  let headers: LogHeader[] | undefined;
  while (nextField(reader)) {
    if (reader.field === 1) {
      readLength(reader);
      keyStart = reader.at;
      reader.at = keyEnd = reader.valueEnd;
    } else if (reader.field === 2) {
      readLength(reader);
      valueStart = reader.at;
      reader.at = valueEnd = reader.valueEnd;
    } else if (reader.field === TIMESTAMP_FIELD) timestampMs = readInt64(reader);
    else if (reader.field === HEADERS_FIELD) {
      const header = readHeader(reader);
      if (header.name === '')
        throw malformed(`record[${columns.count}]: headers[${headers?.length ?? 0}]: name is required`);
      if (headers === undefined) headers = [header];
      else headers.push(header);
    } else skipField(reader);
  }
  if (keyStart < 0) throw malformed(`record[${columns.count}]: key is required`);
  if (valueStart < 0) throw malformed(`record[${columns.count}]: value is required`);
  if (timestampMs !== undefined || headers !== undefined) {
    addAttributes((columns.builder ??= createAttributeBuilder()), columns.count, { timestampMs, headers });
  }
  addRecord(columns, keyStart, keyEnd, valueStart, valueEnd);
}
