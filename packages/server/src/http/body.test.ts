import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { closeOpened, echo, exchange, open, post } from './http-server.testing.ts';

afterEach(closeOpened);

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

describe('bodies of routes that use them at once', () => {
  it('are the bytes that were sent, whatever came before', async () => {
    const { url } = await open({
      rawRoutes: [
        {
          method: 'POST',
          path: '/at-once',
          usesBodyAtOnce: true,
          handle: (_, body, response) => void response.end(createHash('sha1').update(body).digest('hex')),
        },
      ],
    });
    const sizes = [0, 1, 300_000, 10, 70_000, 5_000_000, 65_536, 200_000];
    const answers = await Promise.all(
      [...sizes, ...sizes].map(async (size, i) => {
        const body = Buffer.alloc(size, `${i}`);
        const answer = await (await post(`${url}/at-once`, body, 'application/octet-stream')).text();
        return answer === createHash('sha1').update(body).digest('hex');
      }),
    );
    expect(answers.every((right) => right)).toBe(true);
  });
});
