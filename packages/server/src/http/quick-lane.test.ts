import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened, eventually, exchange, open, post } from './http-server.testing.ts';
import type { HttpServerOptions } from './http-server.ts';
import { HttpError } from './problem.ts';
import type { QuickExchange } from './quick-lane.ts';
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

/** Status and body of every answer; what differs on purpose, the order and case of headers, is left out. */
function answers(text: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return [...found, text.slice(at)];
    const head = text.slice(at, headEnd);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    found.push(`${head.split('\r\n', 1)[0]} ${text.slice(headEnd + 4, headEnd + 4 + length)}`);
    at = headEnd + 4 + length;
  }
  return found.map((answer) => (answer.startsWith('HTTP/1.1 400') ? 'HTTP/1.1 400' : answer));
}

/**
 * Sends requests, cut into parts, each when the one before is answered, and then, or after a while without an answer, that no
 * more comes; all that comes back.
 */
async function converse(port: number, requests: readonly (readonly Buffer[])[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => chunks.push(chunk));
  for (const parts of requests) {
    const answered = new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true));
      setTimeout(() => resolve(false), 500);
    });
    for (const part of parts) {
      socket.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!(await Promise.race([answered, closed]))) break;
  }
  socket.end();
  await closed;
  return Buffer.concat(chunks).toString('latin1');
}

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

  it('says what the parser says, whatever comes and however it is cut', async () => {
    const quick = await open({ rawRoutes, quickRoutes, bodyLimitBytes: 200 });
    const slow = await open({ rawRoutes, bodyLimitBytes: 200 });
    const body = fc.oneof(
      fc.constantFrom('fail', 'crash', 'slow', 'slow fail', 'x'.repeat(150), 'y'.repeat(201), '\r\n\r\n'),
      fc.string({ maxLength: 20 }),
    );
    const header = fc.constantFrom(
      'Accept: */*',
      'Connection: keep-alive',
      'Connection: close',
      'Content-Length: 3',
      'Content-Type: a/b',
      'Host: y',
      'Transfer-Encoding: chunked',
      'User-Agent: x y',
      'X-A: b',
      'broken',
      ' folded: a',
    );
    const request = fc
      .record({
        line: fc.oneof(
          { weight: 8, arbitrary: fc.constant('POST /append HTTP/1.1') },
          { weight: 1, arbitrary: fc.constantFrom('GET /append HTTP/1.1', 'POST /other HTTP/1.1', 'POST /append', '') },
        ),
        headers: fc.oneof(
          { weight: 4, arbitrary: fc.constant<string[]>([]) },
          { weight: 1, arbitrary: fc.array(header, { maxLength: 3 }) },
        ),
        body,
      })
      .map(({ line, headers, body: text }) => {
        const bytes = Buffer.from(text, 'latin1');
        const head = [line, 'Host: x', `Content-Length: ${bytes.length}`, ...headers, '', ''].join('\r\n');
        return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
      });
    const cuts = fc.array(fc.nat(300), { maxLength: 3 });
    const cutRequest = fc.tuple(request, cuts).map(([bytes, places]) => {
      const ends = [...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
      return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cutRequest, { minLength: 1, maxLength: 3 }), async (requests) => {
        const [ours, theirs] = await Promise.all([converse(quick.port, requests), converse(slow.port, requests)]);
        expect(answers(ours)).toEqual(answers(theirs));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('refuses a body that ends early', async () => {
    const { port } = await open({ rawRoutes, quickRoutes });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.end('POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [\s\S]*the request body ended early/);
  });

  it('answers what was pipelined in its order, one after the other', async () => {
    const { port } = await open({ rawRoutes, quickRoutes });
    const one = (body: string, more = '') =>
      `POST /append HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
    const bodies = Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? `slow ${i}` : `${i}`));
    const text = await exchange(port, bodies.map((body) => one(body)).join('') + one('end', 'Connection: close\r\n'));
    expect(answers(text)).toEqual([...bodies, 'end'].map((body) => `HTTP/1.1 200 OK ${body.length}:${body}`));
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
