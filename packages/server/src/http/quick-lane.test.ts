import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answersIn } from './conversation.testing.ts';
import { closeOpened, eventually, exchange, open, post } from './http-server.testing.ts';
import type { HttpServerOptions } from './http-server.ts';
import { HttpError } from './problem.ts';
import type { QuickExchange } from './quick-routes.ts';
import { sendBytes } from './raw-routes.ts';

afterEach(closeOpened);

/** What a body asks for is done by both routes. */
function answerTo(body: Buffer): string {
  const text = body.toString('latin1');
  if (text.startsWith('fail')) throw new HttpError(429, 'later', { retryAfterSeconds: 2 });
  if (text.startsWith('crash')) throw new Error('a detail');
  return `${body.length}:${text}`;
}

const later = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

const rawRoutes: HttpServerOptions['rawRoutes'] = [
  {
    method: 'POST',
    path: '/append',
    async handle(_request, body, response) {
      if (body.includes('slow')) await later();
      sendBytes(response, 200, 'text/plain', Buffer.from(answerTo(body), 'latin1'));
    },
  },
];
const quickRoutes: HttpServerOptions['quickRoutes'] = [
  {
    path: '/append',
    handle(_head, body, exchange) {
      const copy = Buffer.from(body);
      if (!copy.includes('slow')) return exchange.answer('text/plain', answerTo(copy));
      return later().then(() => exchange.answer('text/plain', answerTo(copy)));
    },
  },
];

describe('the quick lane', () => {
  it('answers plain requests, is counted, and leaves the others to the parser', async () => {
    const handled: string[] = [];
    const spied = quickRoutes.map((route) => ({
      ...route,
      handle(...request: Parameters<typeof route.handle>) {
        handled.push(request[1].toString());
        return route.handle(...request);
      },
    }));
    const { url, metric } = await open({ rawRoutes, quickRoutes: spied, bodyLimitBytes: 100_000 });
    const text = async (answer: Promise<Response>) => [(await answer).status, await (await answer).text()];
    expect(await text(post(`${url}/append`, 'one'))).toEqual([200, '3:one']);
    expect(await text(post(`${url}/append?query`, 'two'))).toEqual([200, '3:two']);
    const refused = await post(`${url}/append`, 'fail');
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      429,
      '2',
      { status: 'error', message: 'later' },
    ]);
    expect((await post(`${url}/append`, 'crash')).status).toBe(500);
    expect((await post(`${url}/append`, Buffer.alloc(100_001))).status).toBe(413);
    expect((await fetch(`${url}/append`)).status).toBe(405);
    expect((await fetch(`${url}/-/healthy`)).status).toBe(200);
    const large = Buffer.alloc(100_000, 'x');
    expect(await text(post(`${url}/append`, large))).toEqual([200, `100000:${large}`]);
    expect(handled).toContain('one');
    expect(handled).not.toContain('two');
    await eventually(() => {
      for (const [status, count] of [
        [200, 3],
        [429, 1],
        [500, 1],
        [413, 1],
      ]) {
        expect(metric(`http_requests_total{method="POST",endpoint="/append",status="${status}"}`)).toBe(count);
      }
      expect(metric('http_requests_in_flight')).toBe(0);
    });
  });

  it('refuses a body that ends early', async () => {
    const { port } = await open({ rawRoutes, quickRoutes });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.end('POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [\s\S]*the request body ended early/);
  });

  it('answers 408 to a request that takes too long to arrive', async () => {
    const { port, metric } = await open({ rawRoutes, quickRoutes, requestTimeoutMs: 100 });
    const late = await exchange(port, 'POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    expect(late).toMatch(/^HTTP\/1\.1 408 [\s\S]*Connection: close\r\n[\s\S]*did not arrive in time/);
    expect(metric('http_malformed_requests_total{reason="timeout"}')).toBe(1);
    expect(metric('http_requests_in_flight')).toBe(0);
  });

  it('answers what was pipelined in its order, one after the other', async () => {
    const { port } = await open({ rawRoutes, quickRoutes });
    const one = (body: string, more = '') =>
      `POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
    const bodies = Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? `slow ${i}` : `${i}`));
    const text = await exchange(port, bodies.map((body) => one(body)).join('') + one('end', 'Connection: close\r\n'));
    const expected = bodies.map((body) => `HTTP/1.1 200 OK keep-alive ${body.length}:${body}`);
    expect(answersIn(text)).toEqual([...expected, 'HTTP/1.1 200 OK close 3:end']);
  });

  it('reads bodies that come in many pieces, several in one piece too', async () => {
    const { port } = await open({ rawRoutes, quickRoutes });
    const bodies = Array.from({ length: 12 }, (_, i) =>
      `${i % 3 === 0 ? 'slow' : 'fast'} ${i}`.repeat(i < 6 ? 25_000 : 3000),
    );
    const requests = bodies.map((body, i) => {
      const last = i === bodies.length - 1 ? 'Connection: close\r\n' : '';
      return `POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${last}\r\n${body}`;
    });
    const answers = answersIn(await exchange(port, requests.join('')));
    expect(answers.map((answer) => answer.split(' ').slice(4).join(' '))).toEqual(
      bodies.map((body) => `${body.length}:${body}`),
    );
  });

  it('answers a client that has closed its side, and counts half a request', async () => {
    const { port, metric } = await open({ rawRoutes, quickRoutes });
    const one = (body: string) => `POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.end(
      `${one('slow')}${one('b')}${one('slow c')}POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nd`,
    );
    await once(socket, 'close');
    expect(answersIn(Buffer.concat(chunks).toString()).map((answer) => answer.split(':').at(-1))).toEqual([
      'slow',
      'b',
      'slow c',
      'HTTP/1.1 400',
    ]);
    expect(metric('http_requests_in_flight')).toBe(0);
    expect(metric('http_malformed_requests_total{reason="malformed"}')).toBe(1);
  });

  it('takes no more from a client that does not read its answers', async () => {
    let taken = 0;
    const answer = 'a'.repeat(64 * 1024);
    const large = [
      {
        path: '/append',
        handle: (_head: unknown, _body: Buffer, one: QuickExchange) => {
          taken++;
          one.answer('text/plain', answer);
        },
      },
    ];
    const { port, metric } = await open({ rawRoutes, quickRoutes: large });
    const socket = connect({ port, host: '127.0.0.1' });
    socket.pause();
    const count = 1000;
    socket.write('POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na'.repeat(count));
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(1));
    let before = -1;
    await eventually(() => {
      const isSteady = taken === before;
      before = taken;
      expect(isSteady).toBe(true);
    });
    expect(taken).toBeLessThan(count);
    socket.resume();
    await eventually(() => expect(taken).toBe(count));
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(0));
    socket.destroy();
  });

  it('answers 204 without a body, under a body limit of the route', async () => {
    const path = '/write';
    const { port } = await open({
      bodyLimitBytes: 2,
      rawRoutes: [
        { method: 'POST', path, bodyLimitBytes: 4, handle: (_r, _b, response) => void response.writeHead(500).end() },
      ],
      quickRoutes: [
        {
          path,
          bodyLimitBytes: 4,
          handle: ({ contentEncoding = '' }, body, one) =>
            one.answerEmpty({ 'x-encoding': contentEncoding, 'x-length': String(body.length) }),
        },
      ],
    });
    const one = (length: number, more: string) =>
      `POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n${more}\r\n${'a'.repeat(length)}`;
    const text = await exchange(
      port,
      one(4, 'Content-Encoding: snappy\r\n') + one(3, '') + one(5, 'Connection: close\r\n'),
    );
    const [first, second, third] = text.split(/(?=HTTP\/1\.1)/);
    expect(first).toMatch(/^HTTP\/1\.1 204 No Content\r\nx-encoding: snappy\r\nx-length: 4\r\n[\s\S]*\r\n\r\n$/);
    expect(first).not.toMatch(/content-length/i);
    expect(second).toMatch(/^HTTP\/1\.1 204 No Content\r\nx-encoding: \r\nx-length: 3\r\n/);
    expect(third).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('counts a client that left, and forgets its answer', async () => {
    const waiting: QuickExchange[] = [];
    const held = [
      { path: '/append', handle: (_head: unknown, _body: Buffer, one: QuickExchange) => void waiting.push(one) },
    ];
    const { port, metric } = await open({ rawRoutes, quickRoutes: held });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na');
    await eventually(() => expect(waiting.length).toBe(1));
    const half = connect(port, '127.0.0.1');
    half.write('POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na');
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(2));
    socket.resetAndDestroy();
    half.resetAndDestroy();
    await eventually(() => {
      expect(metric('http_requests_in_flight')).toBe(0);
      expect(metric('http_open_connections')).toBe(0);
      expect(metric('http_requests_total{method="POST",endpoint="/append",status="499"}')).toBe(2);
    });
    waiting[0]!.answer('text/plain', 'late');
    expect(metric('http_requests_total{method="POST",endpoint="/append",status="200"}')).toBeUndefined();
  });

  it('drains: idle connections close, a request is answered and closes its connection', async () => {
    const waiting: QuickExchange[] = [];
    const held = [
      { path: '/append', handle: (_head: unknown, _body: Buffer, one: QuickExchange) => void waiting.push(one) },
    ];
    const { http, port } = await open({ rawRoutes, quickRoutes: held });
    const idle = connect(port, '127.0.0.1');
    await once(idle, 'connect');
    const answer = exchange(port, 'POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na');
    await eventually(() => expect(waiting.length).toBe(1));
    const closing = http.close(20_000);
    idle.resume();
    await once(idle, 'close');
    waiting[0]!.answer('text/plain', 'done');
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*done$/);
    expect(await closing).toBe(0);
  });
});
