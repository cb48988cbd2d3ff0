import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { BodyMemory } from './body-memory.ts';
import { closeOpened, eventually, open } from './http-server.testing.ts';
import type { QuickRoute } from './quick-routes.ts';
import type { RawRoute } from './raw-routes.ts';

afterEach(closeOpened);

const MB = 1_000_000;

const answerLength: RawRoute['handle'] = (_request, body, response) => void response.end(`${body.length}\n`);
const rawRoutes: readonly RawRoute[] = [
  { method: 'POST', path: '/kept', handle: answerLength },
  { method: 'POST', path: '/at-once', usesBodyAtOnce: true, handle: answerLength },
  { method: 'POST', path: '/quick', handle: answerLength },
];
const quickRoutes: readonly QuickRoute[] = [
  { path: '/quick', handle: (_head, body, exchange) => exchange.answer('text/plain', `${body.length}\n`) },
];
const paths = ['/framework', '/kept', '/at-once', '/quick'];

function openServer() {
  return open({ rawRoutes, quickRoutes, bodyMemory: new BodyMemory(MB) }, ({ app }) => {
    app.post('/framework', (request, reply) => reply.send(`${(request.body as Buffer).length}\n`));
  });
}

/** A connection that sends a request in pieces. */
function client(port: number) {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  return {
    /** Begins a request of which `sentBytes` are sent. */
    begin(path: string, bytes: number, sentBytes = bytes): void {
      const type = 'Content-Type: application/octet-stream\r\n';
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${type}Content-Length: ${bytes}\r\n\r\n`);
      socket.write(Buffer.alloc(sentBytes, 'a'));
    },
    send: (bytes: number) => void socket.write(Buffer.alloc(bytes, 'a')),
    /** The answer, once it is there. */
    async answer(): Promise<string> {
      while (!/\r\n\r\n[\s\S]*(\n|\})$/.test(text)) await once(socket, 'data');
      socket.destroy();
      return text;
    },
    leave: () => void socket.destroy(),
  };
}

it.each(paths)('bodies for %s share a bound: one that has no room is 503, and has it later', async (path) => {
  const { port, metric } = await openServer();
  const first = client(port);
  const answerTo = (bytes: number) => {
    const one = client(port);
    one.begin(path, bytes);
    return one.answer();
  };
  first.begin(path, 2 * MB, 900_000);
  await eventually(() => expect(metric('http_request_body_bytes')).toBe(900_000 - 65_536));
  expect(await answerTo(500_000)).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1\r\n[\s\S]*http\.body_memory_limit/i);
  expect(await answerTo(60_000)).toMatch(/^HTTP\/1\.1 200 [\s\S]*60000\n$/);
  first.send(1_100_000);
  expect(await first.answer()).toMatch(/^HTTP\/1\.1 200 [\s\S]*2000000\n$/);
  await eventually(() => expect(metric('http_request_body_bytes')).toBe(0));
  expect(await answerTo(500_000)).toMatch(/^HTTP\/1\.1 200 [\s\S]*500000\n$/);
});

it.each(paths)('the room of a client of %s that leaves is free again', async (path) => {
  const { port, metric } = await openServer();
  const one = client(port);
  one.begin(path, 2 * MB, 900_000);
  await eventually(() => expect(metric('http_request_body_bytes')).toBe(900_000 - 65_536));
  one.leave();
  await eventually(() => expect(metric('http_request_body_bytes')).toBe(0));
  expect(metric('http_request_body_limit_bytes')).toBe(MB);
});
