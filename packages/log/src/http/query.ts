import { HttpError } from '@opendata/server';

/** Sequences end here: a larger `end_seq` means the same. */
export const noSequenceEnd = Number.MAX_SAFE_INTEGER;

const percent = 0x25;
const plus = 0x2b;
const space = 0x20;
const digitsOnly = /^[0-9]+$/;

/**
 * The query of a URL. Values are bytes, since a key is bytes: `key=%ff` is a key of one byte.
 * Parameters nobody asks for are ignored; asking answers 400 for those that do not fit.
 */
export class Query {
  private readonly raw = new Map<string, string[]>();

  /** @throws HttpError 400 for a query that is not percent-encoded */
  constructor(url: string) {
    const start = url.indexOf('?');
    if (start < 0) return;
    for (const part of url.slice(start + 1).split('&')) {
      if (part === '') continue;
      const equals = part.indexOf('=');
      const name = decodeBytes(equals < 0 ? part : part.slice(0, equals), 'the query').toString();
      const value = equals < 0 ? '' : part.slice(equals + 1);
      const values = this.raw.get(name);
      if (values === undefined) this.raw.set(name, [value]);
      else values.push(value);
    }
  }

  has(name: string): boolean {
    return this.raw.has(name);
  }

  /** @throws HttpError 400 when it is given twice, or is not percent-encoded bytes */
  bytes(name: string): Buffer | undefined {
    const values = this.raw.get(name);
    if (values === undefined) return undefined;
    if (values.length > 1) throw badParameter(name, 'is given twice');
    return decodeBytes(values[0]!, name);
  }

  /** @throws HttpError 400 when it is given twice, or is not base64 */
  base64(name: string): Buffer | undefined {
    const bytes = this.bytes(name);
    return bytes === undefined ? undefined : fromBase64(bytes.toString(), name);
  }

  /** Every value of `name`, percent-encoded, and of `name` with `_b64`. @throws HttpError 400 */
  every(name: string): Buffer[] {
    const encoded = `${name}_b64`;
    return [
      ...(this.raw.get(name) ?? []).map((value) => decodeBytes(value, name)),
      ...(this.raw.get(encoded) ?? []).map((value) => fromBase64(decodeBytes(value, encoded).toString(), encoded)),
    ];
  }

  text(name: string): string | undefined {
    return this.bytes(name)?.toString();
  }

  /** A whole number; what is over `max` counts as `max`. @throws HttpError 400 when it is there and not one */
  integer(name: string, missing: number, max: number): number {
    const text = this.text(name);
    if (text === undefined) return missing;
    if (!digitsOnly.test(text) || text.length > 20 || BigInt(text) > 0xffff_ffff_ffff_ffffn) {
      throw badParameter(name, `is not a whole number from 0 to 2^64 - 1: ${JSON.stringify(text.slice(0, 64))}`);
    }
    return Math.min(Number(text), max);
  }

  /** @throws HttpError 400 when it is there and neither `true` nor `false` */
  boolean(name: string, missing = false): boolean {
    const text = this.text(name) ?? String(missing);
    if (text !== 'true' && text !== 'false') {
      throw badParameter(name, `is neither true nor false: ${JSON.stringify(text.slice(0, 64))}`);
    }
    return text === 'true';
  }

  /** The key: `key`, percent-encoded, or `key_b64`. @throws HttpError 400 when there is not exactly one */
  key(): Buffer {
    if (this.has('key') && this.has('key_b64')) throw new HttpError(400, 'give key or key_b64, not both');
    const key = this.base64('key_b64') ?? this.bytes('key');
    if (key === undefined) throw new HttpError(400, 'missing parameter: key (or key_b64 for its base64)');
    return key;
  }
}

function fromBase64(text: string, name: string): Buffer {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/').replaceAll(' ', '+').replace(/=+$/, '');
  const bytes = Buffer.from(standard, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== standard) throw badParameter(name, 'is not base64');
  return bytes;
}

function badParameter(name: string, what: string): HttpError {
  return new HttpError(400, `parameter ${name} ${what}`);
}

function decodeBytes(text: string, name: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === plus) bytes[length++] = space;
    else if (byte !== percent) bytes[length++] = byte;
    else {
      const high = hexDigit(bytes[i + 1]);
      const low = hexDigit(bytes[i + 2]);
      if (high < 0 || low < 0) throw badParameter(name, 'is not properly percent-encoded');
      bytes[length++] = high * 16 + low;
      i += 2;
    }
  }
  return bytes.subarray(0, length);
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
