import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createClient } from './client.testing.ts';
import { metricOf, type ServerProcess, startServer } from './server-process.testing.ts';

let server: ServerProcess;
let client: Client;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
  client = createClient(server.url, 'json');
});
afterAll(async () => {
  await server.stop();
});

interface Tail {
  /** The next event: its id and what the record says; undefined at the end. */
  next(): Promise<{ id: number; key: string; value: string } | undefined>;
  /** The last id seen, also of heartbeats. */
  lastId(): number;
  stop(): void;
}

/** Reads events as a browser does. */
async function tail(query: string, headers: Record<string, string> = {}, url = server.url): Promise<Tail> {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/v1/log/tail?${query}`, { headers, signal: abort.signal });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let lastId = -2;
  return {
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          const { value, done } = await reader.read();
          if (done) return undefined;
          text += value;
          continue;
        }
        const fields = text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(/: ?(.*)/s) as [string, string]);
        text = text.slice(end + 2);
        const id = fields.find(([name]) => name === 'id')?.[1];
        if (id !== undefined) lastId = Number(id);
        const data = fields.find(([name]) => name === 'data')?.[1];
        if (data === undefined) continue;
        const { sequence, key, value } = JSON.parse(data) as { sequence: number; key: string; value: string };
        expect(sequence).toBe(lastId);
        return {
          id: sequence,
          key: Buffer.from(key, 'base64').toString(),
          value: Buffer.from(value, 'base64').toString(),
        };
      }
    },
    lastId: () => lastId,
    stop: () => abort.abort(),
  };
}

describe('tail', () => {
  it('sends records of many keys and prefixes as they become durable', async () => {
    const events = await tail('prefix=t1/&key=t1-key');
    await client.append([
      ['t1/a', '1'],
      ['t1', 'no'],
      ['t1-key', '2'],
    ]);
    await client.append([['t1-keys', 'no']]);
    await client.append([['t1/b', '3']], true);
    const seen = [await events.next(), await events.next(), await events.next()];
    expect(seen.map((event) => [event!.key, event!.value])).toEqual([
      ['t1/a', '1'],
      ['t1-key', '2'],
      ['t1/b', '3'],
    ]);
    events.stop();
  });

  it('goes on behind the last event that the client saw', async () => {
    const { start } = await client.append(
      Array.from({ length: 3000 }, (_, i) => ['t2', `${i}`] as const),
      true,
    );
    const first = await tail(`key=t2&start_seq=${start}`);
    for (let i = 0; i < 1500; i++) expect((await first.next())!.value).toBe(`${i}`);
    first.stop();
    const second = await tail('key=t2&tail=3', { 'Last-Event-ID': `${first.lastId()}` });
    for (let i = 1500; i < 3000; i++) expect((await second.next())!.value).toBe(`${i}`);
    second.stop();
    const last = await tail('key=t2&tail=2');
    expect([(await last.next())!.value, (await last.next())!.value]).toEqual(['2998', '2999']);
    last.stop();
  });

  it.each([
    ['tail=3', {}, ':\n\n'],
    ['start_time_ms=1', {}, ':\n\n'],
    ['start_seq=0', {}, ':\n\n'],
    ['', { 'Last-Event-ID': '0' }, ':\nid: 0\n\n'],
    ['', { 'Last-Event-ID': '-1' }, ':\nid: -1\n\n'],
  ])('?%s %o begins with what a client needs to come back', async (query, headers, opening) => {
    const abort = new AbortController();
    const url = `${server.url}/api/v1/log/tail?key=nobody&${query}`;
    const response = await fetch(url, { headers, signal: abort.signal });
    const { value } = await response.body!.getReader().read();
    expect(Buffer.from(value!).toString()).toBe(`retry: 1000\n${opening}`);
    abort.abort();
  });

  it.each([
    ['start_seq=0&tail=3', 'start_seq and tail'],
    ['tail=3&start_time_ms=0', 'tail and start_time_ms'],
    ['start_time_ms=0&tail=3&start_seq=0', 'start_seq and tail and start_time_ms'],
  ])('refuses more than one place to begin: %s', async (query, named) => {
    const response = await fetch(`${server.url}/api/v1/log/tail?key=t2&${query}`);
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining(`expected one place to begin, found the parameters ${named}`),
    ]);
  });

  it('says with heartbeats up to where there was nothing', async () => {
    const events = await tail('key=t3&heartbeat_ms=20');
    const { start } = await client.append([['t3-other', 'x']], true);
    const next = events.next();
    while (events.lastId() < start) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(events.lastId()).toBe(start);
    await client.append([['t3', 'y']], true);
    expect((await next)!.id).toBe(start + 1);
    events.stop();
  });

  it.each([
    ['heartbeat_ms=0', {}, 'heartbeat_ms is 0'],
    ['', { 'Last-Event-ID': 'x' }, 'Last-Event-ID is not'],
  ])('?%s %o is refused', async (query, headers, message) => {
    await expect(tail(query, headers)).rejects.toThrow(message);
  });

  it('ends when the server stops', async () => {
    const own = await startServer(['--in-memory']);
    const events = await tail('', {}, own.url);
    const ending = events.next();
    expect(await own.stop()).toBe(0);
    expect(await ending).toBeUndefined();
  });

  it('holds little for clients that do not read', async () => {
    const own = await startServer(['--in-memory']);
    const appended = 16e6;
    const value = 'x'.repeat(100_000);
    const other = createClient(own.url, 'protobuf');
    const before = await memoryOf(own.url);
    const idle = await Promise.all(Array.from({ length: 30 }, () => fetch(`${own.url}/api/v1/log/tail?start_seq=0`)));
    for (let i = 0; i < 4; i++)
      await other.append(
        Array.from({ length: 40 }, () => ['k', value] as const),
        true,
      );
    // The log and its store in memory hold the records several times; held for each client they would be 640 MB more.
    expect((await memoryOf(own.url)) - before).toBeLessThan(350e6);
    let bytes = 0;
    for await (const chunk of idle[7]!.body!) {
      bytes += chunk.length;
      if (bytes > appended * (4 / 3)) break;
    }
    expect(await own.stop()).toBe(0);
  });
});

const memoryOf = (url: string): Promise<number> => metricOf(url, 'process_resident_memory_bytes');
