import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { createHttpServer, createLogger, createRegistry, HttpError } from '@opendata/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, addApiRoute } from './api-route.ts';
import { addCompression } from './compression.ts';
import { addCors } from './cors.ts';
import { directRoutes } from './direct-routes.ts';
import { sendJson } from './json-writer.ts';
import { renderApiError } from './problems.ts';
import { quickApiRoutes } from './quick-api-routes.ts';

const LONG = JSON.stringify('ab'.repeat(50_000));

/** Answers, streams or fails as the parameter `how` says. */
const route: ApiRoute = {
  methods: ['GET', 'POST'],
  path: '/any',
  async handler(parameters, reply) {
    const how = parameters.text('how');
    if (how === 'refused') throw new HttpError(422, 'no', { code: 'execution' });
    if (how === 'failed') throw new Error('unexpected');
    if (how === 'streamed') return reply.type('application/json').send(Readable.from([Buffer.from(LONG)]));
    if (how === 'broken') return reply.type('application/json').send(Readable.from(breaking()));
    return sendJson(reply, how === 'long' ? LONG : JSON.stringify(how));
  },
};

const named: ApiRoute = {
  methods: ['GET'],
  path: '/of/:name/values',
  handler: (_parameters, reply, { name }) => sendJson(reply, JSON.stringify(name)),
};

function* breaking(): Generator<Buffer> {
  yield Buffer.from(LONG);
  throw new Error('broken');
}

/** The same routes: past `node:http` where a request is plain, directly, and by the framework only. */
const urls: string[] = [];
const servers: ReturnType<typeof createHttpServer>[] = [];

beforeAll(async () => {
  const routes = [route, named];
  const lanes = [
    { rawRoutes: directRoutes(routes), quickRoutes: quickApiRoutes(routes) },
    { rawRoutes: directRoutes(routes) },
    {},
  ];
  for (const lane of lanes) {
    const logger = createLogger({ service: 'test', env: {}, destination: { write: () => undefined } });
    const errorRenderers = { '/api/v1/': renderApiError };
    const http = createHttpServer({ registry: createRegistry(), logger, ...lane, errorRenderers });
    addCors(http.app);
    addCompression(http.app);
    addApiRoute(http.app, route);
    addApiRoute(http.app, named);
    const { port } = await http.listen(0, '127.0.0.1');
    urls.push(`http://127.0.0.1:${port}/api/v1`);
    servers.push(http);
  }
});

afterAll(async () => {
  for (const http of servers) await http.close(0);
});

async function answers(path: string, init: RequestInit): Promise<unknown[]> {
  return Promise.all(
    urls.map(async (url) => {
      const response = await fetch(`${url}${path}`, init);
      const headers = Object.fromEntries(response.headers);
      delete headers['date'];
      return { status: response.status, headers, body: await response.text() };
    }),
  );
}

describe('a direct route', () => {
  // Connections stay in the quick lane until a request is not plain.
  it.each([
    '/of/job/values',
    '/of/U__a_2e_b/values?x=1',
    '/of/a%2Fb/values',
    '/of/a.b/values',
    '/of/:name/values',
    '/of//values',
    '/of/a/b/values',
    '/of/a%/values',
    '/of/job/value',
  ])('takes the parameter of %s as the framework does', async (path) => {
    const [quick, direct, framed] = await answers(path, {});
    expect(direct).toEqual(framed);
    expect(quick).toEqual(framed);
  });

  it.each<[string, string, RequestInit]>([
    ['a short answer', '?how=short', {}],
    ['a long one', '?how=long', { headers: { 'accept-encoding': 'identity' } }],
    ['a compressed one', '?how=long', { headers: { 'accept-encoding': 'gzip' } }],
    ['a short one that is not compressed', '?how=a', { headers: { 'accept-encoding': 'gzip' } }],
    ['a stream', '?how=streamed', { headers: { 'accept-encoding': 'identity' } }],
    ['a compressed stream', '?how=streamed', { headers: { 'accept-encoding': 'deflate' } }],
    ['another origin', '?how=short', { headers: { origin: 'https://a.example' } }],
    ['an error', '?how=refused', { headers: { origin: 'https://a.example' } }],
    ['a fault', '?how=failed', {}],
    ['a form', '', { method: 'POST', body: new URLSearchParams({ how: 'short' }) }],
    ['preflight', '', { method: 'OPTIONS', headers: { origin: 'https://a.example' } }],
    ['a method that it has not', '', { method: 'DELETE' }],
    ['HEAD', '', { method: 'HEAD' }],
  ])('answers as the framework does: %s', async (_name, query, init) => {
    const [quick, direct, framed] = await answers(`/any${query}`, init);
    expect(direct).toEqual(framed);
    expect(quick).toEqual(framed);
  });

  it('breaks off when its stream does', async () => {
    for (const url of urls) await expect(fetch(`${url}/any?how=broken`).then((r) => r.text())).rejects.toThrow();
  });

  it('answers a GET with a body, and the next request on the connection', async () => {
    for (const url of urls) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8').on('data', (part: string) => (text += part));
      socket.write('GET /api/v1/any?how=one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
      socket.write('GET /api/v1/any?how=two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await once(socket, 'close');
      expect(text.match(/"(?:one|two)"/g)).toEqual(['"one"', '"two"']);
    }
  });
});
