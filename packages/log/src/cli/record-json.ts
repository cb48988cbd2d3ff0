import { isUtf8 } from 'node:buffer';
import type { ClientRecord, ReadRecord } from '../client/records.ts';

/** A record as one line of JSON: bytes that are text as `value`, others as base64 in `valueB64`. */
export function recordToJson({ sequence, key, value, arrivalTimeMs, timestampMs, headers }: ReadRecord): object {
  return {
    sequence,
    ...named('key', key),
    ...named('value', value),
    arrivalTimeMs,
    ...(timestampMs !== undefined && { timestampMs }),
    ...(headers !== undefined && { headers: headers.map(({ name, value }) => ({ name, ...named('value', value) })) }),
  };
}

/** `{name: text}` or `{nameB64: base64}`. */
export function named(name: string, bytes: Uint8Array): object {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { [name]: buffer.toString() } : { [`${name}B64`]: buffer.toString('base64') };
}

/** The record in a line that {@link recordToJson} wrote, or that somebody wrote like it. @throws SyntaxError saying what is wrong */
export function recordFromJson(line: string, key: Uint8Array | undefined): ClientRecord {
  const row = objectOf(JSON.parse(line), 'the line');
  const ownKey = bytesFrom(row, 'key') ?? key;
  if (ownKey === undefined) throw new SyntaxError('key (or keyB64) is missing');
  const value = bytesFrom(row, 'value');
  if (value === undefined) throw new SyntaxError('value (or valueB64) is missing');
  const { timestampMs, headers } = row;
  if (timestampMs !== undefined && !Number.isSafeInteger(timestampMs)) {
    throw new SyntaxError('timestampMs is not a whole number');
  }
  if (headers !== undefined && !Array.isArray(headers)) throw new SyntaxError('headers is not an array');
  return {
    key: ownKey,
    value,
    ...(timestampMs !== undefined && { timestampMs: timestampMs as number }),
    ...(headers !== undefined && { headers: headers.map(headerFrom) }),
  };
}

function headerFrom(header: unknown, index: number): { name: string; value: Uint8Array } {
  const row = objectOf(header, `headers[${index}]`);
  const { name } = row;
  if (typeof name !== 'string' || name === '') throw new SyntaxError(`headers[${index}]: name is missing`);
  return { name, value: bytesFrom(row, 'value') ?? new Uint8Array(0) };
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SyntaxError(`${what} is not a JSON object`);
}

function bytesFrom(row: Record<string, unknown>, name: string): Uint8Array | undefined {
  const text = row[name];
  const base64 = row[`${name}B64`];
  if (typeof text === 'string') return Buffer.from(text);
  if (text !== undefined) throw new SyntaxError(`${name} is not a string`);
  if (base64 === undefined) return undefined;
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64)) {
    throw new SyntaxError(`${name}B64 is not base64`);
  }
  return Buffer.from(base64, 'base64');
}
