// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of relabelling look like those of JavaScript
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  writeDoubleField,
  writeSint64Field,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from '@opendata/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerProcess } from '../../../test/support/server-process.ts';
import { newestPrometheus, startBesidePrometheus } from './newest-prometheus.testing.ts';

const METRICS = `# TYPE requests counter
requests_total{code="200",path="/a",tmp_x="1"} 1
requests_total{code="404",path="/b"} 2
requests_total{code="500",path="/Err"} 3
# TYPE up2 gauge
up2{job="exposed"} 1
go_gc_duration_seconds 0.5
# TYPE latency histogram
latency_bucket{le="0.5"} 1
latency_bucket{le="1"} 2
latency_bucket{le="+Inf"} 3
latency_sum 4
latency_count 3
# TYPE sizes summary
sizes{quantile="0"} 1
sizes{quantile="1"} 2
sizes_sum 4
sizes_count 3
# TYPE odd untyped
odd{le="1",quantile="1"} 3
`;

/** With samples of when the counters began, which are series like others unless Prometheus is told otherwise. */
const OPENMETRICS = `# TYPE began counter
began_total{a="1"} 5
began_created{a="1"} 1700000000.25
# TYPE duration histogram
duration_bucket{le="1.0"} 1
duration_bucket{le="+Inf"} 2
duration_count 2
duration_sum 3.5
duration_created 1700000000
# TYPE size summary
size{quantile="0.5"} 1
size_count 2
size_sum 3
size_created 1700000001
# TYPE own_created gauge
own_created 7
# EOF
`;

/** In protobuf: a gauge, and a histogram with classic and native buckets. */
function nativeMetrics(): Buffer {
  const gauge = createProtoWriter();
  writeStringField(gauge, 1, 'plain');
  writeUint64Field(gauge, 3, 1);
  let at = beginMessage(gauge, 4);
  let inner = beginMessage(gauge, 2);
  writeDoubleField(gauge, 1, 2.5);
  endMessage(gauge, inner);
  endMessage(gauge, at);
  const histogram = createProtoWriter();
  writeStringField(histogram, 1, 'native');
  writeUint64Field(histogram, 3, 4);
  at = beginMessage(histogram, 4);
  inner = beginMessage(histogram, 7);
  writeUint64Field(histogram, 1, 6);
  writeDoubleField(histogram, 2, 4.5);
  const bucket = beginMessage(histogram, 3);
  writeUint64Field(histogram, 1, 2);
  writeDoubleField(histogram, 2, 1);
  endMessage(histogram, bucket);
  writeSint64Field(histogram, 5, 1);
  writeDoubleField(histogram, 6, 0.5);
  writeUint64Field(histogram, 7, 1);
  const span = beginMessage(histogram, 12);
  writeSint64Field(histogram, 1, -1);
  writeUint64Field(histogram, 2, 2);
  endMessage(histogram, span);
  writeSint64Field(histogram, 13, 2);
  writeSint64Field(histogram, 13, 1);
  endMessage(histogram, inner);
  endMessage(histogram, at);
  const families = [gauge, histogram].map((writer) => writtenBytes(writer));
  return Buffer.concat(families.flatMap((bytes) => [Buffer.of(bytes.length), bytes]));
}

/** Relabelling of targets; of each job the last rule of the list is what is looked at. */
const TARGET_RULES = [
  '{source_labels: [__meta_zone], target_label: zone}',
  '{source_labels: [__meta_zone, __meta_rack], separator: "/", target_label: place}',
  '{source_labels: [__address__], regex: "([^:]+):(\\\\d+)", target_label: host, replacement: "$1-${2}-$$-$3-${name}"}',
  '{source_labels: [__address__], regex: "(?P<h>[^:]+):.*", target_label: "${h}", replacement: "${h}"}',
  '{source_labels: [__address__], regex: "127.*", action: drop}',
  '{source_labels: [__address__], regex: "127", action: drop}',
  '{source_labels: [__meta_zone], regex: "z.", action: keep}',
  '{source_labels: [__meta_zone], target_label: __meta_copy, action: keepequal}',
  '{source_labels: [__meta_zone], target_label: __meta_copy, action: dropequal}',
  '{source_labels: [__address__, __meta_zone], modulus: 7, target_label: shard, action: hashmod}',
  '{regex: "__meta_(.+)", action: labelmap}',
  '{regex: "__meta_(.+)", replacement: "m_${1}_x", action: labelmap}',
  '{regex: "env|team", action: labeldrop}',
  '{regex: "__.*|job|team", action: labelkeep}',
  '{source_labels: [env], target_label: env, action: lowercase}',
  '{source_labels: [team], target_label: team, action: UPPERCASE}',
  '{source_labels: [absent], target_label: env}',
  '{target_label: fixed, replacement: value}',
  '{target_label: __scrape_interval__, replacement: 30s}',
  '{target_label: __metrics_path__, replacement: other/path}',
  '{target_label: __param_module, replacement: changed}',
  '{target_label: __param_new, replacement: "a b"}',
  '{target_label: __scheme__, replacement: https}',
  '{target_label: instance, replacement: me}',
  '{target_label: job, replacement: renamed}',
] as const;

const METRIC_RULES = [
  '{source_labels: [__name__], regex: "go_.*", action: drop}',
  '{source_labels: [code], regex: "([245]).*", target_label: code, replacement: "${1}xx"}',
  '{regex: "tmp_.*", action: labeldrop}',
  '{source_labels: [path], target_label: path, action: lowercase}',
  '{source_labels: [__name__, code], separator: "@", regex: "requests_total@5xx", target_label: __name__, replacement: errors_total}',
] as const;

function configText(address: string): string {
  const target = `static_configs: [{targets: ['${address}', 'nobody:9'], labels: {__meta_zone: z1, __meta_rack: r2, __meta_copy: z1, env: PROD, team: a}}]`;
  const jobs = TARGET_RULES.map(
    (rule, i) =>
      `  - {job_name: 'rule-${String(i).padStart(2, '0')}', params: {module: [m1, m2]}, scrape_interval: 1h, relabel_configs: [${rule}], ${target}}`,
  );
  return `global: {external_labels: {region: eu, code: none}}
scrape_configs:
${jobs.join('\n')}
  - {job_name: native, scrape_native_histograms: true, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ['${address}']}]}
  - {job_name: both, scrape_native_histograms: true, always_scrape_classic_histograms: true, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ['${address}']}]}
  - {job_name: classic, scrape_protocols: [PrometheusProto], scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ['${address}']}]}
  - {job_name: openmetrics, metrics_path: /openmetrics, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ['${address}']}]}
  - {job_name: metrics, scrape_interval: 200ms, scrape_timeout: 200ms, metric_relabel_configs: [${METRIC_RULES.join(', ')}], static_configs: [{targets: ['${address}']}]}
`;
}

interface TargetAnswer {
  readonly labels: object;
  readonly discoveredLabels: object;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

describe.skipIf(newestPrometheus === undefined)('scraping and the newest Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relabel-prometheus-'));
  const exporter = createServer((request, response) => {
    if (request.url === '/openmetrics') {
      response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
      response.end(OPENMETRICS);
      return;
    }
    if (request.headers.accept?.includes('application/vnd.google.protobuf')) {
      response.setHeader(
        'content-type',
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      );
      response.end(nativeMetrics());
      return;
    }
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(METRICS);
  });
  let ours: ServerProcess;
  let theirs: ServerProcess;

  beforeAll(async () => {
    await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
    const text = configText(`127.0.0.1:${(exporter.address() as AddressInfo).port}`);
    ({ ours, theirs } = await startBesidePrometheus(folder, { ours: text, theirs: text }));
  });

  afterAll(async () => {
    await Promise.all([ours?.kill('SIGTERM'), theirs?.kill('SIGTERM')]);
    exporter.closeAllConnections();
    await new Promise((resolve) => exporter.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  async function data(server: ServerProcess, path: string): Promise<unknown> {
    const response = await fetch(`${server.url}/api/v1/${path}`);
    return ((await response.json()) as { data: unknown }).data;
  }

  async function targets(server: ServerProcess) {
    const { activeTargets, droppedTargets, droppedTargetCounts } = (await data(server, 'targets')) as {
      activeTargets: TargetAnswer[];
      droppedTargets: TargetAnswer[];
      droppedTargetCounts: Record<string, number>;
    };
    // Classic histograms of scrapes are not converted yet.
    const known = (labels: object) =>
      Object.fromEntries(Object.entries(labels).filter(([name]) => name !== '__convert_classic_histograms_to_nhcb__'));
    const active = activeTargets.map(({ labels, discoveredLabels, ...rest }) => ({
      labels,
      discoveredLabels: known(discoveredLabels),
      pool: rest.scrapePool,
      url: rest.scrapeUrl,
      interval: rest.scrapeInterval,
      timeout: rest.scrapeTimeout,
    }));
    const order = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    return {
      active: active.map((one) => ({ ...one, key: `${one.pool} ${one.url}` })).sort((a, b) => (a.key < b.key ? -1 : 1)),
      dropped: droppedTargets
        .map(({ discoveredLabels, ...rest }) => ({ ...rest, discoveredLabels: known(discoveredLabels) }))
        .sort(order),
      droppedTargetCounts,
    };
  }

  it('finds the same targets with the same labels', async () => {
    await until(async () => (await targets(theirs)).active.length > 40);
    const [actual, expected] = [await targets(ours), await targets(theirs)];
    expect(actual.active).toEqual(expected.active);
    expect(actual.dropped).toEqual(expected.dropped);
    expect(actual.droppedTargetCounts).toEqual(expected.droppedTargetCounts);
    expect(await data(ours, 'scrape_pools')).toEqual(await data(theirs, 'scrape_pools'));
  });

  it('stores the same series of a scrape', async () => {
    const query = encodeURIComponent(
      '{job=~"metrics|exposed|native|both|classic|openmetrics",__name__!="scrape_duration_seconds"}',
    );
    const series = async (server: ServerProcess) => {
      const { result } = (await data(server, `query?query=${query}`)) as {
        result: { metric: Record<string, string>; value?: [number, string]; histogram?: [number, object] }[];
      };
      return Object.fromEntries(
        result.map(({ metric, value, histogram }) => [JSON.stringify(metric), (value ?? histogram)?.[1]]),
      );
    };
    await until(async () => Object.keys(await series(theirs)).length > 5 && Object.keys(await series(ours)).length > 5);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await series(ours)).toEqual(await series(theirs));
  });

  it('tells the same of its targets', async () => {
    const order = (list: unknown) => (list as object[]).map((one) => JSON.stringify(one)).sort();
    for (const query of ['', '?match_target={job="metrics"}', '?metric=up2&match_target={job="metrics"}', '?limit=0']) {
      const [actual, expected] = [
        await data(ours, `targets/metadata${query}`),
        await data(theirs, `targets/metadata${query}`),
      ];
      if (query.includes('job')) expect(order(actual)).toEqual(order(expected));
    }
  });

  it('federates the same series', async () => {
    const federate = async (server: ServerProcess, query: string) => {
      const response = await fetch(`${server.url}/federate${query}`, {
        headers: { accept: 'text/plain;version=0.0.4' },
      });
      const text = await response.text();
      return [response.status, text.replace(/ \d{13}$/gm, '').replace(/^scrape_duration.*\n/gm, '')];
    };
    for (const query of [
      '?match[]={job="metrics"}&match[]=requests_total{job="metrics"}',
      '?match[]=absent_metric',
      '?match[]={job=~".*"}',
      '?match[]={',
    ]) {
      const [actual, expected] = [await federate(ours, query), await federate(theirs, query)];
      // What else has been scraped yet depends on the moment.
      if (query.includes('metrics')) expect(actual).toEqual(expected);
      else expect(actual[0]).toBe(expected[0]);
    }
  });

  it('has the same fields in the answers about its state', async () => {
    const paths = [
      'status/runtimeinfo',
      'status/buildinfo',
      'status/walreplay',
      'status/tsdb',
      'notifications',
      'rules',
      'alerts',
      'alertmanagers',
    ];
    for (const path of paths) {
      expect(shapeOf(await data(ours, path)), path).toMatchObject(shapeOf(await data(theirs, path)) as object);
    }
    const names = async (server: ServerProcess, part: string) =>
      Object.keys(((await data(server, 'features')) as Record<string, object>)[part]!).sort();
    for (const part of ['promql', 'promql_functions'])
      expect(await names(ours, part)).toEqual(await names(theirs, part));
  });
});

/** Names of fields and types of values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shapeOf(one)]));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited for too long');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
