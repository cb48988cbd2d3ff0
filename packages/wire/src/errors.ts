/**
 * `malformed`: the bytes do not follow the format. `too_large`: a declared size is above the caller's limit.
 * `unsupported`: well-formed, but of a kind that is not taken (a group, a number beyond 2^53).
 */
export type WireErrorCode = 'malformed' | 'too_large' | 'unsupported';

const brand = Symbol.for('@opendata/wire.WireError');

/** The only error that the codecs of this package throw for bad input, whatever the bytes. */
export class WireError extends Error {
  readonly code: WireErrorCode;
  readonly [brand] = true;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = 'WireError';
    this.code = code;
  }
}

/** True for a WireError, also one of another copy of this package. */
export function isWireError(value: unknown): value is WireError {
  return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;
}

/** More than the server takes at once. */
export function tooManyRecords(maxRecords: number): WireError {
  return new WireError('too_large', `a request may have at most ${maxRecords} records: split it`);
}

export function malformed(message: string): WireError {
  return new WireError('malformed', message);
}
