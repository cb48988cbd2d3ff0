import type { HttpProblem } from '@opendata/server';
import { isFatal, isStorageError } from '@opendata/storage';
import { isWireError } from '@opendata/wire';
import { isLogError } from '../errors.ts';

/** After this long a client that was turned away should try again, s. */
const retryAfterSeconds = 1;

/** What a client is told about an error of the log, its storage or its wire formats; undefined for an unknown one. */
export function logProblem(error: unknown): HttpProblem | undefined {
  if (isWireError(error)) return { status: error.code === 'too_large' ? 413 : 400, message: error.message };
  if (isLogError(error)) {
    switch (error.code) {
      case 'invalid_input':
        return { status: 400, message: error.message };
      case 'overloaded':
        return { status: 429, message: error.message, retryAfterSeconds };
      case 'closed':
        return { status: 503, code: 'closed', message: error.message, retryAfterSeconds };
      case 'corrupt':
        return undefined;
    }
  }
  if (!isStorageError(error)) return undefined;
  switch (error.code) {
    case 'overloaded':
      return { status: 429, message: error.message, retryAfterSeconds };
    case 'unavailable':
    case 'closed':
      return { status: 503, code: 'unavailable', message: error.message, retryAfterSeconds };
    case 'not_found':
      return {
        status: 503,
        code: 'unavailable',
        message: 'a segment was removed while it was read',
        retryAfterSeconds,
      };
    case 'read_only':
      return { status: 403, code: 'read_only', message: error.message };
    case 'fenced':
      return { status: 503, code: 'fenced', message: 'another writer has taken the log over', retryAfterSeconds };
    default:
      // The engine has stopped, and the process is about to: what becomes of the request, only the next one knows.
      return isFatal(error)
        ? { status: 503, code: 'unavailable', message: error.message, retryAfterSeconds }
        : undefined;
  }
}
