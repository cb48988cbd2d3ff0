import type { IncomingMessage } from 'node:http';
import { LogClientError, type LogClientErrorCode } from './errors.ts';

/** Failures before a connection: nothing was sent. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ERR_INVALID_CHAR',
]);

/** Words of an answer 503 that say that nothing was written. */
const refusals = new Set(['starting', 'closed']);

export interface ConnectionState {
  readonly isConnected: boolean;
  readonly isLate: boolean;
}

/** A request that got no whole answer. */
export function connectionError(
  origin: string,
  error: Error,
  { isConnected, isLate }: ConnectionState,
): LogClientError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const mayBeWritten = isConnected && !neverSent.has(code);
  const words = error.message === '' ? code : error.message;
  if (isLate && isConnected)
    return new LogClientError('timeout', `${origin}: ${words}`, { cause: error, mayBeWritten });
  return new LogClientError('unavailable', `${origin}: ${words}`, { cause: error, mayBeWritten });
}

/** An answer that is not 200. */
export function answerError(response: IncomingMessage, body: Buffer): LogClientError {
  const status = response.statusCode!;
  const { message = fallbackMessage(status, body), code: word } = errorBody(body);
  const retryAfterMs = retryAfter(response.headers['retry-after']);
  const mayBeWritten = status >= 500 && !refusals.has(word ?? '');
  return new LogClientError(codeOf(status, word), message, { status, retryAfterMs, mayBeWritten });
}

/** What an acknowledgement of a session says other than 0. */
export function statusError(status: number, message: string): LogClientError {
  return new LogClientError(codeOf(status, undefined), message, { status, mayBeWritten: status >= 500 });
}

function codeOf(status: number, word: string | undefined): LogClientErrorCode {
  if (status === 429) return 'overloaded';
  if (word === 'fenced' || word === 'read_only') return word;
  if (status === 401 || status === 403) return 'unauthorized';
  // A proxy that cannot reach the log answers 502 or 504.
  if (status === 502 || status === 503 || status === 504) return 'unavailable';
  if (status === 408) return 'timeout';
  if (status === 400 || status === 413 || status === 415) return 'invalid_input';
  return status >= 500 ? 'failed' : 'protocol';
}

function errorBody(body: Buffer): { readonly message?: string; readonly code?: string } {
  try {
    const { message, code } = JSON.parse(body.toString()) as { message?: unknown; code?: unknown };
    return { ...(typeof message === 'string' && { message }), ...(typeof code === 'string' && { code }) };
  } catch {
    return {};
  }
}

function fallbackMessage(status: number, body: Buffer): string {
  const text = body.toString('utf8', 0, 200).trim();
  return text === '' ? `HTTP ${status}` : `HTTP ${status}: ${text}`;
}

/** Seconds, or a date. */
function retryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - Date.now());
}
