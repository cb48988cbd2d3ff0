import { once } from 'node:events';
import { connect } from 'node:net';
import { vi } from 'vitest';
import { createLogger } from '../logger.ts';
import { createRegistry } from '../metrics/registry.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts';

const opened: HttpServer[] = [];

/** For `afterEach`: closes what `open` has opened. */
export async function closeOpened(): Promise<void> {
  for (const http of opened.splice(0)) await http.close(0);
}

export type Setup = (http: HttpServer) => void;

/** A server on a port of its own, with its log and a way to read its metrics. */
export async function open(options: Partial<HttpServerOptions> = {}, setup: Setup = () => {}) {
  const registry = createRegistry();
  const log: Record<string, unknown>[] = [];
  const logger = createLogger({
    service: 'test',
    env: {},
    destination: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const http = createHttpServer({ registry, logger, ...options });
  opened.push(http);
  setup(http);
  const { port } = await http.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  const metric = (line: string) => {
    const found = registry
      .render()
      .split('\n')
      .find((text) => text.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length + 1));
  };
  return { http, registry, log, port, url, metric };
}

/** Waits for an assertion to hold, on a machine that may be busy. */
export function eventually(assertion: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { timeout: 60_000, interval: 5 });
}

/** Sends bytes and returns all that comes back until the server closes the connection. */
export async function exchange(port: number, request: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(request);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** Routes that send back the body they were given. */
export const echo: Setup = ({ app }) => {
  app.post('/echo', (request, reply) => {
    const { body } = request;
    if (Buffer.isBuffer(body)) return reply.send({ buffer: body.toString('hex') });
    return reply.send({ value: body });
  });
  app.post('/raw', { config: { body: 'raw' } }, (request, reply) => {
    reply.send({ isBuffer: Buffer.isBuffer(request.body), length: (request.body as Buffer).length });
  });
};

export function post(url: string, body: RequestInit['body'], contentType?: string): Promise<Response> {
  return fetch(url, { method: 'POST', body: body!, ...(contentType && { headers: { 'content-type': contentType } }) });
}
