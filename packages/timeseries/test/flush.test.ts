import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerProcess, startOurs } from '../../../test/support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-flush-'));
const config = join(folder, 'prometheus.yaml');
const HOUR_MS = 3_600_000;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
let server: ServerProcess;

beforeAll(async () => {
  writeFileSync(config, 'storage: {type: InMemory}\nhead: {late_grace: 0s}\n');
  server = await startOurs('opendata-timeseries', ['--config', config]);
  const samples = [3, 2, 0].map((hours) => ({ timestampMs: NOW_MS - hours * HOUR_MS, value: hours }));
  await fetch(`${server.url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: snappyCompress(encodeWriteRequest({ series: [{ labels: ['__name__', 'x'], samples }] })),
  });
});
afterAll(async () => {
  await server.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function flush(query: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${server.url}/-/flush${query}`, { method: 'POST' });
  return { status: response.status, body: await response.json() };
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
}

it('a flush seals the windows whose end is past, or all, and says what it wrote', async () => {
  const complete = (await flush('')).body as { data: { sealedSamples: number } };
  expect(complete.data.sealedSamples).toBe(2);
  expect(await metric('tsdb_head_samples')).toBe(1);
  expect(await flush('?all=true')).toEqual({
    status: 200,
    body: { status: 'success', data: { sealedBlocks: 1, sealedSamples: 1 } },
  });
  expect(await metric('tsdb_head_samples')).toBe(0);
  expect(await metric('tsdb_block_samples')).toBe(3);
  expect(await metric('tsdb_sealed_samples_total')).toBe(3);
  expect(await metric('tsdb_block_bytes')).toBeGreaterThan(0);
  const query = await fetch(`${server.url}/api/v1/query?query=x[4h]&time=${NOW_MS / 1000}`);
  const answer = (await query.json()) as { data: { result: { values: [number, string][] }[] } };
  expect(answer.data.result[0]!.values.map(([, value]) => value)).toEqual(['3', '2', '0']);
  const status = (await (await fetch(`${server.url}/api/v1/status/tsdb`)).json()) as { data: { blockStats: object } };
  expect(status.data.blockStats).toMatchObject({ numSamples: 3, sealedSamples: 3 });
});

it('a flush with a wrong parameter, or by GET, is refused', async () => {
  expect((await flush('?all=yes')).status).toBe(400);
  expect((await fetch(`${server.url}/-/flush`)).status).toBe(405);
});
