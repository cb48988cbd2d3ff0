import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCommand } from '../support/commands.ts';
import { ask, sleep, until } from '../support/load.ts';
import { freePort, type ServerProcess, startOurs, startServer } from '../support/server-process.ts';

/** `EXPORTERS_SECONDS=600 npx vitest run test/server/exporters.test.ts` is the long form. */
const seconds = Number(process.env['EXPORTERS_SECONDS'] ?? 20);
const windowSeconds = Math.min(60, Math.floor(seconds / 2));
const nodeExporter = findCommand('prometheus-node-exporter') ?? findCommand('node_exporter');
const prometheus = findCommand('prometheus');

/**
 * A real exporter and our own server, scraped by us and by a real Prometheus, which also remote-writes into us with
 * `origin="prometheus"` as an external label. What it wrote must be what it has; what we scraped must agree with it
 * within what the different moments of scraping explain.
 */
describe.skipIf(nodeExporter === undefined || prometheus === undefined)('node_exporter and Prometheus', () => {
  let folder = '';
  let ours: ServerProcess;
  let theirs: ServerProcess;
  const started: ServerProcess[] = [];
  let evaluationTime = 0;

  beforeAll(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'opendata-exporters-'));
      const exporterPort = await freePort();
      started.push(
        await startServer({
          command: nodeExporter!,
          args: [`--web.listen-address=127.0.0.1:${exporterPort}`],
          port: exporterPort,
          readyPath: '/metrics',
        }),
      );
      const port = await freePort();
      const scrapeConfig = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ['127.0.0.1:${exporterPort}']
  - job_name: ours
    static_configs:
      - targets: ['127.0.0.1:${port}']
        labels: {tier: self}
`;
      const ourConfig = join(folder, 'ours.yaml');
      writeFileSync(
        ourConfig,
        `${scrapeConfig}
flush_interval_secs: 1
storage:
  type: SlateDb
  path: ts
  object_store: {type: Local, path: ${join(folder, 'data')}}
`,
      );
      ours = await startOurs('opendata-timeseries', ['--config', ourConfig], { port });
      started.push(ours);
      const theirPort = await freePort();
      const theirConfig = join(folder, 'prometheus.yml');
      writeFileSync(
        theirConfig,
        `${scrapeConfig.replace('global:', 'global:\n  external_labels: {origin: prometheus}')}
remote_write:
  - url: ${ours.url}/api/v1/write
    queue_config: {batch_send_deadline: 1s}
`,
      );
      theirs = await startServer({
        command: prometheus!,
        args: [
          `--config.file=${theirConfig}`,
          `--storage.tsdb.path=${join(folder, 'prometheus')}`,
          `--web.listen-address=127.0.0.1:${theirPort}`,
          '--log.level=warn',
        ],
        port: theirPort,
      });
      started.push(theirs);
      await sleep(seconds * 1000);
      evaluationTime = Math.floor(Date.now() / 1000);
      // Written here, and seen here by a scrape of our own.
      const writtenUpTo = async () => {
        const sent = /^prometheus_remote_storage_queue_highest_sent_timestamp_seconds\{.*\} (\S+)$/m;
        return Number(sent.exec(await (await ask(`${theirs.url}/metrics`)).text())?.[1]);
      };
      await until('everything that was scraped until then', async () => (await writtenUpTo()) > evaluationTime + 1);
      await sleep(2_000);
    },
    (seconds + 240) * 1000,
  );

  afterAll(async () => {
    for (const server of started.reverse()) await server.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  const w = `[${windowSeconds}s]`;
  const written = [
    'up',
    `rate(node_cpu_seconds_total${w})`,
    `sum by (mode) (rate(node_cpu_seconds_total${w}))`,
    'node_memory_MemAvailable_bytes',
    `count_over_time(node_load1${w})`,
    `histogram_quantile(0.9, rate(http_request_duration_seconds_bucket${w}))`,
    'count({__name__!=""})',
  ];
  it.each(written)('has what Prometheus wrote: %s', async (query) => {
    const expected = await instant(theirs, query, evaluationTime);
    const stored = await instant(ours, query.replaceAll(selectorPattern, withOrigin('prometheus')), evaluationTime);
    const actual = new Map([...stored].map(([series, value]) => [series.replace(/,?origin=prometheus/, ''), value]));
    expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [series, value] of expected) expect(relativeDifference(actual.get(series)!, value)).toBeLessThan(1e-9);
    if (!query.startsWith('histogram')) expect(expected.size).toBeGreaterThan(0);
  });

  it.each(['up', `sum by (mode) (rate(node_cpu_seconds_total${w}))`])(
    'scrapes what Prometheus scrapes: %s',
    async (query) => {
      const expected = await instant(theirs, query, evaluationTime);
      const actual = await instant(ours, query.replaceAll(selectorPattern, withOrigin('')), evaluationTime);
      expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [series, value] of expected) expect(Math.abs(actual.get(series)! - value)).toBeLessThan(0.5);
    },
  );

  it('scrapes the same metric names, unchanged', async () => {
    const expected = await names(theirs, '{job="node"}');
    const actual = await names(ours, '{job="node",origin=""}');
    expect(actual.length).toBeGreaterThan(100);
    expect(actual).toEqual(expected);
  });

  it('failed no sample of the remote write', async () => {
    const metrics = await (await fetch(`${ours.url}/metrics`)).text();
    expect(metrics).toMatch(/^remote_write_samples_failed_total 0$/m);
    const failedBySender = await instant(theirs, 'prometheus_remote_storage_samples_failed_total', evaluationTime);
    for (const value of failedBySender.values()) expect(value).toBe(0);
  });
});

const selectorPattern = /\b(up|node_\w+|http_\w+_bucket)\b|\{__name__!=""\}/g;

function withOrigin(origin: string): (selector: string) => string {
  return (selector) =>
    selector.startsWith('{') ? `{__name__!="",origin="${origin}"}` : `${selector}{origin="${origin}"}`;
}

async function instant(server: ServerProcess, query: string, time: number): Promise<Map<string, number>> {
  const response = await fetch(`${server.url}/api/v1/query?${new URLSearchParams({ query, time: String(time) })}`);
  const answer = (await response.json()) as {
    status: string;
    error?: string;
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  expect(answer.status, answer.error).toBe('success');
  return new Map(
    answer.data.result.map(({ metric, value }) => [
      Object.entries(metric)
        .map(([name, text]) => `${name}=${text}`)
        .sort()
        .join(','),
      Number(value[1]),
    ]),
  );
}

async function names(server: ServerProcess, match: string): Promise<string[]> {
  const response = await fetch(
    `${server.url}/api/v1/label/__name__/values?${new URLSearchParams({ 'match[]': match })}`,
  );
  return ((await response.json()) as { data: string[] }).data;
}

function relativeDifference(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  return Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
}
