import { isWireError, malformed } from '../errors.ts';

/** Fields of protobuf's JSON encoding: names in lowerCamelCase or as in the schema, null as if absent. */
export type JsonObject = Readonly<Record<string, unknown>>;

const PREFIX = 'otlp: ';

/** @throws WireError malformed where the value is no object */
export function asObject(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected('', 'an object', value);
  return value as JsonObject;
}

export function field(object: JsonObject, name: string): unknown {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value !== undefined) return value ?? undefined;
  const original = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.hasOwn(object, original) ? (object[original] ?? undefined) : undefined;
}

export function listField(object: JsonObject, name: string): readonly unknown[] {
  const value = field(object, name);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unexpected(name, 'an array', value);
  return value;
}

/** Each entry of a list by `map`, whose errors get the place. */
export function mapField<T>(object: JsonObject, name: string, map: (value: unknown) => T): T[] {
  const mapped: T[] = [];
  for (const [i, value] of listField(object, name).entries()) {
    try {
      mapped.push(map(value));
    } catch (error) {
      throw within(error, `${name}[${i}]`);
    }
  }
  return mapped;
}

/** What `read` makes of the object in a field, `undefined` where there is none. Errors get the place. */
export function readField<T>(object: JsonObject, name: string, read: (value: JsonObject) => T): T | undefined {
  const value = field(object, name);
  if (value === undefined) return undefined;
  try {
    return read(asObject(value));
  } catch (error) {
    throw within(error, name);
  }
}

/** The same error with the place around its own: `asDouble` inside `dataPoints[3]`. */
export function within(error: unknown, place: string): unknown {
  if (!isWireError(error) || error.code !== 'malformed') return error;
  const rest = error.message.slice(PREFIX.length);
  return malformed(`${PREFIX}${place}${rest.startsWith('expected') ? ': ' : '.'}${rest}`);
}

export function stringField(object: JsonObject, name: string): string {
  const value = field(object, name);
  if (value === undefined) return '';
  if (typeof value !== 'string') throw unexpected(name, 'a string', value);
  if (/\p{Surrogate}/u.test(value)) throw malformed(`${PREFIX}${name}: not valid Unicode`);
  return value;
}

export function booleanField(object: JsonObject, name: string): boolean {
  const value = field(object, name);
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw unexpected(name, 'true or false', value);
  return value;
}

/** A double: a number, or a string for what JSON cannot write. */
export function doubleField(object: JsonObject, name: string): number | undefined {
  const value = field(object, name);
  return value === undefined ? undefined : asDouble(value, name);
}

/** @param what its name; empty for an entry of a list */
export function asDouble(value: unknown, what = ''): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return Number(value);
  throw unexpected(what, 'a number', value);
}

/** An integer of up to 64 bits, written as a number or a decimal string; the nearest double. */
export function integerField(object: JsonObject, name: string): number {
  const value = field(object, name);
  return value === undefined ? 0 : asInteger(value, name);
}

/** @param what its name; empty for an entry of a list */
export function asInteger(value: unknown, what = ''): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value === 'string' && /^[+-]?\d{1,20}$/.test(value)) return Number(value) + 0;
  throw unexpected(what, 'an integer', value);
}

/** Nanoseconds as whole ms. */
export function timeField(object: JsonObject, name: string): number {
  const value = field(object, name);
  if (value === undefined) return 0;
  if (typeof value === 'string') {
    if (!/^\d{1,20}$/.test(value)) throw unexpected(name, 'a time in nanoseconds', value);
    return value.length > 6 ? Number(value.slice(0, -6)) : 0;
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw unexpected(name, 'a time in nanoseconds', value);
  }
  // A number of this size is off by up to 128 ns.
  return Math.floor((value + 128) / 1_000_000);
}

export function unexpected(what: string, expected: string, value: unknown): Error {
  const text = typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'an array' : 'an object') : value;
  const found = typeof text === 'string' && text.length > 40 ? `${text.slice(0, 40)}…` : String(text);
  return malformed(`${PREFIX}${what === '' ? '' : `${what}: `}expected ${expected}, found ${found}`);
}
