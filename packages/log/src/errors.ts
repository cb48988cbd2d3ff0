/**
 * What went wrong with a call to the log.
 * - `invalid_input`: the request itself is wrong; nothing was changed.
 * - `overloaded`: a memory budget is used up; nothing was written; try again later.
 * - `corrupt`: stored bytes do not have the form that this version writes.
 * - `closed`: the log was closed.
 */
export type LogErrorCode = 'invalid_input' | 'overloaded' | 'corrupt' | 'closed';

const brand: unique symbol = Symbol.for('opendata.LogError');

/** An error of the log itself. Errors of the storage below (`StorageError`) pass through as they are. */
export class LogError extends Error {
  readonly code: LogErrorCode;
  readonly [brand] = true;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogError';
    this.code = code;
  }
}

/** Whether a caught value is a {@link LogError}, from whichever copy of this package. */
export function isLogError(value: unknown): value is LogError {
  return typeof value === 'object' && value !== null && brand in value;
}
