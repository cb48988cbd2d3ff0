import { CliError } from '@opendata/server/cli';
import { connectLog } from '../client/connect.ts';
import type { LogClient } from '../client/log-client.ts';

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
  const keys = [...texts.map((text) => Buffer.from(text)), ...base64.map((text) => fromBase64(text, '--key-b64'))];
  if (keys.length === 0) throw new CliError('KEY is missing (or --key-b64 for its base64)');
  return keys;
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
