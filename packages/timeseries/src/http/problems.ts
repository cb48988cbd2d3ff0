import type { ErrorMapper, ErrorRenderer, HttpProblem } from '@opendata/server';
import { isFatal, isStorageError } from '@opendata/storage';
import { isWireError } from '@opendata/wire';
import { InvalidSampleError, InvalidSeriesError, OverloadedError } from '../head/errors.ts';
import { jsonText } from './json-text.ts';

const RETRY_AFTER_SECONDS = 5;

/** Statuses of what the database throws. */
export const timeSeriesProblem: ErrorMapper = (error): HttpProblem | undefined => {
  if (error instanceof InvalidSeriesError || error instanceof InvalidSampleError) {
    return { status: 400, message: error.message, code: 'bad_data' };
  }
  if (isWireError(error)) {
    return { status: error.code === 'too_large' ? 413 : 400, message: error.message, code: 'bad_data' };
  }
  if (error instanceof OverloadedError) return unavailable(error.message);
  if (isStorageError(error)) {
    if (error.code === 'not_found') return unavailable('a block was removed while it was read');
    // A fatal one says that the engine has stopped, and the process is about to.
    if (isFatal(error) || ['overloaded', 'unavailable', 'read_only'].includes(error.code)) {
      return unavailable(error.message);
    }
    return { status: 500, message: `storage: ${error.message}`, code: 'internal' };
  }
  return undefined;
};

function unavailable(message: string): HttpProblem {
  return { status: 503, message, code: 'unavailable', retryAfterSeconds: RETRY_AFTER_SECONDS };
}

const CODES: ReadonlyMap<number, string> = new Map([
  [406, 'not_acceptable'],
  [422, 'execution'],
  [499, 'canceled'],
  [503, 'unavailable'],
]);

/** Prometheus' error envelope; plain text of federation, and for senders of remote write, which log the body as it is. */
export const renderApiError: ErrorRenderer = (problem, request) => {
  if (/^\/(?:api\/v1\/write|federate)/.test(request?.url ?? '')) {
    return { contentType: 'text/plain; charset=utf-8', body: `${problem.message}\n` };
  }
  // What Prometheus' router answers by itself is plain text.
  if (problem.status === 404) return { contentType: 'text/plain; charset=utf-8', body: '404 page not found\n' };
  if (problem.status === 405) return { contentType: 'text/plain; charset=utf-8', body: 'Method Not Allowed\n' };
  const errorType = problem.code ?? CODES.get(problem.status) ?? (problem.status >= 500 ? 'internal' : 'bad_data');
  return {
    contentType: 'application/json',
    body: jsonText({ status: 'error', errorType, error: problem.message }),
  };
};
