import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, type Workspace } from '../support/databases.ts';
import { until } from '../support/load.ts';
import { type ServerProcess, startOurs } from '../support/server-process.ts';

/** The tables of key metrics in the operators' guides: name, type, labels. */
const http = [
  ['http_requests_total', 'counter', ['method', 'endpoint', 'status']],
  ['http_request_duration_seconds', 'histogram', ['method', 'endpoint']],
  ['http_requests_in_flight', 'gauge', []],
] as const;
const ofTimeSeries = [
  ['scrape_samples_scraped', 'counter', ['job', 'instance']],
  ['scrape_samples_failed', 'counter', ['job', 'instance']],
  ['remote_write_samples_ingested_total', 'counter', []],
  ['remote_write_samples_failed_total', 'counter', []],
  ...http,
] as const;
const ofLog = [
  ['log_append_records_total', 'counter', []],
  ['log_append_bytes_total', 'counter', []],
  ['log_records_scanned_total', 'counter', []],
  ['log_bytes_scanned_total', 'counter', []],
  ...http,
] as const;

const remoteWrite = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };

/** Names of the labels of a metric's first sample. */
function labelsOf(exposition: string, name: string): string[] | undefined {
  const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(exposition);
  if (sample === null) return undefined;
  return Array.from((sample[1] ?? '').matchAll(/(\w+)="/g), ([, label]) => label!).sort();
}

describe("the guides' key metrics", () => {
  let workspace: Workspace;
  const texts: Record<string, string> = {};

  const metricsOf = async (server: ServerProcess) => (await fetch(`${server.url}/metrics`)).text();

  beforeAll(async () => {
    workspace = createWorkspace();
    const log = await startOurs('opendata-log', ['--in-memory'], { cwd: workspace.folder });
    workspace.servers.push(log);
    const record = { key: 'b3JkZXJz', value: 'eyJpZCI6MX0=' };
    await fetch(`${log.url}/api/v1/log/append`, { method: 'POST', body: JSON.stringify({ records: [record] }) });
    await fetch(`${log.url}/api/v1/log/scan?key=orders`);
    texts['log'] = await metricsOf(log);

    const job = `{job_name: log, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:${log.port}']}]}`;
    const file = workspace.file('prometheus.yaml', `storage: {type: InMemory}\nscrape_configs: [${job}]\n`);
    const timeSeries = await startOurs('opendata-timeseries', ['--config', file], { cwd: workspace.folder });
    workspace.servers.push(timeSeries);
    const series = [{ labels: ['__name__', 'm'], samples: [{ timestampMs: Date.now(), value: 1 }] }];
    const body = new Uint8Array(snappyCompress(encodeWriteRequest({ series })));
    const written = await fetch(`${timeSeries.url}/api/v1/write`, { method: 'POST', headers: remoteWrite, body });
    expect(written.status).toBe(204);
    await until('a scrape', async () => /^scrape_samples_scraped\{.*\} [1-9]/m.test(await metricsOf(timeSeries)));
    texts['timeseries'] = await metricsOf(timeSeries);
  });

  afterAll(() => workspace.remove());

  it.each([
    ...ofTimeSeries.map((row) => ['timeseries', ...row] as const),
    ...ofLog.map((row) => ['log', ...row] as const),
  ])('of opendata-%s: %s is a %s with its labels', (server, name, type, labels) => {
    const exposition = texts[server]!;
    expect(exposition).toContain(`# TYPE ${name} ${type}\n`);
    expect(labelsOf(exposition, name)).toEqual([...labels].sort());
  });

  it('come with those of the storage engine', () => {
    for (const exposition of Object.values(texts)) expect(exposition).toMatch(/^slatedb_/m);
  });
});
