/**
 * What went wrong.
 * - `invalid_input`: the request is wrong, or larger than the server takes; the same will not work later.
 * - `unauthorized`: the server wants other credentials.
 * - `read_only`: the server is a replica, which takes no writes.
 * - `overloaded`: a budget is used up; nothing was written; the same may work later.
 * - `unavailable`: the log or its storage cannot be reached; the same may work later.
 * - `timeout`: no answer in time.
 * - `fenced`: another writer took the log over.
 * - `closed`: the client, the producer or the log was closed.
 * - `protocol`: what answered is not a log that this client understands.
 * - `failed`: the log failed inside.
 */
export type LogClientErrorCode =
  | 'invalid_input'
  | 'unauthorized'
  | 'read_only'
  | 'overloaded'
  | 'unavailable'
  | 'timeout'
  | 'fenced'
  | 'closed'
  | 'protocol'
  | 'failed';

export interface LogClientErrorDetails {
  /** HTTP status, where the log is asked over HTTP and answered. */
  readonly status?: number | undefined;
  /** How long the log asks to wait before the next try, ms. */
  readonly retryAfterMs?: number | undefined;
  /** Of an append: whether its records may be in the log nevertheless. */
  readonly mayBeWritten?: boolean | undefined;
  readonly cause?: unknown;
}

const brand: unique symbol = Symbol.for('opendata.LogClientError');

/** The only error of a client, besides the reason of an `AbortSignal`. */
export class LogClientError extends Error {
  readonly code: LogClientErrorCode;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly mayBeWritten: boolean;
  readonly [brand] = true;

  constructor(code: LogClientErrorCode, message: string, details: LogClientErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : {});
    this.name = 'LogClientError';
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.mayBeWritten = details.mayBeWritten ?? false;
  }
}

/** Whether a caught value is a {@link LogClientError}, from whichever copy of this package. */
export function isLogClientError(value: unknown): value is LogClientError {
  return typeof value === 'object' && value !== null && brand in value;
}

const passing: readonly LogClientErrorCode[] = ['overloaded', 'unavailable', 'timeout'];

/** Whether the same request may work later. */
export function isPassing(error: unknown): error is LogClientError {
  return isLogClientError(error) && passing.includes(error.code);
}
