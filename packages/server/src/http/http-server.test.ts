import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../logger.ts';
import { createRegistry } from '../metrics/registry.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts';
import { HttpError } from './problem.ts';
import { sendBytes } from './raw-routes.ts';
import type { Readiness } from './readiness.ts';
import { requestSignal } from './request-signal.ts';

const opened: HttpServer[] = [];
afterEach(async () => {
  for (const http of opened.splice(0)) await http.close(0);
});

type Setup = (http: HttpServer) => void;

async function open(options: Partial<HttpServerOptions> = {}, setup: Setup = () => {}) {
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
function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: 20_000, interval: 5 });
}

/** Sends bytes and returns all that comes back until the server closes the connection. */
async function exchange(port: number, request: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(request);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

const echo: Setup = ({ app }) => {
  app.post('/echo', (request, reply) => {
    const { body } = request;
    if (Buffer.isBuffer(body)) return reply.send({ buffer: body.toString('hex') });
    return reply.send({ value: body });
  });
  app.post('/raw', { config: { body: 'raw' } }, (request, reply) => {
    reply.send({ isBuffer: Buffer.isBuffer(request.body), length: (request.body as Buffer).length });
  });
};

function post(url: string, body: RequestInit['body'], contentType?: string): Promise<Response> {
  return fetch(url, { method: 'POST', body: body!, ...(contentType && { headers: { 'content-type': contentType } }) });
}

describe('operational routes', () => {
  it('answers /-/healthy with GET and HEAD', async () => {
    const { url } = await open({ ready: () => ({ ready: false }) });
    const get = await fetch(`${url}/-/healthy`);
    expect([get.status, await get.text()]).toEqual([200, 'OK\n']);
    const head = await fetch(`${url}/-/healthy`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('answers /-/ready by its checks, with the reason', async () => {
    let first: Readiness = { ready: true };
    const { url } = await open({
      ready: [
        () => first,
        async () => {
          if (first.reason === 'broken') throw new Error('unreachable');
          return { ready: first.reason === undefined, reason: 'the store does not answer' };
        },
      ],
    });
    const ready = async () => {
      const response = await fetch(`${url}/-/ready`);
      return [response.status, await response.text()];
    };
    expect(await ready()).toEqual([200, 'Ready\n']);
    first = { ready: false, reason: 'starting' };
    expect(await ready()).toEqual([503, 'Not Ready: starting\n']);
    first = { ready: true, reason: 'x' };
    expect(await ready()).toEqual([503, 'Not Ready: the store does not answer\n']);
    first = { ready: true, reason: 'broken' };
    expect(await ready()).toEqual([503, 'Not Ready: unreachable\n']);
    first = { ready: false };
    expect(await ready()).toEqual([503, 'Not Ready\n']);
  });

  it('answers /metrics in the format that is asked for', async () => {
    const { url } = await open();
    const text = await fetch(`${url}/metrics`);
    expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await text.text()).toContain('# TYPE http_requests_total counter\n');
    const openMetrics = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
    expect(openMetrics.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(await openMetrics.text()).toMatch(/# TYPE http_requests counter\n[\s\S]*# EOF\n$/);
  });
});

describe('request metrics', () => {
  it('count by method, route pattern and status', async () => {
    const { url, metric } = await open({}, ({ app }) => {
      app.get('/label/:name/values', () => 'x');
      app.route({ method: ['GET', 'POST'], url: '/both', handler: () => 'x' });
    });
    for (const path of ['/label/job/values', '/label/instance/values?start=1', '/both', '/nothing/here']) {
      await (await fetch(url + path)).text();
    }
    await (await fetch(`${url}/both`, { method: 'POST' })).text();
    await fetch(`${url}/label/job/values`, { method: 'HEAD' });
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(0));
    const count = (method: string, endpoint: string, status: number) =>
      metric(`http_requests_total{method="${method}",endpoint="${endpoint}",status="${status}"}`);
    expect(count('GET', '/label/:name/values', 200)).toBe(2);
    expect(count('HEAD', '/label/:name/values', 200)).toBe(1);
    expect(count('GET', '/both', 200)).toBe(1);
    expect(count('POST', '/both', 200)).toBe(1);
    expect(count('GET', 'unmatched', 404)).toBe(1);
    expect(metric('http_request_duration_seconds_count{method="GET",endpoint="/label/:name/values"}')).toBe(2);
  });

  it('count a client that left as 499, and return the gauge to zero', async () => {
    const { url, metric } = await open({}, ({ app }) => {
      app.get('/slow', async (_request, reply) => {
        await once(requestSignal(reply), 'abort');
        return 'too late';
      });
    });
    const abort = new AbortController();
    const pending = fetch(`${url}/slow`, { signal: abort.signal }).catch(() => 'aborted');
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(1));
    abort.abort();
    expect(await pending).toBe('aborted');
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(0));
    expect(metric('http_requests_total{method="GET",endpoint="/slow",status="499"}')).toBe(1);
  });
});

describe('bodies', () => {
  it('arrive by content type', async () => {
    const { url } = await open({}, echo);
    const answer = async (body: RequestInit['body'], type: string) => (await post(`${url}/echo`, body, type)).json();
    const bytes = Uint8Array.of(0, 255, 10);
    for (const type of ['application/x-protobuf', 'application/protobuf', 'application/octet-stream']) {
      expect(await answer(bytes, type)).toEqual({ buffer: '00ff0a' });
    }
    expect(await answer('query=up&time=1', 'application/x-www-form-urlencoded')).toEqual({ value: 'query=up&time=1' });
    expect(await answer('query=up', 'application/x-www-form-urlencoded; charset=UTF-8')).toEqual({ value: 'query=up' });
    expect(await answer('grüße', 'text/plain')).toEqual({ value: 'grüße' });
    expect(await answer('{"a":[1]}', 'application/json')).toEqual({ value: { a: [1] } });
    expect(await answer('', 'application/x-protobuf')).toEqual({ buffer: '' });
  });

  it('arrive whole when they come in many chunks', async () => {
    const { url } = await open({}, echo);
    const body = Buffer.alloc(3_000_000, 'abcdefg');
    const { buffer } = (await (await post(`${url}/echo`, body, 'application/octet-stream')).json()) as {
      buffer: string;
    };
    expect(buffer === body.toString('hex')).toBe(true);
  });

  it('stay as they are while later ones are read', async () => {
    const kept: Buffer[] = [];
    const { url } = await open({}, ({ app }) => {
      app.post('/keep', (request, reply) => {
        kept.push(request.body as Buffer);
        reply.send('kept');
      });
    });
    for (let i = 0; i < 20; i++) {
      await (await post(`${url}/keep`, Buffer.alloc(1000, i), 'application/octet-stream')).text();
    }
    expect(kept.every((body, i) => body.length === 1000 && body.every((byte) => byte === i))).toBe(true);
  });

  it('are taken whatever their type where a route wants them raw', async () => {
    const { url } = await open({}, echo);
    for (const type of ['application/json', 'text/plain', 'application/protobuf+json', 'x/y', undefined]) {
      const response = await post(`${url}/raw`, Buffer.from('{"a"'), type);
      expect(await response.json()).toEqual({ isBuffer: true, length: 4 });
    }
  });
});

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

describe('bodies that are too large', () => {
  const large = 1_000_000;

  it('are 413, told by their length or while they come', async () => {
    const { url } = await open({ bodyLimitBytes: 1000 }, echo);
    expect((await post(`${url}/echo`, Buffer.alloc(1000), 'application/octet-stream')).status).toBe(200);
    const declared = await post(`${url}/echo`, Buffer.alloc(large), 'application/octet-stream');
    expect([declared.status, await declared.json()]).toEqual([
      413,
      { status: 'error', message: 'request body too large: at most 1000 bytes are accepted' },
    ]);
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 100; i++) controller.enqueue(new Uint8Array(10_000));
        controller.close();
      },
    });
    const chunked = await fetch(`${url}/echo`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { 'content-type': 'application/octet-stream' },
    } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  it('are not asked for when the client asks first', async () => {
    const { port } = await open({ bodyLimitBytes: 1000 }, echo);
    const head = (length: number) =>
      `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    const refused = await exchange(port, head(large));
    expect(refused).toMatch(/^HTTP\/1\.1 413 /);
    const accepted = await exchange(port, `${head(5)}hello`);
    expect(accepted).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*"hello"/);
  });

  it('have the limit of their route', async () => {
    const { url } = await open({ bodyLimitBytes: 1000 }, ({ app }) => {
      app.post('/large', { bodyLimit: large }, (request) => String((request.body as Buffer).length));
    });
    expect(await (await post(`${url}/large`, Buffer.alloc(large), 'application/octet-stream')).text()).toBe('1000000');
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
});

describe('requestSignal', () => {
  it('fires when the client leaves, not when the body has been read', async () => {
    const seen: AbortSignal[] = [];
    const { url } = await open({}, ({ app }) => {
      app.post('/query', async (request, reply) => {
        const signal = requestSignal(reply);
        seen.push(signal);
        if (request.body === 'wait') await once(signal, 'abort');
        return String(signal.aborted);
      });
    });
    expect(await (await post(`${url}/query`, 'q', 'text/plain')).text()).toBe('false');
    expect(seen[0]!.aborted).toBe(false);
    const abort = new AbortController();
    const pending = fetch(`${url}/query`, { method: 'POST', body: 'wait', signal: abort.signal }).catch(() => {});
    await eventually(() => expect(seen).toHaveLength(2));
    abort.abort();
    await pending;
    await eventually(() => expect(seen[1]!.aborted).toBe(true));
  });
});

describe('close', () => {
  it('lets requests in flight finish, closes their connections and takes no new ones', async () => {
    let release = () => {};
    const { http, url, metric } = await open({}, ({ app }) => {
      app.get('/slow', async () => {
        await new Promise<void>((resolve) => (release = resolve));
        return 'done';
      });
    });
    await (await fetch(`${url}/-/healthy`)).text();
    const pending = fetch(`${url}/slow`);
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(1));
    const closed = http.close(10_000);
    expect(http.draining.aborted).toBe(true);
    await expect(fetch(`${url}/-/healthy`)).rejects.toThrow();
    release();
    const response = await pending;
    expect([response.status, response.headers.get('connection'), await response.text()]).toEqual([
      200,
      'close',
      'done',
    ]);
    expect(await closed).toBe(0);
    await eventually(() => expect(metric('http_open_connections')).toBe(0));
  });

  it('closes a connection after the answer in progress, and forgets requests queued behind it', async () => {
    let release = () => {};
    const { http, port, metric } = await open({}, ({ app }) => {
      app.get('/slow', async () => {
        await new Promise<void>((resolve) => (release = resolve));
        return 'slow';
      });
    });
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answers = exchange(port, get('/slow') + get('/-/healthy'));
    await eventually(() => expect(metric('http_requests_in_flight')).toBeGreaterThan(0));
    const closed = http.close(10_000);
    release();
    expect(await answers).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*slow/);
    expect(await closed).toBe(0);
  });

  it('breaks off what is not done by the deadline', async () => {
    const { http, url, metric } = await open({}, ({ app }) => {
      app.get('/never', () => new Promise(() => {}));
    });
    const pending = fetch(`${url}/never`).then(
      () => 'answered',
      () => 'broken off',
    );
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(1));
    expect(await http.close(20)).toBe(1);
    expect(await pending).toBe('broken off');
  });

  it('may be called twice, and before listening', async () => {
    const { http } = await open();
    expect(await http.close(0)).toBe(0);
    expect(await http.close(0)).toBe(0);
    const idle = createHttpServer({ registry: createRegistry(), logger: createLogger({ service: 'x', env: {} }) });
    expect(await idle.close(0)).toBe(0);
  });
});

it('logs requests at level debug, without their query', async () => {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger({
    service: 'test',
    env: { LOG_LEVEL: 'debug' },
    destination: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const { url } = await open({ logger });
  await (await fetch(`${url}/-/healthy?secret=1`)).text();
  await eventually(() => expect(log).toHaveLength(1));
  expect(log[0]).toMatchObject({ level: 'debug', msg: 'request', method: 'GET', path: '/-/healthy', status: 200 });
});

it('says which port is taken', async () => {
  const { port } = await open();
  const other = createHttpServer({ registry: createRegistry(), logger: createLogger({ service: 'x', env: {} }) });
  await expect(other.listen(port, '127.0.0.1')).rejects.toThrow(/EADDRINUSE/);
  await other.close(0);
});
