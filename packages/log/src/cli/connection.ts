import { CliError } from '@opendata/server/cli';
import { connectLog } from '../client/connect.ts';
import type { KeySelection, LogClient } from '../client/log-client.ts';

interface ConnectionFlags {
  readonly url: string;
  readonly 'retry-timeout': number;
}

export function connect({ url, 'retry-timeout': retryTimeoutMs }: ConnectionFlags): LogClient {
  return connectLog(url.includes('://') ? url : `http://${url}`, { retryTimeoutMs });
}

/** @throws CliError when it is not base64 */
export function fromBase64(text: string, flag: string): Buffer {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  const bytes = Buffer.from(standard, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== standard) throw new CliError(`${flag}: not base64: ${text}`);
  return bytes;
}

/** The keys that were named as text and as base64. @throws CliError when there is none */
export function keysFrom(texts: readonly string[], base64: readonly string[]): Buffer[] {
  const keys = namedKeys(texts, base64);
  if (keys.length === 0) throw new CliError('KEY is missing (or --key-b64 for its base64)');
  return keys;
}

function namedKeys(texts: readonly string[], base64: readonly string[]): Buffer[] {
  return [...texts.map((text) => Buffer.from(text)), ...base64.map((text) => fromBase64(text, '--key-b64'))];
}

interface SelectionFlags {
  readonly 'key-b64': readonly string[];
  readonly prefix: readonly string[];
  readonly 'prefix-b64': readonly string[];
  readonly all: boolean;
}

/** The one key that was named, or the selection. @throws CliError when there is neither */
export function selectionFrom(texts: readonly string[], flags: SelectionFlags): Buffer | KeySelection {
  const keys = namedKeys(texts, flags['key-b64']);
  const prefixes = [
    ...flags.prefix.map((text) => Buffer.from(text)),
    ...flags['prefix-b64'].map((text) => fromBase64(text, '--prefix-b64')),
  ];
  const named = keys.length + prefixes.length;
  if (flags.all && named > 0) throw new CliError('give keys and prefixes, or --all');
  if (flags.all) return {};
  if (named === 0) throw new CliError('KEY is missing (or --key-b64, --prefix, --all)');
  return named === 1 && keys.length === 1 ? keys[0]! : { keys, prefixes };
}

/** A time: milliseconds since 1970, RFC 3339, or how long ago, as `10m`. @throws CliError */
export function timeFrom(text: string, flag: string, parseDuration: (text: string) => number): number {
  if (/^\d{10,}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d/.test(text)) {
    const timeMs = Date.parse(text);
    if (!Number.isNaN(timeMs)) return timeMs;
  }
  try {
    return Date.now() - parseDuration(text);
  } catch {
    throw new CliError(`${flag}: expected a time (RFC 3339, or ms since 1970) or a duration like 10m, found "${text}"`);
  }
}
