import { malformed } from './errors.ts';
import { type AppendColumns, addRecord, createAppendColumns } from './log-append-columns.ts';
import { decodeAppendJson } from './log-append-json.ts';
import type { LogFormat } from './log-format.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBool,
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
 * @throws WireError malformed; its message names the record: `record[3]: key is required`
 */
export function decodeAppendRequest(format: LogFormat, body: Uint8Array): AppendRequest {
  return format === 'protobuf' ? decodeAppendProtobuf(body) : decodeAppendJson(body);
}

function decodeAppendProtobuf(body: Uint8Array): AppendRequest {
  const columns = createAppendColumns(body);
  const reader = createProtoReader(body);
  let awaitDurable = false;
  while (nextField(reader)) {
    if (reader.field === 1) {
      const outerEnd = enterMessage(reader);
      readRecord(reader, columns);
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 2) awaitDurable = readBool(reader);
    else skipField(reader);
  }
  return { ...columns, awaitDurable };
}

function readRecord(reader: ProtoReader, columns: ReturnType<typeof createAppendColumns>): void {
  let keyStart = -1;
  let keyEnd = 0;
  let valueStart = -1;
  let valueEnd = 0;
  while (nextField(reader)) {
    if (reader.field === 1) {
      readLength(reader);
      keyStart = reader.at;
      reader.at = keyEnd = reader.valueEnd;
    } else if (reader.field === 2) {
      readLength(reader);
      valueStart = reader.at;
      reader.at = valueEnd = reader.valueEnd;
    } else skipField(reader);
  }
  if (keyStart < 0) throw malformed(`record[${columns.count}]: key is required`);
  if (valueStart < 0) throw malformed(`record[${columns.count}]: value is required`);
  addRecord(columns, keyStart, keyEnd, valueStart, valueEnd);
}
