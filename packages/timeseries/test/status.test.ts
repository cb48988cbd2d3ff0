import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerProcess, startOurs } from '../../../test/support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-status-'));
const config = join(folder, 'prometheus.yaml');
const TEXT = `storage: {type: InMemory}
retention: 30d
scrape_configs:
  - {job_name: gone, scrape_interval: 90s, static_configs: [{targets: ['127.0.0.1:9'], labels: {zone: z1}}]}
`;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
let server: ServerProcess;

beforeAll(async () => {
  writeFileSync(config, TEXT);
  server = await startOurs('opendata-timeseries', ['--config', config]);
  const series = ['a', 'b', 'c'].map((id, i) => ({
    labels: ['__name__', i === 0 ? 'x' : 'y', 'id', id],
    samples: [{ timestampMs: NOW_MS - i * 1000, value: 1 }],
  }));
  await fetch(`${server.url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: snappyCompress(encodeWriteRequest({ series })),
  });
});
afterAll(async () => {
  await server.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function api(path: string): Promise<unknown> {
  const response = await fetch(`${server.url}/api/v1/${path}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: unknown }).data;
}

it('what the head holds is told with its largest labels first', async () => {
  const { headStats, blockStats, ...lists } = (await api('status/tsdb?limit=2')) as Record<string, unknown>;
  // The series about the scrape of the target may be there already.
  expect(headStats).toMatchObject({ numSeries: expect.any(Number), chunkCount: expect.any(Number) });
  expect(headStats).toMatchObject({ minTime: NOW_MS - 2000, maxTime: expect.any(Number) });
  expect(blockStats).toMatchObject({ numBlocks: 0, numSamples: 0, sizeBytes: 0, sealedSamples: 0 });
  expect(lists['seriesCountByMetricName']).toContainEqual({ name: 'y', value: 2 });
  for (const list of Object.values(lists)) expect(list).toHaveLength(2);
});

it('what writes take is told by stage, and what a series and a sample take', async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const value = (name: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  for (const stage of ['decode', 'match', 'journal', 'head', 'commit']) {
    expect(value(`tsdb_ingest_duration_seconds_total{stage="${stage}"}`)).toBeGreaterThan(0);
  }
  expect(value('tsdb_ingest_requests_total')).toBe(1);
  const received = value('tsdb_ingest_bytes_total{form="received"}');
  expect(received).toBeGreaterThan(10);
  expect(value('tsdb_ingest_bytes_total{form="decoded"}')).toBeGreaterThan(received);
  expect(value('tsdb_ingest_bytes_total{form="journal"}')).toBeGreaterThan(100);
  expect(value('tsdb_head_bytes_per_series')).toBeGreaterThan(100);
  expect(value('tsdb_head_bytes_per_sample')).toBeGreaterThan(10);
});

it('the configuration, the flags and the runtime are told', async () => {
  expect(await api('status/config')).toEqual({ yaml: TEXT });
  expect(await api('status/flags')).toMatchObject({
    config,
    port: String(server.port),
    'query.timeout': '2m',
    'query.lookback-delta': '5m',
    'query.max-samples': '50000000',
    host: '',
  });
  expect(await api('status/runtimeinfo')).toMatchObject({ storageRetention: '30d', reloadConfigSuccess: true });
  expect(await api('status/buildinfo')).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+/) });
});

it('targets are told with their labels, before and after the configuration, and by pool and state', async () => {
  const { activeTargets, ...rest } = (await api('targets')) as { activeTargets: unknown[] };
  expect(activeTargets).toMatchObject([
    {
      discoveredLabels: {
        __address__: '127.0.0.1:9',
        __metrics_path__: '/metrics',
        __scheme__: 'http',
        __scrape_interval__: '1m30s',
        __scrape_timeout__: '10s',
        job: 'gone',
        zone: 'z1',
      },
      labels: { instance: '127.0.0.1:9', job: 'gone', zone: 'z1' },
      scrapePool: 'gone',
      scrapeUrl: 'http://127.0.0.1:9/metrics',
      scrapeInterval: '1m30s',
    },
  ]);
  expect(rest).toEqual({ droppedTargets: [], droppedTargetCounts: { gone: 0 } });
  expect(await api('targets?state=dropped')).toMatchObject({ activeTargets: [] });
  expect(await api('targets?state=foo')).toEqual({
    activeTargets: [],
    droppedTargets: [],
    droppedTargetCounts: null,
  });
  expect(await api('targets?scrapePool=other')).toMatchObject({ activeTargets: [] });
  expect(await api('scrape_pools')).toEqual({ scrapePools: ['gone'] });
});
