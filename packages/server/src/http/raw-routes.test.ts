import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened, eventually, exchange, open, post } from './http-server.testing.ts';
import type { HttpServerOptions } from './http-server.ts';
import { HttpError } from './problem.ts';
import { type RawRoute, sendBytes } from './raw-routes.ts';

afterEach(closeOpened);

describe('raw routes', () => {
  const rawRoutes: HttpServerOptions['rawRoutes'] = [
    {
      method: 'POST',
      path: '/append',
      bodyLimitBytes: 10,
      handle: (request, body, response) => {
        if (request.url!.endsWith('?fail')) throw new HttpError(409, 'sequence differs');
        if (request.url!.endsWith('?fail-later')) return Promise.reject(new Error('a detail'));
        sendBytes(response, 200, 'application/json', JSON.stringify({ bytes: body.length }));
        return undefined;
      },
    },
  ];

  it('answer and are counted like others', async () => {
    const { url, metric } = await open({ rawRoutes });
    const answer = await post(`${url}/append`, Buffer.alloc(10));
    expect([answer.status, await answer.json()]).toEqual([200, { bytes: 10 }]);
    expect((await post(`${url}/append?fail`, 'x')).status).toBe(409);
    const failed = await post(`${url}/append?fail-later`, 'x');
    expect([failed.status, await failed.json()]).toEqual([500, { status: 'error', message: 'internal server error' }]);
    expect((await post(`${url}/append`, Buffer.alloc(11))).status).toBe(413);
    const wrong = await fetch(`${url}/append`);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    await eventually(() => {
      for (const status of [200, 409, 500, 413]) {
        expect(metric(`http_requests_total{method="POST",endpoint="/append",status="${status}"}`)).toBe(1);
      }
    });
  });

  it('that take a stream get it as it comes, without a limit', async () => {
    const { url } = await open({
      rawRoutes: [
        {
          method: 'POST',
          path: '/stream',
          bodyLimitBytes: 10,
          streamsBody: true,
          handle: (request, body, response) => {
            expect(body.length).toBe(0);
            request.on('data', (chunk: Buffer) => response.write(`${chunk.length};`));
            request.on('end', () => response.end('end'));
          },
        },
      ],
    });
    const out = request(`${url}/stream`, { method: 'POST' });
    out.write(Buffer.alloc(20));
    const [response] = (await once(out, 'response')) as [IncomingMessage];
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe('20;');
    out.end(Buffer.alloc(30));
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe('30;end');
  });

  it('are answered 408 when the request takes too long to arrive, unless they take a stream', async () => {
    const handle: RawRoute['handle'] = (request, _body, response) => {
      request.on('data', (chunk: Buffer) => response.write(`${chunk.length};`));
      request.on('end', () => response.end('end'));
    };
    const { url, port, metric } = await open({
      requestTimeoutMs: 200,
      rawRoutes: [
        { method: 'POST', path: '/whole', handle },
        { method: 'POST', path: '/stream', streamsBody: true, handle },
      ],
    });
    const out = request(`${url}/stream`, { method: 'POST' });
    out.write('a');
    const [response] = (await once(out, 'response')) as [IncomingMessage];
    const late = await exchange(port, 'POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf');
    expect(late).toContain('HTTP/1.1 408 Request Timeout');
    expect(late).toContain('the request did not arrive in time');
    expect(metric('http_malformed_requests_total{reason="timeout"}')).toBe(1);
    out.end('b');
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toMatch(/end$/);
  });
});
