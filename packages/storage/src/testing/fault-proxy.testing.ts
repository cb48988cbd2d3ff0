import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback, stopServer } from './loopback.testing.ts';

/** What happens to one request on its way. */
export type Fault =
  /** Answered late. */
  | { readonly kind: 'latency'; readonly delayMs: number }
  /** Answered by the proxy, with S3's word for it in `code`; the store never sees it. */
  | { readonly kind: 'status'; readonly status: number; readonly code?: string }
  /** The connection breaks before the store sees the request. */
  | { readonly kind: 'reset' }
  /** The store does it, but the connection breaks before the answer. */
  | { readonly kind: 'lostAnswer' }
  /** The connection breaks in the middle of the request's body. */
  | { readonly kind: 'halfRequest' }
  /** The connection breaks in the middle of the answer's body. */
  | { readonly kind: 'halfAnswer' }
  /** Nothing ever comes back; the connection stays open until the fault is lifted. */
  | { readonly kind: 'blackhole' };

export interface ProxiedRequest {
  readonly method: string;
  /** Path without the query, decoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FaultProxy {
  readonly endpoint: string;
  readonly port: number;
  /** The same fault for every request from now on, or one chosen for each; undefined lifts it. */
  setFault(fault: Fault | ((request: ProxiedRequest) => Fault | undefined) | undefined): void;
  /** Requests seen since the last {@link resetCounts}; `prefix` is of the path, with its leading slash. */
  count(filter?: { readonly method?: string; readonly prefix?: string }): number;
  resetCounts(): void;
  stop(): Promise<void>;
}

/** An HTTP proxy on 127.0.0.1 in front of `target`. The Host header passes unchanged, so that signatures hold. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const swallowed = new Set<ServerResponse>();
  let requests: ProxiedRequest[] = [];
  let choose: (request: ProxiedRequest) => Fault | undefined = () => undefined;

  const forward = (request: IncomingMessage, fault: Fault | undefined) => {
    const { method, url: path, headers } = request;
    const upstream = httpRequest({ agent, hostname, port: targetPort, method, path, headers });
    if (fault?.kind === 'halfRequest') sendHalf(request, upstream);
    else request.pipe(upstream);
    return upstream;
  };

  const server = createServer(async (request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0]!);
    const seen = { method: request.method ?? '', path, headers: request.headers };
    requests.push(seen);
    const fault = choose(seen);
    if (fault?.kind === 'latency') await sleep(fault.delayMs);
    if (fault?.kind === 'blackhole') {
      swallowed.add(response);
      response.once('close', () => swallowed.delete(response));
      return;
    }
    if (fault?.kind === 'reset') {
      reset(response);
      return;
    }
    if (fault?.kind === 'status') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${fault.code ?? `Injected${fault.status}`}</Code></Error>`);
      return;
    }
    if (request.destroyed && !request.complete) return;
    const upstream = forward(request, fault);
    upstream.on('error', () => reset(response));
    response.once('close', () => upstream.destroy());
    // A response that waits for the one before it on its connection is not closed with the connection.
    request.once('close', () => {
      if (!request.complete) upstream.destroy();
    });
    upstream.on('response', (answer) => {
      if (fault?.kind === 'lostAnswer') {
        answer.resume().once('end', () => reset(response));
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault?.kind === 'halfAnswer') answerHalf(answer, response);
      else answer.pipe(response);
    });
  });

  const port = await listenOnLoopback(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    setFault: (fault) => {
      choose = typeof fault === 'function' ? fault : () => fault;
      for (const response of swallowed) reset(response);
    },
    count: ({ method, prefix = '' } = {}) =>
      requests.filter((seen) => (method === undefined || seen.method === method) && seen.path.startsWith(prefix))
        .length,
    resetCounts: () => {
      requests = [];
    },
    stop: async () => {
      await stopServer(server);
      agent.destroy();
    },
  };
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function sendHalf(request: IncomingMessage, upstream: ReturnType<typeof httpRequest>): void {
  let left = Math.floor(Number(request.headers['content-length'] ?? 0) / 2);
  request.on('data', (chunk: Buffer) => {
    if (left >= 0) upstream.write(chunk.subarray(0, left));
    left -= chunk.length;
  });
  request.once('end', () => setTimeout(() => upstream.destroy(), 10));
}

function answerHalf(answer: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.once('end', () => {
    const body = Buffer.concat(chunks);
    response.write(body.subarray(0, body.length >> 1), () => setTimeout(() => reset(response), 10));
  });
}
