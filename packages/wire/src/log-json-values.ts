import { Buffer } from 'node:buffer';
import { malformed } from './errors.ts';
import { readUtf8 } from './utf8.ts';

/** A JSON body that is an object. @throws WireError malformed */
export function objectOf(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readUtf8(body, 0, body.length));
  } catch (error) {
    throw malformed(`invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('expected a JSON object');
  return value as Record<string, unknown>;
}

/** A 64-bit integer, which others write as text; a missing one is 0. @throws WireError malformed */
export function integerOf(value: unknown, where: string): number {
  const number = typeof value === 'string' && /^-?[0-9]+$/.test(value) ? Number(value) : (value ?? 0);
  if (!Number.isSafeInteger(number)) throw malformed(`${where} is not a whole number below 2^53`);
  return number as number;
}

const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Bytes, in either alphabet; missing ones are none. @throws WireError malformed */
export function base64Of(value: unknown, where: string): Buffer {
  if (value === undefined || value === null) return Buffer.alloc(0);
  if (typeof value !== 'string' || !base64Text.test(value)) throw malformed(`${where} is not base64`);
  return Buffer.from(value, 'base64');
}
