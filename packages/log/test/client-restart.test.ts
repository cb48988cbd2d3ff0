import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, type ServerProcess, startOurs } from '../../../test/support/server-process.ts';
import { connectLog, type ReadRecord } from '../src/client/index.ts';
import { temporaryFolder } from './server-process.testing.ts';

/** A server that can be started again, on the same port and folder. */
async function restartable(): Promise<{ url: string; start(): Promise<ServerProcess> }> {
  const { path, remove } = temporaryFolder();
  const port = await freePort();
  let last: ServerProcess | undefined;
  onTestFinished(async () => {
    await last?.kill('SIGKILL');
    remove();
  });
  const start = async () => {
    last = await startOurs('opendata-log', ['--data-dir', path], { port });
    return last;
  };
  return { url: `http://127.0.0.1:${port}`, start };
}

function clientOf(url: string, options = {}) {
  const client = connectLog(url, options);
  onTestFinished(() => client.close());
  return client;
}

const text = ({ value }: ReadRecord) => Buffer.from(value).toString();

describe('while the server is killed and started again', () => {
  it('a producer that may repeat loses nothing and reorders nothing, and tails go on', async () => {
    const { url, start } = await restartable();
    let server = await start();
    const log = clientOf(url);
    const keys = Array.from({ length: 8 }, (_, i) => `key-${i}`);
    const perKey = 600;

    const retries: string[] = [];
    const followed = keys.map(async (key) => {
      const records: ReadRecord[] = [];
      const onRetry = ({ code }: { code: string }) => void retries.push(code);
      for await (const record of log.tail(key, { start: 0, onlyDurable: true, onRetry })) {
        records.push(record);
        if (text(record) === String(perKey - 1)) return records;
      }
      return records;
    });

    const producer = log.producer({ allowDuplicates: true, maxBatchRecords: 16, maxInFlight: 3 });
    const tickets = new Map<string, Promise<number>[]>(keys.map((key) => [key, []]));
    const producing = (async () => {
      for (let i = 0; i < perKey; i++) {
        for (const key of keys) tickets.get(key)!.push((await producer.append({ key, value: String(i) })).acknowledged);
        if (i % 10 === 0) await sleep(5);
      }
      await producer.close();
    })();
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      await sleep(300);
      await server.kill(signal);
      await sleep(100);
      server = await start();
    }
    await producing;

    const tails = await Promise.all(followed);
    expect(new Set(retries)).toEqual(new Set(['unavailable']));
    for (const [k, key] of keys.entries()) {
      const read: ReadRecord[] = [];
      for await (const record of log.read(key)) read.push(record);
      const distinct = [...new Set(read.map(text))];
      expect(distinct).toEqual(Array.from({ length: perKey }, (_, i) => String(i)));
      const bySequence = new Map(read.map((record) => [record.sequence, text(record)]));
      const acknowledged = await Promise.all(tickets.get(key)!);
      expect(acknowledged.map((sequence) => bySequence.get(sequence))).toEqual(distinct);
      const tail = tails[k]!.map(({ sequence }) => sequence);
      expect(tail).toEqual(read.map(({ sequence }) => sequence).slice(0, tail.length));
    }
  });

  it('a producer that may not repeat fails, and what it acknowledged is a beginning', async () => {
    const { url, start } = await restartable();
    const server = await start();
    const log = clientOf(url);
    const producer = log.producer({ maxBatchRecords: 8, retryTimeoutMs: 300 });
    const tickets: Promise<number>[] = [];
    const killed = sleep(200).then(() => server.kill('SIGKILL'));
    const failure = await (async () => {
      for (let i = 0; ; i++)
        tickets.push((await producer.append({ key: `key-${i % 4}`, value: String(i) })).acknowledged);
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'LogClientError', code: 'unavailable' });
    await expect(producer.flush()).rejects.toBe(failure);
    await expect(producer.append({ key: 'k', value: 'v' })).rejects.toBe(failure);
    await killed;
    const settled = await Promise.allSettled(tickets);
    expect(producer.pendingRecords).toBe(0);
    await start();
    for (let k = 0; k < 4; k++) {
      const mine = settled.filter((_, i) => i % 4 === k);
      const acknowledged = mine.findIndex(({ status }) => status === 'rejected');
      expect(mine.slice(acknowledged).every(({ status }) => status === 'rejected')).toBe(true);
      const read: string[] = [];
      for await (const record of log.read(`key-${k}`)) read.push(text(record));
      expect(read.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, i) => String(i * 4 + k)));
    }
  });

  it('a stop in order costs a producer nothing that may not repeat', async () => {
    const { url, start } = await restartable();
    let server = await start();
    const log = clientOf(url);
    const producer = log.producer({ maxBatchRecords: 8, lingerMs: 0, maxPendingBytes: 256 * 1024 });
    const tickets: Promise<number>[] = [];
    let isOver = false;
    const producing = (async () => {
      for (let i = 0; !isOver; i++) {
        tickets.push((await producer.append({ key: `key-${i % 16}`, value: String(i) })).acknowledged);
      }
      await producer.close();
    })();
    for (let round = 0; round < 3; round++) {
      await sleep(200);
      expect(await server.kill('SIGTERM')).toBe(0);
      server = await start();
    }
    isOver = true;
    await producing;
    const sequences = await Promise.all(tickets);
    expect(new Set(sequences).size).toBe(sequences.length);
    for (let k = 0; k < 16; k++) {
      const read: number[] = [];
      for await (const { sequence } of log.read(`key-${k}`)) read.push(sequence);
      expect(read).toEqual(sequences.filter((_, i) => i % 16 === k));
    }
  });

  it('requests wait for a server that is not there yet, for as long as they are told to', async () => {
    const { url, start } = await restartable();
    const impatient = clientOf(url, { retryTimeoutMs: 100 });
    await expect(impatient.append({ key: 'k', value: 'v' })).rejects.toMatchObject({
      code: 'unavailable',
      mayBeWritten: false,
      message: expect.stringContaining('ECONNREFUSED'),
    });
    const log = clientOf(url);
    const appended = log.append({ key: 'k', value: 'v' }, { awaitDurable: true });
    const counted = log.count('other');
    await start();
    expect(await appended).toEqual({ startSequence: 0, count: 1 });
    expect(await counted).toBe(0);
  });
});

it('a batch that is too large for the server is sent in parts', async () => {
  const { path, remove } = temporaryFolder();
  const file = join(path, 'log.yaml');
  writeFileSync(file, 'storage: {type: InMemory}\nhttp: {body_limit: 4KiB, max_batch_records: 50}\n');
  const server = await startOurs('opendata-log', ['-c', file]);
  onTestFinished(async () => {
    await server.kill('SIGKILL');
    remove();
  });
  const log = clientOf(server.url);
  await using producer = log.producer({ maxInFlight: 1 });
  for (let i = 0; i < 500; i++) await producer.append({ key: 'k', value: `${i}`.padEnd(100) });
  await producer.flush();
  const read: string[] = [];
  for await (const record of log.read('k')) read.push(text(record).trim());
  expect(read).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  await expect(log.append({ key: 'k', value: 'v'.repeat(5000) })).rejects.toMatchObject({
    code: 'invalid_input',
    status: 413,
    mayBeWritten: false,
  });
});

describe('what is not a log', () => {
  async function answering(status: number, body: string, headers: Record<string, string> = {}) {
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(status, headers).end(body);
    });
    const asked: string[] = [];
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return { asked, url: `127.0.0.1:${(server.address() as { port: number }).port}` };
  }

  it.each<[number, string, Record<string, string>, object]>([
    [
      429,
      '{"status":"error","message":"full"}',
      { 'retry-after': '7' },
      { code: 'overloaded', retryAfterMs: 7000, message: 'full' },
    ],
    [503, '{"message":"later","code":"starting"}', {}, { code: 'unavailable', mayBeWritten: false }],
    [503, '{"message":"later","code":"unavailable"}', {}, { code: 'unavailable', mayBeWritten: true }],
    [503, '{"message":"gone","code":"fenced"}', {}, { code: 'fenced' }],
    [502, 'bad gateway', {}, { code: 'unavailable', mayBeWritten: true, message: 'HTTP 502: bad gateway' }],
    [500, '', {}, { code: 'failed', status: 500, message: 'HTTP 500' }],
    [401, 'Unauthorized', {}, { code: 'unauthorized', status: 401 }],
    [403, '{"message":"this server is read-only","code":"read_only"}', {}, { code: 'read_only', mayBeWritten: false }],
    [404, '<html>', {}, { code: 'protocol', status: 404 }],
    [200, '<html>', {}, { code: 'protocol' }],
  ])('answers %i %s, and the error says what it means', async (status, body, headers, expected) => {
    const { url } = await answering(status, body, headers);
    const log = clientOf(`http://${url}`, { retryTimeoutMs: 0 });
    await expect(log.append({ key: 'k', value: 'v' })).rejects.toMatchObject({ name: 'LogClientError', ...expected });
  });

  it('is asked below the path of the URL, with its credentials', async () => {
    const { url, asked } = await answering(404, '');
    const log = clientOf(`http://me:p%40ss@${url}/behind/a/proxy/`);
    await expect(log.count('a b&c')).rejects.toMatchObject({ code: 'protocol' });
    const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(asked).toEqual([`GET /behind/a/proxy/api/v1/log/count?key=a%20b%26c ${authorization}`]);
  });

  it('may not answer at all', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    onTestFinished(() => server.closeAllConnections());
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const log = clientOf(url, { timeoutMs: 50, retryTimeoutMs: 0 });
    await expect(log.append({ key: 'k', value: 'v' })).rejects.toMatchObject({ code: 'timeout', mayBeWritten: true });
    await expect(log.count('k')).rejects.toMatchObject({ code: 'timeout' });
  });

  it('or is no URL', () => {
    expect(() => connectLog('localhost:8080')).toThrow(/not an http: or https: URL/);
    expect(() => connectLog('nonsense')).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});
