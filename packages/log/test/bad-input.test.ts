import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from './client.testing.ts';
import { type ServerProcess, startServer } from './server-process.testing.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
  await createClient(server.url, 'json').append([['k', 'v']]);
});
afterAll(async () => {
  await server.stop();
});

const json = 'application/json';
const protobuf = 'application/protobuf';

interface Case {
  readonly what: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly status: number;
  readonly message: RegExp;
}

const appends: Case[] = [
  { what: 'no JSON', body: 'nonsense', type: json, status: 400, message: /JSON/ },
  { what: 'an empty body as JSON', body: '', type: json, status: 400, message: /JSON/ },
  { what: 'an array', body: '[]', type: json, status: 400, message: /object/ },
  { what: 'records of another type', body: '{"records":3}', type: json, status: 400, message: /records/ },
  {
    what: 'a record without a key',
    body: '{"records":[{"value":"dg=="}]}',
    type: json,
    status: 400,
    message: /record\[0\]: key is required/,
  },
  {
    what: 'a record without a value',
    body: '{"records":[{"key":"aw==","value":""},{"key":"aw=="}]}',
    type: json,
    status: 400,
    message: /record\[1\]: value is required/,
  },
  {
    what: 'a key that is no base64',
    body: '{"records":[{"key":"!!","value":""}]}',
    type: json,
    status: 400,
    message: /record\[0\].*base64/,
  },
  {
    what: 'awaitDurable that is no boolean',
    body: '{"records":[],"awaitDurable":1}',
    type: json,
    status: 400,
    message: /awaitDurable/,
  },
  { what: 'truncated protobuf', body: Uint8Array.of(0x0a, 0x20, 0x0a), type: protobuf, status: 400, message: /./ },
  {
    what: 'a protobuf record without a value',
    body: Uint8Array.of(0x0a, 0x03, 0x0a, 0x01, 0x6b),
    type: protobuf,
    status: 400,
    message: /record\[0\]: value is required/,
  },
  {
    what: 'a key that is too long',
    body: JSON.stringify({ records: [{ key: 'A'.repeat(100_000), value: '' }] }),
    type: json,
    status: 400,
    message: /record\[0\]: key has 75000 bytes/,
  },
  {
    what: 'too many records',
    body: JSON.stringify({ records: Array.from({ length: 16_385 }, () => ({ key: 'aw==', value: '' })) }),
    type: json,
    status: 413,
    message: /at most 16384 records/,
  },
  {
    what: 'headers that are no list',
    body: '{"records":[{"key":"aw==","value":"","headers":{}}]}',
    type: json,
    status: 400,
    message: /record\[0\]: headers/,
  },
  {
    what: 'a body that is too large',
    body: new Uint8Array(33 * 1024 * 1024),
    type: protobuf,
    status: 413,
    message: /too large/,
  },
];

const reads: [path: string, status: number, message: RegExp][] = [
  ['scan', 400, /key/],
  ['count', 400, /key/],
  ['inspect', 400, /key/],
  ['scan?key=k&key_b64=aw', 400, /not both/],
  ['scan?key=k&key=k', 400, /key is given twice/],
  ['scan?key_b64=%21', 400, /key_b64 is not base64/],
  ['scan?key=%f', 400, /key is not properly percent-encoded/],
  ['scan?key=k&start_seq=-1', 400, /start_seq/],
  ['scan?key=k&end_seq=x', 400, /end_seq/],
  ['scan?key=k&end_seq=18446744073709551616', 400, /end_seq/],
  ['scan?key=k&limit=1.5', 400, /limit/],
  ['scan?key=k&follow=yes', 400, /follow/],
  ['scan?key=k&follow=true&timeout_ms=', 400, /timeout_ms/],
  ['scan?key=k&tail=x', 400, /tail/],
  ['scan?key=k&start_time_ms=x', 400, /start_time_ms/],
  ['scan?key=k&reverse=1', 400, /reverse/],
  ['durable?min_seq=x', 400, /min_seq/],
  ['count?key=k&start_seq=abc', 400, /start_seq/],
  ['keys?limit=x', 400, /limit/],
  ['segments?start_seq=x', 400, /start_seq/],
  ['nothing', 404, /nothing/],
];

async function errorOf(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return response.json();
}

describe('bad input', () => {
  it.each(appends)('append refuses $what', async ({ body, type, status, message }) => {
    const response = await fetch(`${server.url}/api/v1/log/append`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toEqual({ status: 'error', message: expect.stringMatching(message) });
    expect(await createClient(server.url, 'json').scan('key=k')).toMatchObject({ nextSequence: 1 });
  });

  it.each(reads)('GET %s answers %i', async (path, status, message) => {
    const response = await fetch(`${server.url}/api/v1/log/${path}`, { headers: { Accept: protobuf } });
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toEqual({ status: 'error', message: expect.stringMatching(message) });
  });

  it('names the methods that a route has', async () => {
    const response = await fetch(`${server.url}/api/v1/log/append`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await errorOf(response)).toMatchObject({ status: 'error' });
  });
});
