import { maxKeyBytes } from '../key-bytes.ts';
import type { AppendRecord } from '../model.ts';
import { bytesOf, type LogBytes } from './bytes.ts';
import { LogClientError } from './errors.ts';
import type { KeySelection } from './log-client.ts';
import type { Target } from './log-port.ts';
import type { ClientHeader, ClientRecord } from './records.ts';

/** What callers hand in, also those without a type checker: refused here, by field and reason, before anything is asked. */

/** @throws LogClientError invalid_input */
export function checkedRecord(record: ClientRecord): AppendRecord {
  if (typeof record !== 'object' || record === null) {
    throw wrong('record', 'an object with key and value', record);
  }
  const { timestampMs } = record;
  if (timestampMs !== undefined && !Number.isSafeInteger(timestampMs)) {
    throw wrong('timestampMs', 'a whole number of ms since 1970', timestampMs);
  }
  const { headers } = record;
  if (headers !== undefined && !Array.isArray(headers)) throw wrong('headers', 'a list', headers);
  return {
    key: checkedKey(record.key),
    value: checkedBytes(record.value, 'value'),
    timestampMs,
    headers: headers?.map(checkedHeader),
  };
}

function checkedHeader(header: ClientHeader, i: number): { name: string; value: Uint8Array } {
  if (typeof header !== 'object' || header === null) {
    throw wrong(`headers[${i}]`, 'an object with name and value', header);
  }
  const { name, value } = header;
  if (typeof name !== 'string' || name === '') throw wrong(`headers[${i}].name`, 'text that is not empty', name);
  return { name, value: checkedBytes(value, `headers[${i}].value`) };
}

/** @throws LogClientError invalid_input */
export function checkedKey(key: LogBytes): Uint8Array {
  const bytes = checkedBytes(key, 'key');
  if (bytes.length <= maxKeyBytes) return bytes;
  throw new LogClientError('invalid_input', `key: expected at most ${maxKeyBytes} bytes, found ${bytes.length}`);
}

/** @throws LogClientError invalid_input */
export function checkedBytes(bytes: LogBytes, field: string): Uint8Array {
  if (typeof bytes !== 'string' && !(bytes instanceof Uint8Array))
    throw wrong(field, 'a string or a Uint8Array', bytes);
  return bytesOf(bytes);
}

/** @throws LogClientError invalid_input also for unknown fields and for lists that are there and select nothing */
export function checkedTarget(keys: LogBytes | KeySelection): Target {
  if (typeof keys === 'string' || keys instanceof Uint8Array) return checkedKey(keys);
  if (typeof keys !== 'object' || keys === null) {
    throw wrong('keys', 'a key, or an object with keys and prefixes', keys);
  }
  const unknown = Object.keys(keys).find((name) => name !== 'keys' && name !== 'prefixes');
  if (unknown !== undefined) {
    throw new LogClientError('invalid_input', `${unknown}: unknown field, expected keys or prefixes`);
  }
  const list = (name: 'keys' | 'prefixes') => {
    const values = keys[name] ?? [];
    if (!Array.isArray(values)) throw wrong(name, 'a list', values);
    return values.map((value: LogBytes, i) => checkedBytes(value, `${name}[${i}]`));
  };
  const isEverything = keys.keys === undefined && keys.prefixes === undefined;
  const target = { keys: list('keys'), prefixes: list('prefixes'), isEverything };
  if (isEverything || target.keys.length + target.prefixes.length > 0) return target;
  throw new LogClientError('invalid_input', 'no key and no prefix is selected');
}

/**
 * Sequences, times and numbers of records; where there is none, `undefined`.
 * @throws LogClientError invalid_input for one that is no whole number of 0 or more; `limit` may be infinite
 */
export function checkNumbers(fields: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || (name === 'limit' && value === Number.POSITIVE_INFINITY)) continue;
    if (!Number.isSafeInteger(value) || value < 0) throw wrong(name, 'a whole number of 0 or more', value);
  }
}

/**
 * True or false, or `undefined`.
 * @throws LogClientError invalid_input for anything else, by its field
 */
export function checkBooleans(fields: Readonly<Record<string, boolean | undefined>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  }
}

/**
 * A whole number from `min` to `max`, or `undefined`.
 * @throws LogClientError invalid_input
 */
export function checkWithin(field: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return;
  const isOpen = max === Number.MAX_SAFE_INTEGER;
  throw wrong(field, `a whole number ${isOpen ? `of ${min} or more` : `from ${min} to ${max}`}`, value);
}

/** @throws LogClientError invalid_input where more than one of these says where to begin */
export function checkOneStart(fields: Readonly<Record<string, number | undefined>>): void {
  const given = Object.keys(fields).filter((name) => fields[name] !== undefined);
  if (given.length < 2) return;
  throw new LogClientError('invalid_input', `expected one place to begin, found ${given.join(' and ')}`);
}

function wrong(field: string, expected: string, found: unknown): LogClientError {
  const text =
    typeof found === 'object' && found !== null ? 'an object' : typeof found === 'string' ? 'a string' : found;
  return new LogClientError('invalid_input', `${field}: expected ${expected}, found ${String(text)}`);
}
