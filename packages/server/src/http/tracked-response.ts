import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EndpointMetrics, RequestMetrics } from './request-metrics.ts';

/** The status counted for a request whose client left before any of the answer was sent. */
export const CLIENT_CLOSED_REQUEST = 499;

/** What responses share: where they are counted, and whether the server is on its way out. */
export interface ResponseTracker {
  readonly metrics: RequestMetrics;
  draining: boolean;
  /** Requests that have not ended. */
  readonly open: Set<TrackedResponse>;
  /** Told about each request that has ended. */
  readonly onRecorded: ((response: TrackedResponse) => void) | undefined;
  /** Called after each response while the server drains. */
  onClosed: (() => void) | undefined;
}

/**
 * A response that counts itself. It sits under the framework, because only here is every end of a request seen: an
 * answer, a client that left, a route that does not exist.
 */
export class TrackedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Set by the route that answers. */
  endpoint: EndpointMetrics | undefined = undefined;
  /** The body of the request may go on for as long as the client likes. */
  isStreaming = false;
  #tracker: ResponseTracker | undefined = undefined;
  #startMs = 0;
  #recorded = false;

  /** Milliseconds since the head of the request was read. */
  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  /** Starts counting. */
  begin(tracker: ResponseTracker): void {
    this.#tracker = tracker;
    this.#startMs = performance.now();
    this.endpoint = tracker.metrics.unmatched;
    tracker.metrics.inFlight.inc();
    tracker.open.add(this);
    this.on('close', recordClose);
    (this.req as WithResponse)[kResponse] = this;
    if (this.socket === null) queuedOf(this.req.socket).add(this);
  }

  /** The status that this request is counted under. */
  get countedStatus(): number {
    return this.headersSent ? this.statusCode : CLIENT_CLOSED_REQUEST;
  }

  override writeHead(
    statusCode: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    if (this.#tracker?.draining) this.shouldKeepAlive = false;
    return headers === undefined
      ? super.writeHead(statusCode, reason as OutgoingHttpHeaders)
      : super.writeHead(statusCode, reason as string, headers);
  }

  /** @internal Node 24 closes queued responses by itself, Node 20 does not: the first close counts. */
  recordClose(): void {
    if (this.#recorded) return;
    this.#recorded = true;
    const tracker = this.#tracker!;
    tracker.metrics.inFlight.dec();
    tracker.open.delete(this);
    this.endpoint!.record(this.req.method ?? '', this.countedStatus, this.elapsedMs / 1000);
    // A request that was destroyed has lost its socket.
    (this.req.socket as WithQueue | null)?.[kQueued]?.delete(this);
    tracker.onRecorded?.(this);
    tracker.onClosed?.();
  }
}

function recordClose(this: TrackedResponse): void {
  this.recordClose();
}

const kResponse = Symbol('the response to a request');

interface WithResponse extends IncomingMessage {
  [kResponse]?: ServerResponse;
}

/** Calls `listener` when the request is over, whether it was answered or not. */
export function onceOver(request: IncomingMessage, listener: () => void): void {
  (request as WithResponse)[kResponse]!.once('close', listener);
}

const kQueued = Symbol('responses queued behind another');

interface WithQueue extends Socket {
  [kQueued]?: Set<TrackedResponse>;
}

function queuedOf(socket: WithQueue): Set<TrackedResponse> {
  return (socket[kQueued] ??= new Set());
}

/**
 * Ends the responses to pipelined requests whose turn never came: Node closes only the one that holds the socket, so the
 * others would count as in flight for ever.
 */
export function closeQueuedResponses(socket: Socket): void {
  for (const response of (socket as WithQueue)[kQueued] ?? []) {
    if (response.socket !== null) continue;
    response.destroy();
    response.emit('close');
  }
}
