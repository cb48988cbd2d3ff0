import type { Buffer } from 'node:buffer';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { BodyBuffers } from './body-buffers.ts';
import type { BodyMemory } from './body-memory.ts';
import type { ErrorAnswers } from './error-answer.ts';
import { QuickConnection } from './quick-connection.ts';
import { type QuickRoute, QuickRoutes } from './quick-routes.ts';
import { CHECK_INTERVAL_MS, REQUEST_MS } from './time-limits.ts';
import type { ResponseTracker } from './tracked-response.ts';

export interface QuickLaneOptions {
  readonly bodyLimitBytes: number;
  /** How long a request may take to arrive; 300,000 ms by default. */
  readonly requestTimeoutMs?: number | undefined;
  readonly memory: BodyMemory;
  readonly tracker: ResponseTracker;
  readonly errors: ErrorAnswers;
}

/**
 * Takes every connection first and answers plain requests for its routes. With the first request that is not plain (see
 * `parseQuickHead`), with all that follow it, a connection goes to `node:http`, byte for byte and for good.
 */
export class QuickLane {
  readonly routes: QuickRoutes;
  readonly buffers = new BodyBuffers();
  readonly bodyLimitBytes: number;
  readonly requestTimeoutMs: number;
  readonly memory: BodyMemory;
  readonly tracker: ResponseTracker;
  readonly errors: ErrorAnswers;
  readonly #connections = new Set<QuickConnection>();
  #checks: NodeJS.Timeout | undefined;
  #server: Server | undefined;
  #toParser: (socket: Socket) => void = () => undefined;
  #date = '';

  constructor(
    routes: readonly QuickRoute[],
    { bodyLimitBytes, requestTimeoutMs = REQUEST_MS, memory, tracker, errors }: QuickLaneOptions,
  ) {
    this.requestTimeoutMs = requestTimeoutMs;
    this.memory = memory;
    this.bodyLimitBytes = bodyLimitBytes;
    this.tracker = tracker;
    this.errors = errors;
    this.routes = new QuickRoutes(routes, tracker.metrics);
  }

  /** Comes between a new server and its parser. */
  attach(server: Server): void {
    if (this.routes.isEmpty) return;
    const [listener] = server.listeners('connection') as ((socket: Socket) => void)[];
    this.#server = server;
    this.#toParser = (socket) => listener!.call(server, socket);
    server.off('connection', listener!);
    server.prependListener('connection', (socket) => this.#connections.add(new QuickConnection(this, socket)));
    this.#checks = setInterval(() => this.#closeExpired(), Math.min(CHECK_INTERVAL_MS, this.requestTimeoutMs)).unref();
  }

  /** The connection with `bytes`, the first that were not answered, is for the parser from now on. */
  handOver(connection: QuickConnection, socket: Socket, bytes: Buffer): void {
    this.#connections.delete(connection);
    socket.unshift(bytes);
    this.#toParser(socket);
  }

  /** The connection has not sent a byte in time: the server says what it says to any such client. */
  timeOut(connection: QuickConnection, socket: Socket): void {
    this.#connections.delete(connection);
    const error = Object.assign(new Error('request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    socket.on('error', () => undefined);
    this.#server!.emit('clientError', error, socket);
    socket.destroySoon();
  }

  forget(connection: QuickConnection): void {
    this.#connections.delete(connection);
  }

  /** Closes the connections without a request. */
  closeIdle(): void {
    for (const connection of this.#connections) connection.closeIfIdle();
  }

  /** Ends the work of requests that can be called off; their connections. */
  callOff(): QuickConnection[] {
    return [...this.#connections].filter((connection) => connection.callOff());
  }

  closeAll(): void {
    clearInterval(this.#checks);
    for (const connection of this.#connections) connection.destroy();
  }

  /** The time of day for a `Date` header, at most a second old. */
  date(): string {
    if (this.#date === '') {
      const now = new Date();
      this.#date = now.toUTCString();
      setTimeout(() => (this.#date = ''), 1000 - now.getMilliseconds()).unref();
    }
    return this.#date;
  }

  #closeExpired(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.closeIfExpired(now);
  }
}
