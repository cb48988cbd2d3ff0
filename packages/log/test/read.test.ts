import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeScanResponse, type LogFormat, logRecordAt } from '@opendata/wire';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from './client.testing.ts';
import { type ServerProcess, startServer, temporaryFolder } from './server-process.testing.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
});
afterAll(async () => {
  await server.stop();
});

async function read(query: string, format: LogFormat = 'json') {
  const headers = { Accept: format === 'json' ? 'application/json' : 'application/protobuf' };
  const response = await fetch(`${server.url}/api/v1/log/read?${query}`, { headers });
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${response.status} ${Buffer.from(body)}`);
  const { records, nextSequence, key } = decodeScanResponse(format, body);
  expect(key).toBeUndefined();
  const rows = Array.from({ length: records.count }, (_, i) => {
    const record = logRecordAt(records, i);
    return `${record.sequence} ${Buffer.from(record.key!)}=${Buffer.from(record.value)}`;
  });
  return { rows, nextSequence };
}

describe.each<LogFormat>(['json', 'protobuf'])('read in %s', (format) => {
  it('answers keys, prefixes and everything in the order of the log', async () => {
    const client = createClient(server.url, format);
    const own = `${format}/`;
    const { start } = await client.append(
      ['a/1', 'b', 'a/2', 'c', 'a/1'].map((name, i) => [`${own}${name}`, `${i}`] as const),
    );
    const row = (i: number, name: string) => `${start + i} ${own}${name}=${i}`;
    const all = ['a/1', 'b', 'a/2', 'c', 'a/1'].map((name, i) => row(i, name));
    expect(await read(`start_seq=${start}`, format)).toEqual({ rows: all, nextSequence: start + 5 });
    expect((await read(`prefix=${own}a/`, format)).rows).toEqual([all[0], all[2], all[4]]);
    expect((await read(`prefix=${own}a%2F2&key=${own}c&key=${own}b`, format)).rows).toEqual([all[1], all[2], all[3]]);
    const base64 = encodeURIComponent(Buffer.from(`${own}a`).toString('base64'));
    expect((await read(`prefix_b64=${base64}&reverse=true&limit=2`, format)).rows).toEqual([all[4], all[2]]);
    expect((await read(`prefix=${own}&tail=2`, format)).rows).toEqual(all.slice(3));
    expect(await read(`prefix=${own}a&limit=1`, format)).toEqual({ rows: [all[0]], nextSequence: start + 1 });
    expect((await read(`prefix=${format}-nobody`, format)).rows).toEqual([]);
  });

  it('and a scan show only what is durable, if asked to', async () => {
    const { path, remove } = temporaryFolder();
    const file = join(path, 'log.yaml');
    // After the first commit the next one is a long time off.
    writeFileSync(file, 'storage: {type: InMemory, commit_interval_ms: 60000}\n');
    const own = await startServer(['--config', file]);
    onTestFinished(async () => {
      await own.stop();
      remove();
    });
    const client = createClient(own.url, format);
    await client.append([['k', 'a']], true);
    await client.append([['k', 'b']]);
    const values = async (query: string) => (await client.scan(`key=k&${query}`)).values.map(({ value }) => value);
    expect(await values('')).toEqual(['a', 'b']);
    expect(await values('durable=true')).toEqual(['a']);
    expect(await values('durable=true&reverse=true')).toEqual(['a']);
    expect(await values('durable=true&follow=true&timeout_ms=20')).toEqual(['a']);
    expect(await client.scan('key=k&durable=true&follow=true&start_seq=1&timeout_ms=20')).toEqual({
      values: [],
      nextSequence: 1,
    });
  });

  it('waits for a record of the selection', async () => {
    const client = createClient(server.url, format);
    const waiting = read(`prefix=${format}-wait/&follow=true&timeout_ms=20000`, format);
    await client.append([[`${format}-other`, 'x']]);
    const { start } = await client.append([[`${format}-wait/7`, 'y']], true);
    expect((await waiting).rows).toEqual([`${start} ${format}-wait/7=y`]);
    const idle = await read(`prefix=${format}-never/&follow=true&timeout_ms=30&durable=true`, format);
    expect(idle).toEqual({ rows: [], nextSequence: start + 1 });
  });
});

it.each([
  ['prefix_b64=%25', 'parameter prefix_b64 is not base64'],
  ['follow=true&reverse=true', 'give reverse or follow, not both'],
  ['limit=1&limit=2', 'parameter limit is given twice'],
  ['durable=1', 'parameter durable is neither true nor false'],
])('read?%s is refused', async (query, message) => {
  await expect(read(query)).rejects.toThrow(message);
});
