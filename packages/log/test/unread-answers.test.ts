import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { decodeScanResponse, type LogFormat } from '@opendata/wire';
import { expect, it, onTestFinished } from 'vitest';
import { createClient } from './client.testing.ts';
import { startServer, temporaryFolder } from './server-process.testing.ts';

const valueBytes = 128 * 1024;
const records = 80;
/** 8 MiB, which is a page. */
const pageRecords = 64;

it('pages are smaller while clients do not read theirs, and everything is still read', async () => {
  const { path, remove } = temporaryFolder();
  const file = join(path, 'log.yaml');
  writeFileSync(file, 'storage: {type: InMemory}\nhttp: {body_memory_limit: 32MB}\n');
  const server = await startServer(['--config', file]);
  onTestFinished(async () => {
    await server.stop();
    remove();
  });
  const client = createClient(server.url, 'protobuf');
  const value = 'v'.repeat(valueBytes);
  for (let i = 0; i < records; i += 8) await client.append(Array.from({ length: 8 }, () => ['k', value] as const));

  const page = async (format: LogFormat, start: number) => {
    const headers = { Accept: `application/${format}` };
    const response = await fetch(`${server.url}/api/v1/log/scan?key=k&limit=1000&start_seq=${start}`, { headers });
    const { records, nextSequence } = decodeScanResponse(format, new Uint8Array(await response.arrayBuffer()));
    return { count: records.count, nextSequence };
  };
  expect(await page('json', 0)).toEqual({ count: pageRecords, nextSequence: pageRecords });

  const unread = Array.from({ length: 12 }, (_, i) => {
    const path = i % 2 === 0 ? 'scan?key=k&limit=1000' : 'read?limit=1000';
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(
      `GET /api/v1/log/${path} HTTP/1.1\r\nHost: x\r\nAccept: application/${i < 6 ? 'json' : 'protobuf'}\r\n\r\n`,
    );
    return socket;
  });
  while ((await page('json', 0)).count === pageRecords) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const format of ['json', 'protobuf'] as const) {
    let found = 0;
    for (let start = 0; start < records; ) {
      const { count, nextSequence } = await page(format, start);
      expect(count).toBeGreaterThan(0);
      found += count;
      start = nextSequence;
    }
    expect(found).toBe(records);
  }
  for (const socket of unread) socket.destroy();
  while ((await page('json', 0)).count < pageRecords) await new Promise((resolve) => setTimeout(resolve, 20));
});
