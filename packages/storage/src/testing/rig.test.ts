import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedHeaders } from '../aws-signature.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.testing.ts';
import { type S3Server, startS3Server } from './s3-server.testing.ts';

let s3: S3Server;
let proxy: FaultProxy;

beforeAll(async () => {
  s3 = await startS3Server();
  proxy = await startFaultProxy(s3.endpoint);
});
afterAll(async () => {
  await proxy.stop();
  await s3.destroy();
});

async function ask(
  method: string,
  key: string,
  headers: Record<string, string> = {},
  body = '',
  endpoint = s3.endpoint,
) {
  const url = new URL(`${endpoint}/${s3.bucket}/${key}`);
  const bytes = new TextEncoder().encode(body);
  const signed = sign(method, url, headers, bytes);
  const response = await fetch(url, { method, headers: signed, ...(body === '' ? {} : { body: bytes }) });
  return { status: response.status, text: await response.text(), etag: response.headers.get('etag') ?? '' };
}

function sign(method: string, url: URL, headers: Record<string, string>, bytes: Uint8Array): Record<string, string> {
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  return signedHeaders({ method, url, headers }, bytes, 'us-east-1', credentials, Date.now());
}

/** A PUT as it goes over a connection, with this much of its body. */
function rawPut(key: string, body: string, sent = body.length): string {
  const url = new URL(`${proxy.endpoint}/${s3.bucket}/${key}`);
  const headers = { ...sign('PUT', url, {}, new TextEncoder().encode(body)), host: url.host };
  const lines = Object.entries({ ...headers, 'content-length': body.length }).map((line) => line.join(': '));
  return `${[`PUT ${url.pathname} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body.slice(0, sent)}`;
}

describe('the S3 server', () => {
  it('lets one of many conditional puts win', async () => {
    for (let round = 0; round < 5; round++) {
      const puts = Array.from({ length: 16 }, (_, i) =>
        ask('PUT', `race/${round}`, { 'if-none-match': '*' }, `body ${i}`),
      );
      const statuses = (await Promise.all(puts)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 412)).toHaveLength(15);
      const winner = statuses.indexOf(200);
      expect((await ask('GET', `race/${round}`)).text).toBe(`body ${winner}`);
    }
  });

  it('compares If-Match with the etag', async () => {
    const { etag } = await ask('PUT', 'match', {}, 'one');
    expect((await ask('PUT', 'match', { 'if-match': '"other"' }, 'two')).status).toBe(412);
    expect((await ask('PUT', 'match', { 'if-match': etag }, 'two')).status).toBe(200);
    expect((await ask('PUT', 'absent', { 'if-match': etag }, 'two')).status).toBe(412);
  });

  it('shows no half of an object whose upload broke off', async () => {
    proxy.setFault({ kind: 'halfRequest' });
    await expect(ask('PUT', 'half/way', {}, 'x'.repeat(100_000), proxy.endpoint)).rejects.toThrow();
    proxy.setFault(undefined);
    expect((await ask('GET', 'half/way')).status).toBe(404);
    const files = await readdir(join(s3.folder, s3.bucket), { recursive: true });
    expect(files.filter((name) => name.startsWith('half/'))).toEqual([]);
  });

  it('lists more than a thousand objects', async () => {
    for (let i = 0; i < 1_010; i += 101) {
      await Promise.all(Array.from({ length: 101 }, (_, j) => ask('PUT', `many/${i + j}`, {}, 'x')));
    }
    const { status, text } = await ask('GET', '?list-type=2&prefix=many%2F');
    expect([status, text.match(/<Key>/g)?.length]).toEqual([200, 1_010]);
  });

  it('lists what is there now, in the order of the keys, by prefix, start and delimiter', async () => {
    const keys = async (query: string) => {
      const { text } = await ask('GET', `?list-type=2&${query}`);
      return Array.from(text.matchAll(/<(?:Key|CommonPrefixes><Prefix)>([^<]*)</g), ([, key]) => key);
    };
    await Promise.all(['list/b', 'list/a', 'list/c/d', 'list/c/e', 'lisu'].map((key) => ask('PUT', key, {}, key)));
    expect(await keys('prefix=list%2F')).toEqual(['list/a', 'list/b', 'list/c/d', 'list/c/e']);
    expect(await keys('prefix=list%2F&delimiter=%2F')).toEqual(['list/a', 'list/b', 'list/c/']);
    await ask('DELETE', 'list/c/d');
    const { etag } = await ask('PUT', 'list/b', {}, 'longer');
    expect(await keys('prefix=list%2F&start-after=list%2Fa')).toEqual(['list/b', 'list/c/e']);
    const { text } = await ask('GET', '?list-type=2&prefix=list%2Fb');
    expect(text).toContain(`<ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>6</Size>`);
    const again = await startS3Server({ folder: s3.folder });
    expect((await ask('GET', '?list-type=2&prefix=list%2F', {}, '', again.endpoint)).text.match(/<Key>/g)).toHaveLength(
      3,
    );
    await again.stop();
  });
});

describe('the fault proxy', () => {
  it('passes requests on and counts them', async () => {
    proxy.resetCounts();
    expect((await ask('PUT', 'counted/a', {}, 'x', proxy.endpoint)).status).toBe(200);
    expect((await ask('GET', 'counted/a', {}, '', proxy.endpoint)).text).toBe('x');
    expect(proxy.count()).toBe(2);
    expect(proxy.count({ method: 'PUT' })).toBe(1);
    expect(proxy.count({ prefix: `/${s3.bucket}/counted/` })).toBe(2);
    expect(proxy.count({ method: 'GET', prefix: '/other/' })).toBe(0);
  });

  it('breaks a connection in the middle of the request that follows a broken answer, and the store hears of it', async () => {
    proxy.setFault({ kind: 'halfAnswer' });
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    socket.write(rawPut('broken/first', 'x'));
    // The answer to a put has no body: half of it is all of it, and the client goes on.
    await once(socket, 'data');
    proxy.setFault(undefined);
    socket.write(rawPut('broken/second', 'x'.repeat(100), 50));
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await ask('PUT', 'broken/second', {}, 'y')).status).toBe(200);
  });

  it('does what it is told, to the requests it is told', async () => {
    proxy.setFault(({ method }) => (method === 'PUT' ? { kind: 'status', status: 503 } : undefined));
    expect((await ask('PUT', 'fault', {}, 'x', proxy.endpoint)).status).toBe(503);
    expect((await ask('GET', 'fault', {}, '', proxy.endpoint)).status).toBe(404);
    proxy.setFault({ kind: 'reset' });
    await expect(ask('PUT', 'fault', {}, 'x', proxy.endpoint)).rejects.toThrow();
    expect((await ask('GET', 'fault')).status).toBe(404);
    proxy.setFault({ kind: 'lostAnswer' });
    await expect(ask('PUT', 'fault', {}, 'x', proxy.endpoint)).rejects.toThrow();
    expect((await ask('GET', 'fault')).text).toBe('x');
    proxy.setFault({ kind: 'halfAnswer' });
    await expect(ask('GET', 'fault', {}, '', proxy.endpoint)).rejects.toThrow();
    proxy.setFault({ kind: 'blackhole' });
    const swallowed = ask('GET', 'fault', {}, '', proxy.endpoint);
    const first = await Promise.race([swallowed, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]);
    expect(first).toBe('nothing');
    proxy.setFault(undefined);
    await expect(swallowed).rejects.toThrow();
    expect((await ask('GET', 'fault', {}, '', proxy.endpoint)).text).toBe('x');
  });
});
