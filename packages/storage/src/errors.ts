/**
 * What went wrong, for a caller that has to decide what to do next.
 *
 * - `fenced`: another writer opened the database; this one is lost for good.
 * - `closed`: the database was closed.
 * - `unavailable`: the store did not answer in time; the outcome of a write is unknown.
 * - `overloaded`: the budget of unflushed bytes is used up; nothing was written.
 * - `corrupt`: stored bytes are not what was written.
 * - `config`: the configuration cannot work.
 * - `read_only`: a write was asked of a read-only storage.
 * - `not_found`: the block is not there (any more).
 * - `internal`: anything else; a fault of this program or of the engine.
 */
export type StorageErrorCode =
  | 'fenced'
  | 'closed'
  | 'unavailable'
  | 'overloaded'
  | 'corrupt'
  | 'config'
  | 'read_only'
  | 'not_found'
  | 'internal';

export interface StorageErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

const brand = Symbol.for('@opendata/storage/StorageError');

/** Every error that the storage package throws on purpose. Test it with {@link isStorageError}. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly [brand] = true;

  constructor(code: StorageErrorCode, message: string, options: StorageErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = code === 'unavailable' || code === 'overloaded';
    this.details = options.details ?? {};
  }
}

/** True for a {@link StorageError}, also for one of another copy of this package. */
export function isStorageError(error: unknown): error is StorageError {
  return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[brand] === true;
}

/** The error itself if it is a {@link StorageError}, else an `internal` one that carries it as its cause. */
export function toStorageError(error: unknown): StorageError {
  if (isStorageError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StorageError('internal', message, { cause: error });
}

/** True when the database cannot be used any more after this error: it must be opened again. */
export function isFatal(error: StorageError): boolean {
  return error.code === 'fenced' || error.code === 'closed' || error.details['fatal'] === true;
}
