import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultConfig, loadConfig } from './config.ts';
import { addressFault } from './target-address.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-config-'));
const file = join(folder, 'prometheus.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(yaml: string) {
  writeFileSync(file, yaml);
  return loadConfig(file);
}

describe('the configuration', () => {
  it('fills in variables of the environment in external labels', () => {
    process.env['TEST_REPLICA'] = 'r-1';
    const { externalLabels } = load(
      `global: {external_labels: {a: '$TEST_REPLICA', b: 'x-\${TEST_REPLICA}-y', c: '$$HOME', d: '$TEST_NONE', e: '5$'}}`,
    );
    delete process.env['TEST_REPLICA'];
    expect(externalLabels).toEqual({ a: 'r-1', b: 'x-r-1-y', c: '$HOME', d: '', e: '5$' });
  });

  it("of the operators' guide loads", () => {
    writeFileSync(join(folder, 'slatedb.yaml'), 'default_ttl: 604800000\n');
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
  settings_path: ${folder}/slatedb.yaml
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
      ':3:33: scrape_configs[0].static_configs[0].targets[0]: expected a target as host:port, or a host alone',
    ],
    [
      'impossible port',
      'scrape_configs:\n  - job_name: a\n    static_configs: [{targets: ["x:99999"]}]',
      'a port from 1 to 65535',
    ],
    [
      'impossible label',
      'scrape_configs:\n  - job_name: a\n    static_configs: [{targets: ["x:1"], labels: {"": x}}]',
      'expected a label name as the key, found ""',
    ],
    [
      'list of remote writes',
      'remote_write: [{url: "http://x"}]',
      'sending to others, which this list does in Prometheus, is not supported yet',
    ],
    ['rules', 'rule_files: [a.yml]', ':1:13: rule_files: not supported yet: '],
    [
      'discovery',
      'scrape_configs:\n  - job_name: a\n    consul_sd_configs: [{server: x}]',
      "consul_sd_configs: not supported yet: use 'file_sd_configs' or 'http_sd_configs'",
    ],
    [
      'bad relabelling',
      'scrape_configs:\n  - job_name: a\n    relabel_configs: [{regex: "("}]',
      'expected a regular expression of RE2, found "("',
    ],
    [
      'relabelling without a target',
      'scrape_configs:\n  - job_name: a\n    relabel_configs: [{action: hashmod, modulus: 4}]',
      "relabel configuration for hashmod action requires 'target_label' value",
    ],
    [
      'two kinds of credentials',
      'scrape_configs:\n  - {job_name: a, basic_auth: {username: u}, authorization: {credentials: c}}',
      'at most one of basic_auth and authorization',
    ],
    [
      'a certificate without its key',
      'scrape_configs:\n  - {job_name: a, tls_config: {cert_file: c.pem}}',
      'exactly one of key or key_file must be configured when a client certificate is configured',
    ],
    [
      'an unknown version of TLS',
      'scrape_configs:\n  - {job_name: a, tls_config: {min_version: TLS9}}',
      'tls_config.min_version: expected one of TLS10, TLS11, TLS12, TLS13',
    ],
    ['a proxy', 'scrape_configs:\n  - {job_name: a, proxy_url: "http://p"}', 'proxy_url: not supported yet: '],
    [
      'two kinds of credentials of a discovery',
      'scrape_configs:\n  - {job_name: a, http_sd_configs: [{url: "http://x", basic_auth: {}, authorization: {}}]}',
      'http_sd_configs[0].authorization: at most one of basic_auth and authorization',
    ],
    [
      'a discovery at no URL',
      'scrape_configs:\n  - {job_name: a, http_sd_configs: [{url: x}]}',
      "http_sd_configs[0].url: expected a URL that begins with 'http://' or 'https://'",
    ],
    [
      'a file of targets of another type',
      'scrape_configs:\n  - {job_name: a, file_sd_configs: [{files: [a.txt]}]}',
      'expected the path of a file that ends in .json, .yml or .yaml',
    ],
    [
      'credentials of before',
      'scrape_configs:\n  - {job_name: a, bearer_token_file: f}',
      ':2:38: scrape_configs[0].bearer_token_file: not supported, as it is deprecated in Prometheus: use authorization: {credentials_file: ...}',
    ],
    [
      'credentials of before of a discovery',
      'scrape_configs:\n  - {job_name: a, http_sd_configs: [{url: "http://x", bearer_token: t}]}',
      'http_sd_configs[0].bearer_token: not supported, as it is deprecated in Prometheus: use authorization: {credentials: ...}',
    ],
    [
      'a secret of a secret manager',
      'scrape_configs:\n  - {job_name: a, basic_auth: {username: u, password_ref: p}}',
      "basic_auth.password_ref: not supported yet: use 'password_file' or 'password'",
    ],
    [
      'a log of scrapes',
      'scrape_configs:\n  - {job_name: a, scrape_failure_log_file: f}',
      'scrape_failure_log_file: not supported yet: remove the key; failing scrapes are in the log',
    ],
    [
      'more of Kubernetes',
      'scrape_configs:\n  - {job_name: a, kubernetes_sd_configs: [{role: pod, attach_metadata: {deployment: true}}]}',
      'attach_metadata.deployment: not supported yet: remove the key; ',
    ],
    ['a setting of Go', 'runtime: {gogc: 50}', ':1:10: runtime: a setting of the Go runtime, which this server does'],
    [
      "Prometheus' storage",
      'storage: {tsdb: {retention: {time: 1d}}}',
      ":1:17: storage.tsdb: here 'storage' says where everything is kept; in place of 'tsdb.retention' use 'retention'",
    ],
    [
      'a key of another object store',
      'storage: {type: SlateDb, path: a, object_store: {type: Gcp, bucket: abc, region: x}}',
      ':1:74: storage.object_store.region: not a key of type Gcp; expected one of type, bucket',
    ],
    [
      'a key of no object store',
      'storage: {type: SlateDb, path: a, object_store: {type: Gcp, bucket: abc, regoin: x}}',
      ':1:74: storage.object_store.regoin: unknown key; expected one of type, bucket',
    ],
    [
      'a file of jobs that is not there',
      'scrape_config_files: [none.yml]',
      /prometheus.yaml:1:23: scrape_config_files\[0\]: expected a file, found nothing of this name: \S+none.yml$/,
    ],
    [
      'a settings file that is not there',
      'storage: {type: InMemory, settings_path: none.yaml}',
      ':1:42: storage.settings_path: the file does not exist; expected a YAML or JSON file: ',
    ],
    ['a log of queries', 'global: {query_log_file: q.log}', 'query_log_file: not supported yet: remove the key'],
    [
      'names of before',
      'global: {metric_name_validation_scheme: legacy}',
      "metric_name_validation_scheme: expected 'utf8'",
    ],
    ['wrong scheme', 'scrape_configs:\n  - {job_name: a, scheme: ftp}', "expected 'http' or 'https'"],
    ['wrong ack', 'remote_write: {ack: later}', "remote_write.ack: expected 'durable' or 'memory'"],
    ['wrong read-only', 'read_only: maybe', 'read_only: expected true or false'],
    ['wrong refresh interval', 'replica: {refresh_interval: 1ms}', 'replica.refresh_interval:'],
    [
      'paths without read_only',
      'replica: {paths: [b]}',
      "replica.paths[0]: expected together with 'read_only: true' only",
    ],
    [
      'a path twice',
      'read_only: true\nreplica: {paths: [b, b]}\nstorage: {type: SlateDb, path: a, object_store: {type: Local, path: .data}}',
      "replica.paths[1]: 'b' is read already",
    ],
    [
      'a path that is none',
      'read_only: true\nreplica: {paths: [../b]}\nstorage: {type: SlateDb, path: a, object_store: {type: Local, path: .data}}',
      "replica.paths[0]: expected a prefix such as 'timeseries'",
    ],
    ['wrong flush interval', 'flush_interval_secs: soon', 'flush_interval_secs: expected a number of seconds'],
    ['wrong storage', 'storage: {type: Disk}', 'storage.type: expected one of SlateDb, InMemory'],
    ['not YAML', 'a: [', 'prometheus.yaml:'],
  ])('with %s is refused by file, line and key', (_what, yaml, message) => {
    expect(() => load(yaml)).toThrow(message);
  });

  it('has jobs in further files, with paths that begin where these are', () => {
    mkdirSync(join(folder, 'jobs'), { recursive: true });
    writeFileSync(
      join(folder, 'jobs/a.yml'),
      'scrape_configs: [{job_name: 2024, tls_config: {ca_file: ca.pem}, file_sd_configs: [{files: [x.json]}]}]\n',
    );
    const main = `global: {scrape_interval: 7s}
scrape_config_files: ['jobs/*.yml', 'jobs/none*.yml']
scrape_configs: [{job_name: own, authorization: {credentials_file: secret}}]
`;
    const { scrapeJobs } = load(main);
    expect(scrapeJobs.map(({ jobName }) => jobName)).toEqual(['own', '2024']);
    expect(scrapeJobs[0]!.credentials!.secret.file).toBe(join(folder, 'secret'));
    expect(scrapeJobs[1]).toMatchObject({
      intervalMs: 7000,
      tls: { ca: { file: join(folder, 'jobs/ca.pem') } },
      discoveries: [{ kind: 'file', files: [join(folder, 'jobs/x.json')], refreshMs: 300_000 }],
    });
    writeFileSync(join(folder, 'jobs/b.yml'), 'scrape_configs:\n  - job_name: own\n  - {job_name: c, nonsense: 1}\n');
    expect(() => load(main)).toThrow('jobs/b.yml:3:19: scrape_configs[1].nonsense: unknown key');
    writeFileSync(join(folder, 'jobs/b.yml'), 'scrape_configs:\n  - job_name: own\n');
    expect(() => load(main)).toThrow(
      'jobs/b.yml:2:15: scrape_configs[0].job_name: found multiple scrape configs with job name "own"',
    );
  });

  it("takes every key of Prometheus' global section that has a meaning here", () => {
    const { scrapeJobs } = load(`
global:
  scrape_interval: 1m
  scrape_timeout: 10s
  scrape_protocols: [PrometheusText0.0.4]
  evaluation_interval: 1m
  rule_query_offset: 0s
  external_labels: {a: b}
  body_size_limit: 1MB
  sample_limit: 1
  target_limit: 2
  label_limit: 3
  label_name_length_limit: 4
  label_value_length_limit: 5
  keep_dropped_targets: 6
  metric_name_validation_scheme: utf8
  metric_name_escaping_scheme: allow-utf-8
  scrape_native_histograms: false
  always_scrape_classic_histograms: false
  convert_classic_histograms_to_nhcb: false
  extra_scrape_metrics: false
scrape_configs: [{job_name: a, enable_http2: true, follow_redirects: false}]
`);
    const limits = { sampleLimit: 1, targetLimit: 2, labelLimit: 3, labelNameLengthLimit: 4, labelValueLengthLimit: 5 };
    expect(scrapeJobs[0]).toMatchObject({ ...limits, keepDroppedTargets: 6, followRedirects: false });
  });

  it('with many faults is refused with all of them at once', () => {
    const yaml = `global: {scrape_timeout: 20s, nonsense: 1}
scrape_configs:
  - {job_name: a, scheme: ftp, static_configs: [{targets: [no/host]}]}
  - {job_name: a, scrape_timeout: 1m}
  - {job_name: 3, rule: x}
remote_write: {ack: later}
`;
    let message = '';
    try {
      load(yaml);
    } catch (error) {
      message = (error as Error).message;
    }
    for (const fault of [
      'global.nonsense: unknown key',
      'global scrape timeout greater',
      "expected 'http' or 'https'",
      'expected a target as host:port, or a host alone',
      'multiple scrape configs with job name "a"',
      'scrape timeout greater than scrape interval for scrape config with job name "a"',
      'scrape_configs[2].rule: unknown key',
      'remote_write.ack',
    ]) {
      expect(message).toContain(fault);
    }
  });

  it('takes any text as a label name, as Prometheus 3 does', () => {
    const { scrapeJobs, externalLabels } = load(`
global: {external_labels: {1a: x}}
scrape_configs:
  - job_name: a
    relabel_configs: [{source_labels: [1a], target_label: 'b c'}]
    static_configs: [{targets: [x], labels: {1a: x, 'a b': x, a.b: x, é: x, 0: x, __name__: x}}]
`);
    expect(Object.keys(scrapeJobs[0]!.staticConfigs[0]!.labels).sort()).toEqual(
      ['0', '1a', '__name__', 'a b', 'a.b', 'é'].sort(),
    );
    expect(externalLabels).toEqual({ '1a': 'x' });
  });

  it.each(['nohost', 'example.com', '10.0.0.1', '[::1]', '[::1]:80', 'x:', 'x:080', ':80', 'é:80', 'a_b:1'])(
    'takes the target %s',
    (target) => {
      expect(addressFault(target)).toBeUndefined();
    },
  );

  it.each([
    '',
    'http://x',
    'x/y',
    'x:80/',
    '::1',
    'a:b:c',
    'x:0',
    'x:99999',
    'x:http',
    'x y:80',
    'u@h:1',
    'x?y',
    'x#y',
    ':',
  ])('refuses the target %j, which cannot be scraped', (target) => {
    expect(addressFault(target)).toMatch(/^expected a target as host/);
  });

  it('takes addresses of any form where they are relabelled', () => {
    const { scrapeJobs } = load(`
scrape_configs:
  - job_name: probe
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {target_label: __address__, replacement: 'blackbox:9115'}
    static_configs: [{targets: ['https://example.com/x']}]
  - {job_name: plain, static_configs: [{targets: [example.com, '[::1]:80', '10.0.0.1']}]}
  - {job_name: secure, scheme: https, static_configs: [{targets: [intranet]}]}
`);
    expect(scrapeJobs).toHaveLength(3);
  });
});
