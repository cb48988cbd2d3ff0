import { Buffer } from 'node:buffer';
import { malformed } from './errors.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBytes,
  readInt64,
  readString,
  skipField,
} from './proto-reader.ts';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  writeBytesField,
  writeInt64Field,
  writeStringField,
  writtenBytes,
} from './proto-writer.ts';

/** A named value beside a record's own. Names may repeat. */
export interface LogHeader {
  readonly name: string;
  readonly value: Uint8Array;
}

/** What a record may carry beside key and value. */
export interface LogAttributes {
  /** The client's own time, ms since 1970. */
  readonly timestampMs?: number | undefined;
  readonly headers?: readonly LogHeader[] | undefined;
}

/**
 * Attributes of many records: those of record i are `bytes[end[i - 1] or 0, end[i])`, empty for a record without any.
 * The bytes are fields 3 (timestamp) and 4 (headers) of the messages Record and Value, so that they are passed on as
 * they are.
 */
export interface AttributeColumn {
  readonly bytes: Uint8Array;
  readonly end: Uint32Array;
}

export const TIMESTAMP_FIELD = 3;
export const HEADERS_FIELD = 4;

/** Collects the attributes of records in their order. */
export interface AttributeBuilder {
  readonly writer: ProtoWriter;
  /** where the attributes of the records so far end; records behind its last have none */
  readonly ends: number[];
}

export function createAttributeBuilder(): AttributeBuilder {
  return { writer: createProtoWriter(256), ends: [] };
}

/** Adds to the attributes of record `index`; calls come in the order of the records. */
export function addAttributes(builder: AttributeBuilder, index: number, attributes: LogAttributes): void {
  const { writer, ends } = builder;
  while (ends.length < index) ends.push(ends.at(-1) ?? 0);
  const { timestampMs, headers } = attributes;
  if (timestampMs !== undefined) writeInt64Field(writer, TIMESTAMP_FIELD, timestampMs);
  for (const { name, value } of headers ?? []) {
    const mark = beginMessage(writer, HEADERS_FIELD);
    writeStringField(writer, 1, name);
    writeBytesField(writer, 2, value);
    endMessage(writer, mark);
  }
  ends[index] = writer.at;
}

/** The attributes of `count` records; undefined when none has any. */
export function finishAttributes(builder: AttributeBuilder | undefined, count: number): AttributeColumn | undefined {
  if (builder === undefined || builder.writer.at === 0) return undefined;
  const { ends, writer } = builder;
  while (ends.length < count) ends.push(ends.at(-1) ?? 0);
  return { bytes: writtenBytes(writer), end: Uint32Array.from(ends) };
}

/** Decodes the attributes in `bytes[start, end)`. @throws WireError malformed */
export function decodeAttributes(bytes: Uint8Array, start: number, end: number): LogAttributes {
  const reader = createProtoReader(bytes, start, end);
  const headers: LogHeader[] = [];
  let timestampMs: number | undefined;
  while (nextField(reader)) {
    if (reader.field === TIMESTAMP_FIELD) timestampMs = readInt64(reader);
    else if (reader.field === HEADERS_FIELD) headers.push(readHeader(reader));
    else skipField(reader);
  }
  return {
    ...(timestampMs !== undefined && { timestampMs }),
    ...(headers.length > 0 && { headers }),
  };
}

/** Reads the Header message that the reader stands before. @throws WireError malformed */
export function readHeader(reader: ProtoReader): LogHeader {
  const outerEnd = enterMessage(reader);
  let name = '';
  let value: Uint8Array = new Uint8Array(0);
  while (nextField(reader)) {
    if (reader.field === 1) name = readString(reader);
    else if (reader.field === 2) value = readBytes(reader);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
  return { name, value };
}

/** The attributes of a record in a JSON request; undefined when it has none. @throws WireError malformed */
export function parseAttributes(record: object, index: number): LogAttributes | undefined {
  const { timestampMs, headers } = record as { timestampMs?: unknown; headers?: unknown };
  const hasTime = timestampMs !== undefined && timestampMs !== null;
  const hasHeaders = headers !== undefined && headers !== null;
  if (!hasTime && !hasHeaders) return undefined;
  if (hasTime && !Number.isSafeInteger(timestampMs)) {
    throw malformed(`record[${index}]: timestampMs is not a whole number`);
  }
  if (hasHeaders && !Array.isArray(headers)) throw malformed(`record[${index}]: headers: expected an array`);
  return {
    ...(hasTime && { timestampMs: timestampMs as number }),
    ...(hasHeaders && {
      headers: headers.map((header: unknown, i) => parseHeader(header, `record[${index}]: headers[${i}]`)),
    }),
  };
}

const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

function parseHeader(header: unknown, where: string): LogHeader {
  if (typeof header !== 'object' || header === null) throw malformed(`${where}: expected an object`);
  const { name, value = '' } = header as { name?: unknown; value?: unknown };
  if (typeof name !== 'string' || name === '') throw malformed(`${where}: name is required`);
  if (typeof value !== 'string' || !base64Text.test(value)) throw malformed(`${where}: value is not valid base64`);
  return { name, value: Buffer.from(value, 'base64') };
}

/** The members that attributes add to a record in JSON, each with a comma before it. */
export function attributesJson(bytes: Uint8Array, start: number, end: number): string {
  const { timestampMs, headers } = decodeAttributes(bytes, start, end);
  const rows = headers?.map(({ name, value }) => ({ name, value: Buffer.from(value).toString('base64') }));
  return `${timestampMs === undefined ? '' : `,"timestampMs":${timestampMs}`}${rows === undefined ? '' : `,"headers":${JSON.stringify(rows)}`}`;
}
