import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultConfig, loadConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-config-'));
const file = join(folder, 'prometheus.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(yaml: string) {
  writeFileSync(file, yaml);
  return loadConfig(file);
}

describe('the configuration', () => {
  it("of the operators' guide loads", () => {
    const config = load(`
global:
  scrape_interval: 30s
scrape_configs:
  - job_name: "timeseries-self"
    scrape_interval: 15s
    static_configs:
      - targets: ["localhost:9090"]
storage:
  type: SlateDb
  path: timeseries
  object_store:
    type: Aws
    region: us-west-2
    bucket: my-timeseries-bucket
  settings_path: /slatedb-settings/slatedb.yaml
`);
    expect(config.scrapeJobs).toHaveLength(1);
    expect(config.scrapeJobs[0]).toMatchObject({ jobName: 'timeseries-self', intervalMs: 15_000, timeoutMs: 10_000 });
    expect(config.storage).toMatchObject({ type: 'SlateDb', object_store: { bucket: 'my-timeseries-bucket' } });
    expect(config).toMatchObject({ flushIntervalMs: 5000, remoteWriteAck: 'durable', retentionMs: undefined });
  });

  it('of a usual Prometheus loads', () => {
    const { scrapeJobs } = load(`
global:
  scrape_interval: 1m
  scrape_timeout: 20s
  evaluation_interval: 1m
  external_labels: {region: eu, replica: 0}
  sample_limit: 1000
scrape_configs:
  - job_name: node
    honor_labels: true
    metrics_path: /m
    scheme: https
    params: {module: [http_2xx]}
    body_size_limit: 15MB
    static_configs:
      - targets: ['a:9100', 'b:9100']
        labels: {env: prod, shard: 1}
  - job_name: fast
    scrape_interval: 5s
    sample_limit: 0
`);
    expect(scrapeJobs[0]).toMatchObject({
      intervalMs: 60_000,
      timeoutMs: 20_000,
      honorLabels: true,
      metricsPath: '/m',
      scheme: 'https',
      params: { module: ['http_2xx'] },
      sampleLimit: 1000,
      bodySizeLimitBytes: 15 * 1024 * 1024,
      staticConfigs: [{ targets: ['a:9100', 'b:9100'], labels: { env: 'prod', shard: '1' } }],
    });
    expect(scrapeJobs[1]).toMatchObject({ intervalMs: 5000, timeoutMs: 5000, sampleLimit: 0, metricsPath: '/metrics' });
  });

  it('is not needed', () => {
    const config = defaultConfig(1234);
    expect(config.storage).toEqual({
      type: 'SlateDb',
      path: 'timeseries',
      object_store: { type: 'Local', path: '.data' },
    });
    expect(config.scrapeJobs[0]!.staticConfigs[0]!.targets).toEqual(['localhost:1234']);
  });

  it.each([
    ['unknown key', 'scrape_config: []', ':1:1: scrape_config: unknown key'],
    [
      'unknown key of a job',
      'scrape_configs:\n  - job_name: a\n    interval: 5s',
      ':3:5: scrape_configs[0].interval: unknown key',
    ],
    ['wrong duration', 'global:\n  scrape_interval: fast', ':2:20: global.scrape_interval: expected a duration'],
    ['missing job name', 'scrape_configs:\n  - metrics_path: /x', 'scrape_configs[0].job_name'],
    [
      'same job twice',
      'scrape_configs:\n  - job_name: a\n  - job_name: a',
      ':3:15: scrape_configs[1].job_name: found multiple scrape configs with job name "a"',
    ],
    [
      'timeout over interval',
      'scrape_configs:\n  - job_name: a\n    scrape_timeout: 1m',
      'scrape timeout greater than scrape interval for scrape config with job name "a"',
    ],
    [
      'global timeout over interval',
      'global: {scrape_timeout: 20s}',
      'global scrape timeout greater than scrape interval',
    ],
    [
      'target with scheme',
      'scrape_configs:\n  - job_name: a\n    static_configs: [{targets: ["http://x"]}]',
      'expected a target as host:port',
    ],
    ['wrong scheme', 'scrape_configs:\n  - {job_name: a, scheme: ftp}', "expected 'http' or 'https'"],
    ['wrong ack', 'remote_write: {ack: later}', "remote_write.ack: expected 'durable' or 'memory'"],
    ['read-only', 'read_only: true', 'read-only mode is not available in this version'],
    ['wrong flush interval', 'flush_interval_secs: soon', 'flush_interval_secs: expected a number of seconds'],
    ['wrong storage', 'storage: {type: Disk}', 'storage.type: expected one of SlateDb, InMemory'],
    ['not YAML', 'a: [', 'prometheus.yaml:'],
  ])('with %s is refused by file, line and key', (_what, yaml, message) => {
    expect(() => load(yaml)).toThrow(message);
  });
});
