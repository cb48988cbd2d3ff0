import { createServer, type IncomingMessage, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { WebAccess } from '../web/web-access.ts';
import type { ErrorAnswers } from './error-answer.ts';
import type { HttpProblem } from './problem.ts';
import { type RawDispatch, sendError } from './raw-routes.ts';
import { CHECK_INTERVAL_MS, HEAD_MS, KEEP_ALIVE_MS, REQUEST_MS } from './time-limits.ts';
import { closeQueuedResponses, type ResponseTracker, TrackedResponse } from './tracked-response.ts';

/** Queries by GET carry long expressions. */
const MAX_HEADER_BYTES = 256 * 1024;

export interface NodeServerOptions {
  readonly tracker: ResponseTracker;
  readonly rawDispatch: RawDispatch;
  readonly framework: RequestListener;
  readonly errors: ErrorAnswers;
  /** A client that asks before it sends a larger body (`Expect: 100-continue`) is told no. */
  readonly bodyLimitBytes: number;
  /** How long a request may take to arrive; 300,000 ms by default. */
  readonly requestTimeoutMs?: number | undefined;
  /** TLS, and who may ask. */
  readonly web?: WebAccess | undefined;
}

/** The HTTP server under the framework: counts every request, answers raw routes, and what is not HTTP. */
export function createNodeServer({
  tracker,
  rawDispatch,
  framework,
  errors,
  bodyLimitBytes,
  requestTimeoutMs = REQUEST_MS,
  web,
}: NodeServerOptions): Server {
  const { metrics } = tracker;

  function serve(request: IncomingMessage, response: TrackedResponse): void {
    if (!rawDispatch(request, response)) framework(request, response);
  }

  function onRequest(request: IncomingMessage, response: TrackedResponse, next = serve): void {
    response.begin(tracker);
    if (web === undefined) {
      next(request, response);
      return;
    }
    web.addHeaders(response);
    const refused = (problem: HttpProblem | undefined) => {
      if (problem === undefined) next(request, response);
      else sendError(response, errors.forProblem(problem, request), request);
    };
    const answer = web.check(request);
    if (answer instanceof Promise) answer.then(refused);
    else refused(answer);
  }

  const options = {
    ServerResponse: TrackedResponse,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEAD_MS,
    // Node knows of no streams: see `endLateRequests`.
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const listener = (request: IncomingMessage, response: TrackedResponse) => onRequest(request, response);
  const server: Server =
    web?.tls === undefined ? createServer(options, listener) : createTlsServer({ ...options, ...web.tls }, listener);
  server.on('checkContinue', (request: IncomingMessage, response: TrackedResponse) => {
    onRequest(request, response, () => {
      if (!(Number(request.headers['content-length']) > bodyLimitBytes)) {
        delete request.headers.expect;
        response.writeContinue();
      }
      serve(request, response);
    });
  });
  endLateRequests(server, tracker, requestTimeoutMs);
  server.on(web?.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    metrics.openConnections.inc();
    socket.once('close', () => {
      metrics.openConnections.dec();
      closeQueuedResponses(socket);
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const { status, reason, message } = describeClientError(error);
    const isTls = error.code?.startsWith('ERR_SSL') || error.code?.startsWith('ERR_TLS');
    if (isTls) metrics.malformed.labels('tls').inc();
    if (isTls || error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    metrics.malformed.labels(reason).inc();
    const answer = errors.forProblem({ status, message }, undefined);
    const head =
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${answer.contentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(answer.body)}\r\n\r\n`;
    socket.end(Buffer.concat([Buffer.from(head), Buffer.from(answer.body)]));
  });
  return server;
}

/** Answers 408 to requests that do not arrive in time. */
function endLateRequests(server: Server, tracker: ResponseTracker, timeoutMs: number): void {
  const timer = setInterval(
    () => {
      for (const { req, isStreaming, elapsedMs } of tracker.open) {
        if (isStreaming || req.complete || elapsedMs < timeoutMs) continue;
        const error = Object.assign(new Error('request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
        server.emit('clientError', error, req.socket);
      }
    },
    Math.min(CHECK_INTERVAL_MS, timeoutMs),
  );
  timer.unref();
  server.on('close', () => clearInterval(timer));
}

interface ClientError {
  readonly status: number;
  /** Value of the `reason` label. */
  readonly reason: string;
  readonly message: string;
}

function describeClientError({ code = '' }: NodeJS.ErrnoException): ClientError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        reason: 'header_too_large',
        message: `request head too large: at most ${MAX_HEADER_BYTES} bytes are accepted`,
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, reason: 'timeout', message: 'the request did not arrive in time' };
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return { status: 400, reason: 'content_length', message: 'the Content-Length of the request is not valid' };
    case 'HPE_INVALID_METHOD':
      return { status: 400, reason: 'method', message: 'the method of the request is not known' };
    default:
      return { status: 400, reason: 'malformed', message: 'the request is not valid HTTP/1.1' };
  }
}
