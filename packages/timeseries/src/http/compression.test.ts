import { Readable } from 'node:stream';
import { gunzipSync, inflateSync } from 'node:zlib';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { acceptedEncoding, addCompression } from './compression.ts';

describe('the encoding of an answer', () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['deflate', 'deflate'],
    ['deflate, gzip', 'gzip'],
    ['gzip;q=0, deflate', 'deflate'],
    ['gzip;q=0.5, deflate;q=0.8', 'deflate'],
    ['br, *', 'gzip'],
    ['gzip;q=0', undefined],
  ])('for %s is %s', (header, encoding) => {
    expect(acceptedEncoding(header)).toBe(encoding);
  });
});

describe('an answer', () => {
  const long = 'ab'.repeat(50_000);
  const app = Fastify();
  addCompression(app);
  app.get('/api/v1/short', (_request, reply) => reply.send(Buffer.from('short')));
  app.get('/api/v1/long', (_request, reply) => reply.send(Buffer.from(long)));
  app.get('/api/v1/stream', (_request, reply) => reply.send(Readable.from([Buffer.from(long), Buffer.from('end')])));
  app.get('/api/v1/broken', (_request, reply) =>
    reply.send(
      Readable.from(
        (function* () {
          yield Buffer.from(long);
          throw new Error('broken');
        })(),
      ),
    ),
  );
  const get = (url: string, encoding?: string) =>
    app.inject({ url, headers: encoding === undefined ? {} : { 'accept-encoding': encoding } });

  it('is compressed where it is long and the client accepts it', async () => {
    const gzipped = await get('/api/v1/long', 'gzip');
    expect(gzipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzipped.rawPayload).toString()).toBe(long);
    const deflated = await get('/api/v1/long', 'deflate');
    expect(inflateSync(deflated.rawPayload).toString()).toBe(long);
    expect((await get('/api/v1/long')).body).toBe(long);
    expect((await get('/api/v1/short', 'gzip')).body).toBe('short');
  });

  it('is compressed as it streams', async () => {
    const response = await get('/api/v1/stream', 'gzip');
    expect(gunzipSync(response.rawPayload).toString()).toBe(`${long}end`);
  });

  it('that breaks off ends the connection', async () => {
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const response = await fetch(`${url}/api/v1/broken`, { headers: { 'accept-encoding': 'gzip' } });
    await expect(response.text()).rejects.toThrow();
    await app.close();
  });
});
