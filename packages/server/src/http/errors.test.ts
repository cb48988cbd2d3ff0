import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened, echo, eventually, exchange, open, post, type Setup } from './http-server.testing.ts';
import type { HttpServerOptions } from './http-server.ts';
import { HttpError } from './problem.ts';

afterEach(closeOpened);

describe('errors', () => {
  const envelope: HttpServerOptions['errorRenderers'] = {
    '/api/v1/': ({ status, code, message }) => ({
      contentType: 'application/json',
      body: JSON.stringify({
        status: 'error',
        errorType: code ?? (status === 400 ? 'bad_data' : 'other'),
        error: message,
      }),
    }),
  };
  const failing: Setup = ({ app }) => {
    app.get('/fail', () => {
      throw new Error('a secret detail');
    });
    app.get('/fail-later', async () => {
      await sleep(1);
      throw new Error('a secret detail');
    });
    app.get('/api/v1/query', () => {
      throw new HttpError(422, 'multiple matches', { code: 'execution' });
    });
    app.get('/busy', () => {
      throw new HttpError(429, 'too many appends', { retryAfterSeconds: 0.2, headers: { 'x-queue': 'full' } });
    });
    app.get('/typed', () => {
      throw Object.assign(new Error('store away'), { code: 'unavailable' });
    });
    app.post('/api/v1/write', (_request, reply) => reply.code(204).send());
    app.get('/api/v1/label/:name/values', () => 'x');
  };
  const mapError: HttpServerOptions['mapError'] = (error) =>
    (error as { code?: string }).code === 'unavailable'
      ? { status: 503, message: 'the object store does not answer', retryAfterSeconds: 5 }
      : undefined;

  it('are 500 without details for the client, with them in the log', async () => {
    const { url, log } = await open({ mapError }, failing);
    for (const path of ['/fail', '/fail-later']) {
      const response = await fetch(`${url}${path}?password=x`);
      expect([response.status, await response.json()]).toEqual([
        500,
        { status: 'error', message: 'internal server error' },
      ]);
    }
    expect(log).toHaveLength(2);
    expect(log[0]).toMatchObject({ level: 'error', method: 'GET', path: '/fail', err: { message: 'a secret detail' } });
    expect(JSON.stringify(log)).not.toContain('password');
  });

  it('have the status of their kind, and headers', async () => {
    const { url, log } = await open({ mapError, errorRenderers: envelope }, failing);
    const query = await fetch(`${url}/api/v1/query`);
    expect([query.status, await query.json()]).toEqual([
      422,
      { status: 'error', errorType: 'execution', error: 'multiple matches' },
    ]);
    const busy = await fetch(`${url}/busy`);
    expect([busy.status, busy.headers.get('retry-after'), busy.headers.get('x-queue')]).toEqual([429, '1', 'full']);
    const typed = await fetch(`${url}/typed`);
    expect([typed.status, typed.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await typed.json()).toEqual({ status: 'error', message: 'the object store does not answer' });
    expect(log).toEqual([]);
  });

  it('have exactly the content type of their renderer', async () => {
    const { url } = await open({ errorRenderers: envelope }, failing);
    for (const path of ['/api/v1/query', '/api/v1/nothing', '/fail']) {
      expect((await fetch(url + path)).headers.get('content-type')).toBe('application/json');
    }
  });

  it('are rendered by path prefix for what no route answers', async () => {
    const { url } = await open({ errorRenderers: envelope }, failing);
    const nothing = await fetch(`${url}/api/v1/nothing?x=1`);
    expect([nothing.status, await nothing.json()]).toEqual([
      404,
      { status: 'error', errorType: 'other', error: 'there is nothing at /api/v1/nothing' },
    ]);
    const elsewhere = await fetch(`${url}/nothing`);
    expect(await elsewhere.json()).toEqual({ status: 'error', message: 'there is nothing at /nothing' });
  });

  it('name the allowed methods', async () => {
    const { url } = await open({}, failing);
    const write = await fetch(`${url}/api/v1/write`);
    expect([write.status, write.headers.get('allow')]).toEqual([405, 'POST']);
    const values = await fetch(`${url}/api/v1/label/job/values?a=b`, { method: 'DELETE' });
    expect([values.status, values.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it.each([
    ['{"a":', 'application/json', 400, 'not valid JSON'],
    ['x', 'application/xml', 415, 'unsupported content type "application/xml"'],
    ['x', 'nonsense', 415, 'Unsupported Media Type'],
  ])('say what is wrong with the body %j of type %s', async (body, type, status, message) => {
    const { url } = await open({}, echo);
    const response = await post(`${url}/echo`, body, type);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(message.replaceAll('"', '\\"'));
  });

  it('refuse a body without a type', async () => {
    const { url } = await open({}, echo);
    const response = await post(`${url}/echo`, Buffer.from('x'));
    expect([response.status, await response.json()]).toEqual([
      415,
      { status: 'error', message: 'a body needs a Content-Type' },
    ]);
  });

  it.each([['/%zz'], ['/label/%']])('answer the path %s with 400', async (path) => {
    const { port } = await open({}, failing);
    const answer = await exchange(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"status":"error"/);
  });

  it('answer very long paths', async () => {
    const { url } = await open({}, failing);
    expect((await fetch(`${url}/api/v1/label/${'x'.repeat(60_000)}/values`)).status).toBe(200);
    expect((await fetch(`${url}/api/v1/label/${'x'.repeat(70_000)}/values`)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('what is not HTTP', () => {
  it.each([
    ['nonsense\r\n\r\n', 400, 'method'],
    ['GET / HTTP/9.9\r\n\r\n', 400, 'malformed'],
    ['POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n', 400, 'content_length'],
    ['POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'malformed'],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(300_000)}\r\n\r\n`, 431, 'header_too_large'],
  ])('is answered and counted: %#', async (request, status, reason) => {
    const { port, metric } = await open({}, echo);
    const answer = await exchange(port, request);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*"status":"error"`));
    const counted = ['method', 'malformed', 'content_length', 'header_too_large'].filter(
      (name) => metric(`http_malformed_requests_total{reason="${name}"}`) === 1,
    );
    expect(counted).toEqual([reason]);
  });

  it('leaves the server alive when a client stops in the middle of a body', async () => {
    const { url, port, metric } = await open({}, echo);
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf');
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(1));
    socket.destroy();
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(0));
    expect((await post(`${url}/echo`, 'x', 'text/plain')).status).toBe(200);
  });
});
