import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../logger.ts';
import { createRegistry } from '../metrics/registry.ts';
import { closeOpened, eventually, exchange, open, post } from './http-server.testing.ts';
import { createHttpServer } from './http-server.ts';
import type { Readiness } from './readiness.ts';
import { requestSignal } from './request-signal.ts';

afterEach(closeOpened);

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
    const { http, url, port, metric } = await open({}, ({ app }) => {
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
    // Who connects in the same turn is still answered.
    const late = () => exchange(port, 'GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => expect(late()).rejects.toThrow('ECONNREFUSED'));
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

  it('answers what is sent on a connection that is open, and closes it behind the answer', async () => {
    const { http, port } = await open();
    const agent = new Agent({ keepAlive: true });
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        const asked = request({ port, path: '/-/healthy', agent }, (response) => {
          response.resume().on('end', () => resolve(`${response.statusCode} ${response.headers.connection}`));
        });
        asked.on('error', reject).end();
      });
    expect(await ask()).toBe('200 keep-alive');
    const closed = http.close(10_000);
    expect(await ask()).toBe('200 close');
    await expect(ask()).rejects.toThrow('ECONNREFUSED');
    expect(await closed).toBe(0);
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

  it('answers who had connected before, though the server was too busy to see it', async () => {
    const { http, port } = await open();
    const isSent = new Int32Array(new SharedArrayBuffer(4));
    // Asks while this thread does nothing else.
    const client = new Worker(
      `const { connect } = require('node:net');
      const { workerData: { port, done } , parentPort } = require('node:worker_threads');
      let text = '';
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('GET /-/healthy HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n', () => Atomics.notify(done, Atomics.store(done, 0, 1) - 1));
      });
      socket.on('data', (chunk) => (text += chunk));
      socket.on('error', ({ code }) => (text += code));
      socket.on('close', () => parentPort.postMessage(text));`,
      { eval: true, workerData: { port, done: isSent } },
    );
    const answer = once(client, 'message');
    expect(Atomics.wait(isSent, 0, 0, 10_000)).not.toBe('timed-out');
    expect(await http.close(10_000)).toBe(0);
    expect((await answer)[0]).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n/);
  });

  it('calls off what waits on its signal, and breaks off who does not read the answer', async () => {
    const { http, url, metric } = await open({}, ({ app }) => {
      app.get('/wait', async (_request, reply) => {
        const signal = requestSignal(reply);
        await once(signal, 'abort');
        throw signal.reason;
      });
      app.get('/deaf', (_request, reply) => {
        requestSignal(reply);
        return new Promise(() => {});
      });
    });
    const deaf = fetch(`${url}/deaf`).then(
      () => 'answered',
      () => 'broken off',
    );
    const waiting = fetch(`${url}/wait`);
    await eventually(() => expect(metric('http_requests_in_flight')).toBe(2));
    expect(await http.close(1000)).toBe(1);
    const response = await waiting;
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      503,
      '1',
      { status: 'error', message: 'the server is stopping', code: 'unavailable' },
    ]);
    expect(await deaf).toBe('broken off');
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
