import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from '../logger.ts';
import type { Registry } from '../metrics/registry.ts';
import type { WebAccess } from '../web/web-access.ts';
import { createRouteTable } from './allowed-methods.ts';
import { BodyMemory } from './body-memory.ts';
import { addContentTypes } from './content-types.ts';
import { drainServer } from './drain.ts';
import { createErrorAnswers, type ErrorAnswer, type ErrorAnswers, pathOf } from './error-answer.ts';
import { createNodeServer } from './node-server.ts';
import { addOperationalRoutes } from './operational-routes.ts';
import type { ErrorMapper, ErrorRenderer } from './problem.ts';
import { QuickLane } from './quick-lane.ts';
import type { QuickRoute } from './quick-routes.ts';
import { createRawDispatch, type RawRoute } from './raw-routes.ts';
import type { ReadinessCheck } from './readiness.ts';
import { createRequestMetrics, type RequestMetrics } from './request-metrics.ts';
import { type ResponseTracker, TrackedResponse } from './tracked-response.ts';

const DEFAULT_BODY_LIMIT_BYTES = 32 * 1024 * 1024;
/** Label names are part of paths. */
const MAX_PATH_PARAMETER_CHARACTERS = 64 * 1024;

export interface HttpServerOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  /** What `/-/ready` asks, in order. */
  readonly ready?: ReadinessCheck | readonly ReadinessCheck[];
  /** Statuses of the typed errors that handlers throw. */
  readonly mapError?: ErrorMapper;
  /** How errors look under a path prefix; `{"status":"error","message":…}` elsewhere. */
  readonly errorRenderers?: Readonly<Record<string, ErrorRenderer>>;
  /** Larger bodies are answered 413, unless a route sets its own limit; 32 MiB by default. */
  readonly bodyLimitBytes?: number;
  /** For the bodies of all requests at once; without room in it a request is answered 503. Default: an eighth of the memory. */
  readonly bodyMemory?: BodyMemory;
  /**
   * A request that is not there as a whole after so long is answered 408, ms, unless its route takes a stream; 300,000 by
   * default.
   */
  readonly requestTimeoutMs?: number;
  /** TLS, authentication and headers; without it plain HTTP for everybody. */
  readonly web?: WebAccess | undefined;
  /** Routes answered before the framework. */
  readonly rawRoutes?: readonly RawRoute[];
  /**
   * Plain requests to these paths are answered past the HTTP parser, unless there is `web` access. For all others each
   * path needs a raw route too.
   */
  readonly quickRoutes?: readonly QuickRoute[];
}

export interface HttpServer {
  /** Register routes here before `listen`. Use `requestSignal(reply)` rather than `request.signal`. */
  readonly app: FastifyInstance;
  /** Fires when the server begins to close: long polls and followers should answer what they have. */
  readonly draining: AbortSignal;
  /** Accepts connections on every address of the machine unless `host` names one; port 0 lets the system choose. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /**
   * Stops accepting connections, lets requests in flight finish, each closing its connection, and breaks off what is
   * left after `deadlineMs`. Returns the number of requests that were broken off.
   */
  close(deadlineMs: number): Promise<number>;
}

/** An HTTP server with health, metrics, error answers and graceful shutdown; routes are the caller's. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { registry, logger, bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES } = options;
  const metrics = createRequestMetrics(registry);
  const memory = options.bodyMemory ?? new BodyMemory();
  addBodyMetrics(registry, memory);
  const errors = createErrorAnswers({ mapError: options.mapError, errorRenderers: options.errorRenderers, logger });
  const tracker: ResponseTracker = {
    metrics,
    draining: false,
    open: new Set(),
    onClosed: undefined,
    onRecorded: accessLog(logger),
  };
  const rawDispatch = createRawDispatch(options.rawRoutes ?? [], { bodyLimitBytes, memory, metrics, errors });
  // Not past TLS, users and their headers; and the access log wants a request and a response.
  const isPlain = options.web === undefined && tracker.onRecorded === undefined;
  const quickRoutes = isPlain ? (options.quickRoutes ?? []) : [];
  const { requestTimeoutMs } = options;
  const lane = new QuickLane(quickRoutes, { bodyLimitBytes, requestTimeoutMs, memory, tracker, errors });
  const draining = new AbortController();

  let server!: Server;
  const app = Fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_CHARACTERS },
    serverFactory: (framework) => {
      server = createNodeServer({
        tracker,
        rawDispatch,
        framework,
        errors,
        bodyLimitBytes,
        requestTimeoutMs,
        web: options.web,
      });
      options.web?.attach(server, logger);
      lane.attach(server);
      return server;
    },
    clientErrorHandler: () => {},
    frameworkErrors: (error, request, reply) => {
      const answer = errors.forError(error, request.raw);
      sendAnswer(reply as unknown as FastifyReply, answer);
    },
  });
  addContentTypes(app, memory);
  countRoutes(app, metrics);
  answerErrors(app, errors, options.rawRoutes ?? []);
  addOperationalRoutes(app, { registry, readinessChecks: [options.ready ?? []].flat() });

  return {
    app,
    draining: draining.signal,
    async listen(port, host) {
      await app.ready();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, ...(host !== undefined && { host }) }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return server.address() as AddressInfo;
    },
    async close(deadlineMs) {
      draining.abort();
      const brokenOff = await drainServer(server, lane, tracker, deadlineMs);
      await app.close();
      return brokenOff;
    },
  };
}

function addBodyMetrics(registry: Registry, memory: BodyMemory): void {
  const gauge = (name: string, help: string, value: number) =>
    ({ name, help, type: 'gauge', samples: [{ labels: {}, value }] }) as const;
  registry.addCollector(() => [
    gauge(
      'http_request_body_bytes',
      'Bytes of request bodies that are being read or handled, beyond 64 KiB each',
      memory.usedBytes,
    ),
    gauge('http_request_body_limit_bytes', 'Most of them before requests are answered 503', memory.limitBytes),
  ]);
}

/** One event a request, at level debug only: at full speed it would cost more than the request. */
function accessLog(logger: Logger): ((response: TrackedResponse) => void) | undefined {
  if (logger.level !== 'debug' && logger.level !== 'trace') return undefined;
  return ({ req, countedStatus, elapsedMs }) => {
    const fields = { method: req.method, path: pathOf(req), status: countedStatus, elapsedMs: Math.round(elapsedMs) };
    logger.debug(fields, 'request');
  };
}

/** Gives each route its metrics when it is registered, so that a request finds them without a look-up. */
function countRoutes(app: FastifyInstance, metrics: RequestMetrics): void {
  app.addHook('onRoute', (route) => {
    const endpoint = metrics.endpoint(route.url);
    const hooks = [route.onRequest ?? []].flat();
    route.onRequest = [
      (_request, reply, done) => {
        if (reply.raw instanceof TrackedResponse) reply.raw.endpoint = endpoint;
        done();
      },
      ...hooks,
    ];
  });
}

function answerErrors(app: FastifyInstance, errors: ErrorAnswers, rawRoutes: readonly RawRoute[]): void {
  const routes = createRouteTable();
  for (const { path, method } of rawRoutes) routes.add(path, method);
  app.addHook('onRoute', ({ url, method }) => routes.add(url, method));

  app.setErrorHandler((error, request, reply) => {
    const answer = errors.forError(error, request.raw);
    if (!request.raw.complete) reply.header('connection', 'close');
    return sendAnswer(reply, answer);
  });
  app.setNotFoundHandler((request, reply) => {
    const methods = routes.methodsOf(request.url);
    const problem =
      methods.length === 0
        ? { status: 404, message: `there is nothing at ${request.url.split('?', 1)[0]}` }
        : {
            status: 405,
            message: `${request.method} is not allowed here; allowed are ${methods.join(', ')}`,
            headers: { allow: methods.join(', ') },
          };
    const answer = errors.forProblem(problem, request.raw);
    return sendAnswer(reply, answer);
  });
}

/** Sends bytes, because Fastify adds a charset to the type of JSON text. */
function sendAnswer(reply: FastifyReply, { status, headers, contentType, body }: ErrorAnswer): FastifyReply {
  return reply.code(status).headers(headers).header('content-type', contentType).send(Buffer.from(body));
}
