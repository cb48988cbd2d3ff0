import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody, readBodyForNow } from './body.ts';
import type { ErrorAnswer, ErrorAnswers } from './error-answer.ts';
import type { EndpointMetrics, RequestMetrics } from './request-metrics.ts';
import type { TrackedResponse } from './tracked-response.ts';

/**
 * A route that is answered before the framework sees the request: for the few hot ones. Its path has no parameters;
 * its handler gets the whole body and answers with `sendBytes` or by hand. What it throws is answered like any error.
 */
export interface RawRoute {
  readonly method: 'POST' | 'PUT' | 'GET' | 'DELETE';
  readonly path: string;
  /** The server's body limit by default. */
  readonly bodyLimitBytes?: number;
  /** The handler uses the body before it first returns only, its promise included: the buffer is then used again. */
  readonly usesBodyAtOnce?: boolean;
  /** The handler reads the body itself, as it comes; the one it is given is empty. Such a request may go on for ever. */
  readonly streamsBody?: boolean;
  handle(request: IncomingMessage, body: Buffer, response: ServerResponse): void | Promise<void>;
}

/** @returns whether the request was taken */
export type RawDispatch = (request: IncomingMessage, response: TrackedResponse) => boolean;

export function createRawDispatch(
  routes: readonly RawRoute[],
  bodyLimitBytes: number,
  metrics: RequestMetrics,
  errors: ErrorAnswers,
): RawDispatch {
  if (routes.length === 0) return () => false;
  const prepared = new Map<string, Map<string, PreparedRoute>>();
  for (const route of routes) {
    const byMethod = prepared.get(route.path) ?? new Map<string, PreparedRoute>();
    prepared.set(route.path, byMethod);
    byMethod.set(route.method, { route, endpoint: metrics.endpoint(route.path) });
  }
  return (request, response) => {
    const url = request.url!;
    const query = url.indexOf('?');
    const found = prepared.get(query < 0 ? url : url.slice(0, query))?.get(request.method!);
    if (found === undefined) return false;
    response.endpoint = found.endpoint;
    runRoute(found.route, request, response, bodyLimitBytes, errors);
    return true;
  };
}

interface PreparedRoute {
  readonly route: RawRoute;
  readonly endpoint: EndpointMetrics;
}

function runRoute(
  route: RawRoute,
  request: IncomingMessage,
  response: TrackedResponse,
  bodyLimitBytes: number,
  errors: ErrorAnswers,
): void {
  const fail = (error: unknown) => sendError(response, errors.forError(error, request), request);
  if (route.streamsBody) {
    response.isStreaming = true;
    handle(route, request, noBody, response, fail);
    return;
  }
  if (hasNoBody(request)) {
    handle(route, request, noBody, response, fail);
    return;
  }
  const read = route.usesBodyAtOnce ? readBodyForNow : readBody;
  read(request, route.bodyLimitBytes ?? bodyLimitBytes, (error, body) => {
    if (error !== null) {
      fail(error);
      return;
    }
    handle(route, request, body!, response, fail);
  });
}

const noBody = Buffer.alloc(0);

/** True of a plain GET: there is nothing to wait for. */
function hasNoBody({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

function handle(
  route: RawRoute,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  fail: (error: unknown) => void,
): void {
  try {
    const pending = route.handle(request, body, response);
    if (pending !== undefined) pending.catch(fail);
  } catch (failure) {
    fail(failure);
  }
}

/** Answers in one write. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: Uint8Array | string,
): void {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, { 'content-type': contentType, 'content-length': length });
  response.end(body);
}

/** Answers with an error, or breaks the connection off when an answer has begun already. */
export function sendError(response: ServerResponse, answer: ErrorAnswer, request: IncomingMessage): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  if (!request.complete) response.setHeader('connection', 'close');
  sendBytes(response, answer.status, answer.contentType, answer.body);
}
