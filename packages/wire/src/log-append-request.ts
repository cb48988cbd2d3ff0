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

/** {@link decodeAppendRequest} with arrays that are used again: a result is valid until the next call. */
export function createAppendDecoder(): typeof decodeAppendRequest {
  const columns = createFrameColumns(new Uint8Array(0));
  return (format, body, maxRecords = Number.POSITIVE_INFINITY) => {
    if (format !== 'protobuf') return decodeAppendJson(body, maxRecords);
    columns.bytes = body;
    columns.count = 0;
    columns.builder = undefined;
    const awaitDurable = readRequest(createProtoReader(body), columns, maxRecords);
    const { count, keyStart, keyEnd, valueStart, valueEnd } = columns;
    const attributes = finishAttributes(columns.builder, count);
    return { bytes: body, count, keyStart, keyEnd, valueStart, valueEnd, attributes, awaitDurable };
  };
}

function decodeAppendProtobuf(body: Uint8Array, maxRecords: number): AppendRequest {
  const columns = createFrameColumns(body);
  const awaitDurable = readRequest(createProtoReader(body), columns, maxRecords);
  return { ...finishFrames(columns), awaitDurable };
}

/** Reads an AppendRequest into the columns; returns whether it is to be durable. */
function readRequest(reader: ProtoReader, columns: FrameColumns, maxRecords: number): boolean {
  let awaitDurable = false;
  columns.first = columns.count;
  while (nextField(reader)) {
    if (reader.field === 1) {
      if (columns.count - columns.first === maxRecords) throw tooManyRecords(maxRecords);
      const outerEnd = enterMessage(reader);
      readRecord(reader, columns);
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 2) awaitDurable = readBool(reader);
    else skipField(reader);
  }
  return awaitDurable;
}

/** Records of several protobuf requests that lie in one buffer, one request behind the other. */
export type FrameColumns = ReturnType<typeof createAppendColumns> & {
  builder: AttributeBuilder | undefined;
  /** Index of the first record of the request that is read. */
  first: number;
};

export function createFrameColumns(bytes: Uint8Array): FrameColumns {
  return { ...createAppendColumns(bytes), builder: undefined, first: 0 };
}

/** What requests that are taken together may be like. */
export interface FrameLimits {
  readonly maxRecords: number;
  readonly maxKeyBytes: number;
}

/**
 * Adds the records of the AppendRequest in `bytes[start, end)` of the columns; returns whether it is to be durable.
 * Columns are as before when it throws.
 * @throws WireError malformed | unsupported, too_large for more than `maxRecords` or a longer key
 */
export function addAppendFrame(columns: FrameColumns, start: number, end: number, limits: FrameLimits): boolean {
  const { count, builder } = columns;
  const attributesEnd = builder?.writer.at ?? 0;
  const attributed = builder?.ends.length ?? 0;
  try {
    const awaitDurable = readRequest(createProtoReader(columns.bytes, start, end), columns, limits.maxRecords);
    for (let i = count; i < columns.count; i++) {
      const length = columns.keyEnd[i]! - columns.keyStart[i]!;
      if (length <= limits.maxKeyBytes) continue;
      throw malformed(`record[${i - count}]: key has ${length} bytes, at most ${limits.maxKeyBytes} are allowed`);
    }
    return awaitDurable;
  } catch (error) {
    columns.count = count;
    if (columns.builder !== undefined) {
      columns.builder.writer.at = attributesEnd;
      columns.builder.ends.length = attributed;
    }
    throw error;
  }
}

/** The records so far, to be appended as one. */
export function finishFrames({ builder, first: _, ...records }: FrameColumns): AppendColumns {
  return { ...records, attributes: finishAttributes(builder, records.count) };
}

function readRecord(reader: ProtoReader, columns: FrameColumns): void {
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
        throw malformed(`record[${columns.count - columns.first}]: headers[${headers?.length ?? 0}]: name is required`);
      if (headers === undefined) headers = [header];
      else headers.push(header);
    } else skipField(reader);
  }
  if (keyStart < 0) throw malformed(`record[${columns.count - columns.first}]: key is required`);
  if (valueStart < 0) throw malformed(`record[${columns.count - columns.first}]: value is required`);
  if (timestampMs !== undefined || headers !== undefined) {
    addAttributes((columns.builder ??= createAttributeBuilder()), columns.count, { timestampMs, headers });
  }
  addRecord(columns, keyStart, keyEnd, valueStart, valueEnd);
}
