import { Buffer } from 'node:buffer';
import { decodeBase64 } from './base64.ts';
import { malformed, tooManyRecords } from './errors.ts';
import { addRecord, createAppendColumns } from './log-append-columns.ts';
import type { AppendRequest } from './log-append-request.ts';
import { scanAppendJson } from './log-append-scan.ts';
import {
  type AttributeBuilder,
  addAttributes,
  createAttributeBuilder,
  finishAttributes,
  parseAttributes,
} from './log-attributes.ts';
import { objectOf } from './log-json-values.ts';

/**
 * Decodes `{"records": [{"key": base64, "value": base64}], "awaitDurable": bool}`; records may have `timestampMs` and
 * `headers: [{"name", "value": base64}]`. Bodies in the plain shape that clients send are scanned as bytes; all others go through JSON.parse, with the same result.
 * @throws WireError malformed; too_large for more than `maxRecords`
 */
export function decodeAppendJson(body: Uint8Array, maxRecords = Number.POSITIVE_INFINITY): AppendRequest {
  return scanAppendJson(body, maxRecords) ?? parseAppendJson(body, maxRecords);
}

const requestFields = ['records', 'awaitDurable', 'await_durable'];
const recordFields = ['key', 'value', 'timestampMs', 'headers'];

/** A misspelt field would change what an acknowledgement means. */
function refuseUnknown(object: object, fields: readonly string[], where: string): void {
  for (const name of Object.keys(object)) {
    if (!fields.includes(name)) {
      throw malformed(`${where}unknown field ${JSON.stringify(name)}, expected one of ${fields.join(', ')}`);
    }
  }
}

/** The slow way, which takes any JSON. */
export function parseAppendJson(body: Uint8Array, maxRecords = Number.POSITIVE_INFINITY): AppendRequest {
  const request = objectOf(body);
  const records = request['records'];
  if (records === undefined || records === null) throw malformed('records is required');
  refuseUnknown(request, requestFields, '');
  if (!Array.isArray(records)) throw malformed('records: expected an array');
  if (records.length > maxRecords) throw tooManyRecords(maxRecords);
  const awaitDurable = request['awaitDurable'] ?? request['await_durable'] ?? false;
  if (typeof awaitDurable !== 'boolean') throw malformed('awaitDurable: expected true or false');
  const out = Buffer.allocUnsafe(Math.ceil((body.length * 3) / 4));
  const columns = createAppendColumns(out);
  let at = 0;
  let builder: AttributeBuilder | undefined;
  for (const [i, record] of records.entries()) {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw malformed(`record[${i}]: expected an object`);
    }
    const keyEnd = at + writeBase64(record, i, 'key', out, at);
    const valueEnd = keyEnd + writeBase64(record, i, 'value', out, keyEnd);
    refuseUnknown(record, recordFields, `record[${i}]: `);
    const attributes = parseAttributes(record, i);
    if (attributes !== undefined) addAttributes((builder ??= createAttributeBuilder()), i, attributes);
    addRecord(columns, at, keyEnd, keyEnd, valueEnd);
    at = valueEnd;
  }
  return { ...columns, attributes: finishAttributes(builder, columns.count), awaitDurable };
}

function writeBase64(record: object, index: number, name: 'key' | 'value', out: Buffer, at: number): number {
  const text = (record as Record<string, unknown>)[name];
  if (text === undefined || text === null) throw malformed(`record[${index}]: ${name} is required`);
  if (typeof text !== 'string') throw malformed(`record[${index}]: ${name} is not a base64 string`);
  const bytes = Buffer.from(text);
  const written = decodeBase64(bytes, 0, bytes.length, out, at);
  if (written < 0) throw malformed(`record[${index}]: ${name} is not valid base64`);
  return written;
}
