import { once } from 'node:events';
import { connect } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { answersIn } from './conversation.testing.ts';
import { closeOpened, eventually, exchange, open } from './http-server.testing.ts';
import { HttpError } from './problem.ts';
import type { QuickExchange, QuickRoute } from './quick-routes.ts';
import { requestSignal } from './request-signal.ts';

afterEach(closeOpened);

const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const CLOSE = 'Connection: close\r\n';
const plain = { 'content-type': 'text/plain' };

function route(handle: QuickRoute['handle'], path = '/read'): QuickRoute {
  return { method: 'GET', path, headers: { vary: 'Origin' }, handle };
}

describe('reads in the quick lane', () => {
  it('get their query and parameter; large answers come whole and in order', async () => {
    const quickRoutes = [
      route(({ query }, _body, one) => one.answerBytes(Buffer.alloc(Number(query), 'é'), plain)),
      route((_head, _body, one, parameter) => one.answerBytes(Buffer.from(parameter), plain), '/of/:name/values'),
    ];
    const { port, metric } = await open({ quickRoutes });
    const text = await exchange(
      port,
      get('/read?10') + get('/read?300000') + get('/of/abc/values') + get('/read?20') + get('/none', CLOSE),
    );
    const bodies = answersIn(text)
      .slice(0, -1)
      .map((answer) => answer.replace('HTTP/1.1 200 OK keep-alive ', ''));
    expect(bodies.slice(2, 3)).toEqual(['abc']);
    expect(bodies.map(({ length }) => length)).toEqual([10, 300_000, 3, 20]);
    expect(text.match(/\r\nvary: Origin\r\n/g)).toHaveLength(4);
    await eventually(() => expect(metric('http_requests_total{method="GET",endpoint="/read",status="200"}')).toBe(3));
    expect(metric('http_requests_total{method="GET",endpoint="/of/:name/values",status="200"}')).toBe(1);
  });

  it('answer errors with the headers of the route, and leave a POST of the same path to the parser', async () => {
    const failing = route(() => {
      throw new HttpError(429, 'later', { retryAfterSeconds: 2 });
    });
    const { url } = await open({ quickRoutes: [failing] });
    const refused = await fetch(`${url}/read`);
    expect([refused.status, refused.headers.get('vary'), refused.headers.get('retry-after')]).toEqual([
      429,
      'Origin',
      '2',
    ]);
    expect((await fetch(`${url}/read`, { method: 'POST' })).status).toBe(404);
  });

  it('of a connection have one controller, but for those after one that was aborted or is listened to', async () => {
    const controllers: AbortController[] = [];
    const quickRoutes = [
      route(({ query }, _body, one) => {
        const { controller } = one;
        controllers.push(controller);
        expect(controller.signal.aborted).toBe(false);
        if (query === 'abort') controller.abort();
        if (query === 'listen') controller.signal.addEventListener('abort', () => undefined);
        one.answerBytes(Buffer.from('here'), plain);
      }),
    ];
    const { port } = await open({ quickRoutes });
    const asked = ['', '', 'abort', '', 'listen', '', ''].map((query) => get(`/read?${query}`));
    expect(answersIn(await exchange(port, `${asked.join('')}${get('/none', CLOSE)}`))).toHaveLength(8);
    const numbers = controllers.map((controller) => controllers.indexOf(controller));
    expect(numbers).toEqual([0, 0, 0, 3, 3, 5, 5]);
  });

  it('may be answered in pieces, after which the connection goes on', async () => {
    const quickRoutes = [
      route(({ query }, _body, one) => {
        const pieces = Array.from({ length: 5 }, () => Buffer.alloc(Number(query), 'a'));
        pieces.push(Buffer.alloc(0), Buffer.from('end'));
        pipeline(Readable.from(pieces, { objectMode: false }), one.answerStream(plain), () => undefined);
      }),
    ];
    const { port, url, metric } = await open({ quickRoutes });
    for (const length of [1, 200_000]) {
      const answer = await fetch(`${url}/read?${length}`);
      expect(answer.headers.get('transfer-encoding')).toBe('chunked');
      expect(await answer.text()).toBe(`${'a'.repeat(5 * length)}end`);
    }
    const both = await exchange(port, get('/read?1') + get('/read?2') + get('/none', CLOSE));
    expect(both.match(/end\r\n0\r\n\r\n/g)).toHaveLength(2);
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(0));
  });

  it('are broken off where an answer in pieces fails, and stop where its reader leaves', async () => {
    let isDestroyed = false;
    let broken: Promise<void> | undefined;
    const quickRoutes = [
      route(({ query }, _body, one) => {
        async function* pieces() {
          try {
            yield Buffer.alloc(1000);
            if (query === 'fail') throw new Error('a detail');
            for (;;) {
              await sleep(1);
              yield Buffer.alloc(100_000);
            }
          } finally {
            isDestroyed = true;
          }
        }
        broken = new Promise((resolve) =>
          pipeline(Readable.from(pieces(), { objectMode: false }), one.answerStream(plain), () => resolve()),
        );
      }),
    ];
    const { port, url, metric } = await open({ quickRoutes });
    expect(await exchange(port, get('/read?fail'))).not.toMatch(/\r\n0\r\n\r\n$/);
    isDestroyed = false;
    const leaving = new AbortController();
    const answer = await fetch(`${url}/read?go`, { signal: leaving.signal });
    expect(answer.status).toBe(200);
    leaving.abort();
    await broken;
    await eventually(() => expect(isDestroyed).toBe(true));
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(0));
  });

  it('are called off when their client leaves, or only closes its side', async () => {
    const signals: AbortSignal[] = [];
    const quickRoutes = [route((_head, _body, one) => void signals.push(requestSignal({ raw: one })))];
    const { port, metric } = await open({ quickRoutes });
    for (const [count, leave] of [[1, 'resetAndDestroy'] as const, [2, 'end'] as const]) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      socket.write(get('/read'));
      await eventually(() => expect(signals).toHaveLength(count));
      expect(signals[count - 1]!.aborted).toBe(false);
      socket[leave]();
      await eventually(() => expect(signals[count - 1]!.aborted).toBe(true));
      await eventually(() =>
        expect(metric('http_requests_total{method="GET",endpoint="/read",status="499"}')).toBe(count),
      );
    }
    expect(metric('http_requests_in_flight')).toBe(0);
  });

  it('are called off when the server stops, with an answer', async () => {
    let waiting: QuickExchange | undefined;
    const quickRoutes = [
      route(async (_head, _body, one) => {
        waiting = one;
        const { signal } = one.controller;
        await once(signal, 'abort');
        throw signal.reason;
      }),
    ];
    const { http, port } = await open({ quickRoutes });
    const answer = exchange(port, get('/read'));
    await eventually(() => expect(waiting).toBeDefined());
    expect(await http.close(10_000)).toBe(0);
    expect(await answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*Connection: close[\s\S]*the server is stopping/);
  });
});
