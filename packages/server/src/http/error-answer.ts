import type { Logger } from '../logger.ts';
import {
  type ErrorMapper,
  type ErrorRenderer,
  type FailedRequest,
  HttpError,
  type HttpProblem,
  problemHeaders,
  type RenderedProblem,
  renderPlainError,
} from './problem.ts';

export interface ErrorOptions {
  readonly mapError?: ErrorMapper | undefined;
  /** Renderers by path prefix; the longest prefix that fits is taken. */
  readonly errorRenderers?: Readonly<Record<string, ErrorRenderer>> | undefined;
  readonly logger: Logger;
}

/** A complete answer to a request that failed. */
export interface ErrorAnswer extends RenderedProblem {
  readonly status: number;
  readonly headers: Record<string, string>;
}

/** The one place where errors become answers. */
export interface ErrorAnswers {
  forError(error: unknown, request: FailedRequest): ErrorAnswer;
  forProblem(problem: HttpProblem, request: FailedRequest | undefined): ErrorAnswer;
}

export function createErrorAnswers({ mapError, errorRenderers = {}, logger }: ErrorOptions): ErrorAnswers {
  const renderers = Object.entries(errorRenderers).sort(([a], [b]) => b.length - a.length);

  function forProblem(problem: HttpProblem, request: FailedRequest | undefined): ErrorAnswer {
    const url = request?.url ?? '/';
    const render = renderers.find(([prefix]) => url.startsWith(prefix))?.[1] ?? renderPlainError;
    const rendered = problem.body ?? render(problem, request);
    return { status: problem.status, headers: problemHeaders(problem), ...rendered };
  }

  function forError(error: unknown, request: FailedRequest): ErrorAnswer {
    const problem = toProblem(error, mapError);
    if (problem.status >= 500 && !(error instanceof HttpError)) {
      const fields = { err: error, method: request.method, path: pathOf(request), status: problem.status };
      if (problem.status === 500) logger.error(fields, 'request failed');
      else logger.debug(fields, 'request failed');
    }
    return forProblem(problem, request);
  }

  return { forError, forProblem };
}

function toProblem(error: unknown, mapError: ErrorMapper | undefined): HttpProblem {
  if (error instanceof HttpError) return error;
  const mapped = mapError?.(error);
  if (mapped !== undefined) return mapped;
  return frameworkProblem(error) ?? { status: 500, message: 'internal server error' };
}

/** Fastify's own errors carry a status and a code; only those about the client's mistakes are told to it. */
function frameworkProblem(error: unknown): HttpProblem | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined;
  const { statusCode, code, message } = error as Error & { statusCode: unknown; code: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined;
  if (typeof code !== 'string' || !code.startsWith('FST_')) return undefined;
  return { status: statusCode, message };
}

/** The path of a request without its query, which may hold what should not be logged. */
export function pathOf(request: FailedRequest): string {
  return (request.url ?? '').split('?', 1)[0]!;
}
