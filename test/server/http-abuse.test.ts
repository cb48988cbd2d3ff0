import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, databases, startOn, type Workspace } from '../support/databases.ts';
import { HANG_MS, sleep, until } from '../support/load.ts';
import type { ServerProcess } from '../support/server-process.ts';

const megabyte = 1024 * 1024;
const writePaths = { 'opendata-timeseries': '/api/v1/write', 'opendata-log': '/api/v1/log/append' } as const;

let workspace: Workspace;
beforeAll(() => {
  workspace = createWorkspace();
});
afterAll(() => workspace.remove());

describe.each(databases)('$name', (database) => {
  let server: ServerProcess;
  const path = writePaths[database.name];
  const headers = 'host: x\r\ncontent-type: application/x-protobuf\r\n';
  beforeAll(async () => {
    server = await startOn(database, workspace, 'storage: {type: InMemory}\n');
  });
  afterAll(async () => {
    expect(await server.kill('SIGTERM')).toBe(0);
  });

  it.each<[what: string, request: () => string, status: RegExp]>([
    [
      'a body said to have 100 MB that does not come',
      () => `POST ${path} HTTP/1.1\r\n${headers}content-length: 104857600\r\n\r\nx`,
      /^HTTP\/1\.1 413 /,
    ],
    [
      'a client that asks before it sends 100 MB',
      () => `POST ${path} HTTP/1.1\r\n${headers}content-length: 104857600\r\nexpect: 100-continue\r\n\r\n`,
      /^HTTP\/1\.1 413 /,
    ],
    [
      'a length that is no number',
      () => `POST ${path} HTTP/1.1\r\n${headers}content-length: ten\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    ['a negative length', () => `POST ${path} HTTP/1.1\r\n${headers}content-length: -5\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [
      'two lengths',
      () => `POST ${path} HTTP/1.1\r\n${headers}content-length: 1\r\ncontent-length: 2\r\n\r\nab`,
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length and chunks',
      () => `POST ${path} HTTP/1.1\r\n${headers}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a chunk whose size is no number',
      () => `POST ${path} HTTP/1.1\r\n${headers}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a head of 1 MB',
      () => `GET /-/healthy HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(megabyte)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    [
      '200,000 header lines',
      () => `GET /-/healthy HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(200_000)}\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    ['a null byte in a header', () => 'GET /-/healthy HTTP/1.1\r\nhost: x\r\nx-a: a\0b\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a method that does not exist', () => 'FETCH / HTTP/1.1\r\nhost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['something that is not HTTP', () => '\u0016\u0003\u0001 hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no host', () => 'GET /-/healthy HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'a path that does not exist',
      () => 'GET /no/such/thing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      /^HTTP\/1\.1 404 /,
    ],
    [
      'a path that is not decodable',
      () => 'GET /%ff%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      /^HTTP\/1\.1 40[04] /,
    ],
    [
      'a method that the path does not have',
      () => `DELETE ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      /^HTTP\/1\.1 405 (.|\s)*allow: POST/i,
    ],
  ])('answers %s, and closes the connection', async (_what, request, status) => {
    const { answer } = await exchange(server, (socket) => void socket.write(request()));
    expect(answer).toMatch(status);
    expect(answer.toLowerCase()).toContain('connection: close');
    await expectAlive(server);
  });

  it.each([
    ['with its length', `content-length: ${100 * megabyte}`, Buffer.alloc(megabyte)],
    [
      'in chunks',
      'transfer-encoding: chunked',
      Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(megabyte), Buffer.from('\r\n')]),
    ],
  ])('refuses a body of 100 MB %s, and does not keep it', async (_how, header, part) => {
    const { answer } = await exchange(server, async (socket) => {
      socket.write(`POST ${path} HTTP/1.1\r\n${headers}connection: close\r\n${header}\r\n\r\n`);
      for (let i = 0; i < 100 && socket.writable; i++) {
        await new Promise<void>((resolve) => socket.write(part, () => resolve()));
      }
      if (socket.writable && header.startsWith('transfer')) socket.write('0\r\n\r\n');
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(await metric(server, 'process_resident_memory_bytes')).toBeLessThan(500 * megabyte);
    await expectAlive(server);
  });

  it('answers pipelined requests in their order', async () => {
    const one = 'GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n';
    const last = 'GET /no/such/thing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const { answer } = await exchange(server, (socket) => void socket.write(one.repeat(50) + last));
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
    expect(statuses).toEqual([...Array.from({ length: 50 }, () => '200'), '404']);
  });

  it('serves others beside hundreds of connections that send nothing, or half a request, or go away', async () => {
    const sockets = Array.from({ length: 300 }, (_, i) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      if (i % 3 === 1) socket.write('GET /-/hea');
      if (i % 3 === 2) socket.write(`POST ${path} HTTP/1.1\r\n${headers}content-length: 100\r\n\r\nhalf`);
      return socket;
    });
    await until('connections', async () => (await metric(server, 'http_open_connections')) >= 300);
    await expectAlive(server);
    for (const socket of sockets) socket.destroy();
    await until('connections gone', async () => (await metric(server, 'http_open_connections')) < 20);
    await until('nothing in flight but this', async () => (await metric(server, 'http_requests_in_flight')) === 1);
  });

  it('stored nothing of all that', async () => {
    const name = database.name === 'opendata-log' ? 'log_next_sequence' : 'tsdb_head_series';
    expect(await metric(server, name)).toBe(0);
  });
});

/** What comes back on a connection until it is closed. */
async function exchange(
  server: ServerProcess,
  send: (socket: Socket) => void | Promise<void>,
): Promise<{ readonly answer: string }> {
  const socket = connect(server.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await send(socket);
  const timer = setTimeout(() => socket.destroy(), HANG_MS);
  await closed;
  clearTimeout(timer);
  return { answer: Buffer.concat(chunks).toString('latin1') };
}

async function expectAlive(server: ServerProcess): Promise<void> {
  await sleep(0);
  expect(server.ended, server.output()).toBe(false);
  expect((await fetch(`${server.url}/-/healthy`)).status).toBe(200);
  expect((await fetch(`${server.url}/-/ready`)).status).toBe(200);
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
}
