import { Buffer } from 'node:buffer';
import type { AppendColumns } from './log-append-columns.ts';
import { attributesJson } from './log-attributes.ts';
import type { LogFormat } from './log-format.ts';
import { putVarint, varintSize } from './proto-writer.ts';

const RECORDS_TAG = 0x0a;
const KEY_TAG = 0x0a;
const VALUE_TAG = 0x12;
const AWAIT_DURABLE_TAG = 0x10;
const SHORT_COPY_BYTES = 48;

/** Encodes the body of an append request. */
export function encodeAppendRequest(format: LogFormat, records: AppendColumns, awaitDurable: boolean): Uint8Array {
  if (format === 'json') return encodeAppendJson(records, awaitDurable);
  const size = appendRequestSize(records, awaitDurable);
  const out = Buffer.allocUnsafe(size);
  putAppendRequest(out, 0, records, awaitDurable);
  return out;
}

/** Bytes of the AppendRequest message. */
export function appendRequestSize(records: AppendColumns, awaitDurable: boolean): number {
  let size = awaitDurable ? 2 : 0;
  for (let i = 0; i < records.count; i++) {
    const inner = recordSize(records, i);
    size += 1 + varintSize(inner) + inner;
  }
  return size;
}

/** Writes the AppendRequest message at `at`, where there must be room; returns the offset after it. */
export function putAppendRequest(out: Uint8Array, at: number, records: AppendColumns, awaitDurable: boolean): number {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd, attributes } = records;
  for (let i = 0; i < records.count; i++) {
    out[at++] = RECORDS_TAG;
    at = putVarint(out, at, recordSize(records, i));
    out[at++] = KEY_TAG;
    at = putVarint(out, at, keyEnd[i]! - keyStart[i]!);
    at = copyRange(out, at, bytes, keyStart[i]!, keyEnd[i]!);
    out[at++] = VALUE_TAG;
    at = putVarint(out, at, valueEnd[i]! - valueStart[i]!);
    at = copyRange(out, at, bytes, valueStart[i]!, valueEnd[i]!);
    if (attributes !== undefined) {
      at = copyRange(out, at, attributes.bytes, i === 0 ? 0 : attributes.end[i - 1]!, attributes.end[i]!);
    }
  }
  if (awaitDurable) {
    out[at++] = AWAIT_DURABLE_TAG;
    out[at++] = 1;
  }
  return at;
}

function recordSize({ keyStart, keyEnd, valueStart, valueEnd, attributes }: AppendColumns, i: number): number {
  const keyLength = keyEnd[i]! - keyStart[i]!;
  const valueLength = valueEnd[i]! - valueStart[i]!;
  const attributeLength = attributes === undefined ? 0 : attributes.end[i]! - (i === 0 ? 0 : attributes.end[i - 1]!);
  return 2 + varintSize(keyLength) + keyLength + varintSize(valueLength) + valueLength + attributeLength;
}

function copyRange(out: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  if (end - start > SHORT_COPY_BYTES) out.set(source.subarray(start, end), at);
  else for (let i = start; i < end; i++) out[at + i - start] = source[i]!;
  return at + end - start;
}

function encodeAppendJson(records: AppendColumns, awaitDurable: boolean): Uint8Array {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd, attributes } = records;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: string[] = [];
  for (let i = 0; i < records.count; i++) {
    const key = buffer.toString('base64', keyStart[i], keyEnd[i]);
    const value = buffer.toString('base64', valueStart[i], valueEnd[i]);
    const more =
      attributes === undefined
        ? ''
        : attributesJson(attributes.bytes, i === 0 ? 0 : attributes.end[i - 1]!, attributes.end[i]!);
    rows.push(`{"key":"${key}","value":"${value}"${more}}`);
  }
  return Buffer.from(`{"records":[${rows.join(',')}],"awaitDurable":${awaitDurable}}`);
}
