/**
 * Prometheus' kinds of query failure; the HTTP layer maps them to status codes. `unavailable`: too many queries wait.
 */
export type QueryErrorKind = 'execution' | 'canceled' | 'timeout' | 'bad_data' | 'internal' | 'unavailable';

/** A query that failed, in Prometheus' words. */
export class QueryError extends Error {
  readonly kind: QueryErrorKind;

  constructor(kind: QueryErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'QueryError';
    this.kind = kind;
  }
}

export function isQueryError(error: unknown): error is QueryError {
  return error instanceof QueryError;
}

/** @throws QueryError of kind `execution`, always. */
export function fail(message: string): never {
  throw new QueryError('execution', message);
}

export const DUPLICATE_LABELSET = 'vector cannot contain metrics with the same labelset';
