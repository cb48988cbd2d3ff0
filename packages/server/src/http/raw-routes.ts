import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody, readBodyForNow } from './body.ts';
import type { BodyMemory } from './body-memory.ts';
import type { ErrorAnswer, ErrorAnswers } from './error-answer.ts';
import { type PathPattern, parameterOf, pathPattern } from './path-pattern.ts';
import type { EndpointMetrics, RequestMetrics } from './request-metrics.ts';
import type { TrackedResponse } from './tracked-response.ts';

/**
 * A route that is answered before the framework sees the request: for the few hot ones. Its handler gets the whole body
 * and answers with `sendBytes` or by hand. What it throws is answered like any error.
 */
export interface RawRoute {
  readonly method: 'POST' | 'PUT' | 'GET' | 'DELETE';
  /** With at most one parameter, `/a/:name/b`, of letters, digits and underscores: another one is for the framework. */
  readonly path: string;
  /** The server's body limit by default. */
  readonly bodyLimitBytes?: number;
  /** The handler uses the body before it first returns only, its promise included: the buffer is then used again. */
  readonly usesBodyAtOnce?: boolean;
  /** The handler reads the body itself, as it comes; the one it is given is empty. Such a request may go on for ever. */
  readonly streamsBody?: boolean;
  /** @param parameter of the path; empty where it has none */
  handle(request: IncomingMessage, body: Buffer, response: ServerResponse, parameter: string): void | Promise<void>;
}

/** @returns whether the request was taken */
export type RawDispatch = (request: IncomingMessage, response: TrackedResponse) => boolean;

export interface RawDispatchOptions {
  readonly bodyLimitBytes: number;
  readonly memory: BodyMemory;
  readonly metrics: RequestMetrics;
  readonly errors: ErrorAnswers;
}

export function createRawDispatch(
  routes: readonly RawRoute[],
  { bodyLimitBytes, memory, metrics, errors }: RawDispatchOptions,
): RawDispatch {
  if (routes.length === 0) return () => false;
  const prepared = new Map<string, Map<string, PreparedRoute>>();
  const patterns: PathPattern[] = [];
  for (const route of routes) {
    let byMethod = prepared.get(route.path);
    if (byMethod === undefined) {
      prepared.set(route.path, (byMethod = new Map<string, PreparedRoute>()));
      const pattern = pathPattern(route.path);
      if (pattern !== undefined) patterns.push(pattern);
    }
    byMethod.set(route.method, { route, endpoint: metrics.endpoint(route.path) });
  }
  return (request, response) => {
    const url = request.url!;
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    let parameter = '';
    let byMethod = path.includes(':') ? undefined : prepared.get(path);
    for (let i = 0; byMethod === undefined && i < patterns.length; i++) {
      parameter = parameterOf(path, patterns[i]!);
      if (parameter !== '') byMethod = prepared.get(patterns[i]!.path);
    }
    const found = byMethod?.get(request.method!);
    if (found === undefined) return false;
    response.endpoint = found.endpoint;
    runRoute(found.route, request, response, { bodyLimitBytes, memory, errors }, parameter);
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
  { bodyLimitBytes, memory, errors }: Omit<RawDispatchOptions, 'metrics'>,
  parameter: string,
): void {
  const fail = (error: unknown) => sendError(response, errors.forError(error, request), request);
  if (route.streamsBody) {
    response.isStreaming = true;
    handle(route, request, noBody, response, fail, parameter);
    return;
  }
  if (hasNoBody(request)) {
    handle(route, request, noBody, response, fail, parameter);
    return;
  }
  const read = route.usesBodyAtOnce ? readBodyForNow : readBody;
  read(request, route.bodyLimitBytes ?? bodyLimitBytes, memory, (error, body) => {
    if (error !== null) {
      fail(error);
      return;
    }
    handle(route, request, body!, response, fail, parameter);
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
  parameter: string,
): void {
  try {
    const pending = route.handle(request, body, response, parameter);
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
