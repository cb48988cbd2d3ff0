import { Buffer } from 'node:buffer';
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { giveUpAfter } from '../wait-timer.ts';
import { answerError, connectionError } from './http-errors.ts';
import { type HttpStream, type HttpStreamRequest, streamOf } from './http-stream.ts';

export interface HttpOptions {
  /** Sent with every request, as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Connections at once; default 256. A tail takes one. */
  readonly maxConnections?: number | undefined;
  /** How long a request may go without an answer, beside what it asks the server to wait, ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly accept: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
  /** What the server was asked to wait, ms. */
  readonly waitMs?: number;
  readonly signal: AbortSignal;
}

/** Sends requests over connections that are kept. */
export interface HttpTransport {
  /** The body of a 200. @throws LogClientError, or the reason of the signal */
  request(request: HttpRequest): Promise<Buffer>;
  /** A request whose body, or answer, is a stream; one by GET has no body. */
  stream(request: HttpStreamRequest): HttpStream;
  /** How long a request may go without an answer, ms. */
  readonly timeoutMs: number;
  close(): void;
}

const defaultTimeoutMs = 30_000;
/** The server closes connections that are idle for longer than a minute; one that is idle for less is safe to use. */
const idleTimeoutMs = 30_000;

/** @throws TypeError for what is no http: or https: URL */
export function createHttpTransport(url: string, options: HttpOptions): HttpTransport {
  const base = new URL(url);
  const isSecure = base.protocol === 'https:';
  if (!isSecure && base.protocol !== 'http:') throw new TypeError(`not an http: or https: URL: ${url}`);
  const agentOptions = { keepAlive: true, maxSockets: options.maxConnections ?? 256, timeout: idleTimeoutMs };
  const agent = isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const send = isSecure ? requestHttps : requestHttp;
  const prefix = base.pathname.replace(/\/+$/, '');
  const credentials =
    base.username === '' ? undefined : `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const common: RequestOptions = {
    agent,
    host: base.hostname.replace(/^\[|\]$/g, ''),
    ...(base.port !== '' && { port: base.port }),
    ...(credentials !== undefined && { auth: credentials }),
  };

  function request({ method, path, accept, contentType, body, waitMs = 0, signal }: HttpRequest): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const headers = {
        ...options.headers,
        accept,
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...(method === 'POST' && { 'content-length': String(body?.length ?? 0) }),
      };
      const outgoing = send({ ...common, method, path: prefix + path, headers });
      let isConnected = false;
      let isLate = false;
      const timer = giveUpAfter(timeoutMs + waitMs, () => {
        isLate = true;
        outgoing.destroy(new Error(`no answer within ${timeoutMs + waitMs} ms`));
      });
      const onAbort = () => outgoing.destroy(new Error('aborted'));
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error) => {
        end();
        reject(signal.aborted ? signal.reason : connectionError(base.origin, error, { isConnected, isLate }));
      };
      signal.addEventListener('abort', onAbort);
      outgoing.on('socket', (socket) => {
        if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', () => (isConnected = true));
        else isConnected = true;
      });
      outgoing.on('error', fail);
      outgoing.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          end();
          const answer = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
          if (response.statusCode === 200) resolve(answer);
          else reject(answerError(response, answer));
        });
        response.on('close', () => {
          if (!response.complete) fail(new Error('the connection was closed in the middle of an answer'));
        });
      });
      outgoing.end(body);
    });
  }

  function stream({ method, path, accept, contentType, headers, signal }: HttpStreamRequest): HttpStream {
    const all = {
      ...options.headers,
      ...headers,
      accept,
      ...(contentType !== undefined && { 'content-type': contentType }),
    };
    const outgoing = send({ ...common, method, path: prefix + path, headers: all });
    const opened = streamOf(outgoing, { origin: base.origin, timeoutMs, signal });
    if (method === 'GET') outgoing.end();
    else outgoing.flushHeaders();
    return opened;
  }

  return { request, stream, timeoutMs, close: () => agent.destroy() };
}
