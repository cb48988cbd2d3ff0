import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtoExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startOurs } from '../../../test/support/server-process.ts';
import { asDelta, exponential, gauge, histogram, nanos, post, request, sum } from './otlp-payloads.testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'timeseries-otlp-'));
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
let server: ServerProcess;

beforeAll(async () => {
  const config = join(folder, 'prometheus.yaml');
  writeFileSync(config, 'storage: {type: InMemory}\notlp: {delta_to_cumulative: {max_series: 12}}\n');
  server = await startOurs('opendata-timeseries', ['--config', config]);
});
afterAll(async () => {
  await server.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function query(expression: string, atMs = NOW_MS): Promise<Record<string, string>> {
  const response = await fetch(
    `${server.url}/api/v1/query?query=${encodeURIComponent(expression)}&time=${atMs / 1000}`,
  );
  const { data } = (await response.json()) as {
    data: { result: { metric: Record<string, string>; value?: [number, string]; histogram?: unknown }[] };
  };
  return Object.fromEntries(
    data.result.map(({ metric, value, histogram: native }) => [
      JSON.stringify(Object.fromEntries(Object.entries(metric).sort())),
      value?.[1] ?? JSON.stringify(native),
    ]),
  );
}

describe.each([
  ['protobuf', 'proto', ProtoExporter],
  ['JSON', 'json', JsonExporter],
] as const)('the exporter of the OpenTelemetry SDK, %s', (_name, service, Exporter) => {
  it.each([
    ['/api/v1/otlp/v1/metrics', AggregationTemporality.CUMULATIVE, 'cumulative'],
    ['/v1/metrics', AggregationTemporality.DELTA, 'delta'],
  ] as const)('brings every instrument to %s', async (path, temporalityPreference, kind) => {
    const job = `${service}-${kind}`;
    const exporter = new Exporter({ url: server.url + path, temporalityPreference }) as PushMetricExporter;
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ 'service.name': job, 'service.instance.id': 'a', 'host.name': 'h' }),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      views: [{ instrumentName: 'sizes', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
    });
    const meter = provider.getMeter('test');
    const counter = meter.createCounter('requests', { unit: '{request}', description: 'Requests.' });
    meter.createObservableGauge('temperature', { unit: 'Cel' }).addCallback((result) => result.observe(21.5));
    counter.add(3, { route: '/a' });
    if (kind === 'cumulative') {
      meter.createHistogram('duration', { unit: 's', advice: { explicitBucketBoundaries: [0.1, 1] } }).record(0.5);
      meter.createHistogram('sizes', { unit: 'By' }).record(1000);
    }
    await provider.forceFlush();
    counter.add(4, { route: '/a' });
    await provider.forceFlush();
    await provider.shutdown();
    const labels = { instance: 'a', job };
    const at = Date.now() + 1000;
    expect(await query(`requests_total{job="${job}"}`, at)).toEqual({
      [JSON.stringify({ __name__: 'requests_total', ...labels, route: '/a' })]: '7',
    });
    expect(Object.values(await query(`temperature_celsius{job="${job}"}`, at))).toEqual(['21.5']);
    expect(Object.keys(await query(`target_info{job="${job}",host_name="h"}`, at))).toHaveLength(1);
    if (kind === 'delta') return;
    expect(Object.values(await query(`duration_seconds_bucket{job="${job}",le="1"}`, at))).toEqual(['1']);
    expect(Object.values(await query(`histogram_sum(sizes_bytes{job="${job}"})`, at))).toEqual(['1000']);
    const metadata = await (await fetch(`${server.url}/api/v1/metadata?metric=requests_total`)).json();
    expect(metadata).toMatchObject({ data: { requests_total: [{ type: 'counter', help: 'Requests.' }] } });
  });
});

describe('points with delta temporality', () => {
  const at = (offsetMs: number) => ({
    startTimeUnixNano: nanos(NOW_MS - 60_000 + offsetMs - 1000),
    timeUnixNano: nanos(NOW_MS - 60_000 + offsetMs),
  });
  const resource = { 'service.name': 'delta' };

  it('add up, and one that comes again adds nothing', async () => {
    const points = [
      { ...at(1000), asInt: '2' },
      { ...at(2000), asInt: '3' },
    ];
    for (const point of [...points, points[1]!]) {
      const answer = await post(server.url, request([asDelta(sum('d.sum', true, [point]))], { resource }));
      expect(await answer.text()).toBe('{}');
    }
    expect(Object.values(await query('d_sum_total'))).toEqual(['5']);
    const old = await post(server.url, request([asDelta(sum('d.sum', true, [points[0]!]))], { resource }));
    expect(await old.json()).toMatchObject({
      partialSuccess: { rejectedDataPoints: '1', errorMessage: expect.stringContaining('delta temporality') },
    });
  });

  it('add up in histograms of both kinds', async () => {
    const classic = { count: '3', sum: 1.5, bucketCounts: ['1', '2'], explicitBounds: [1] };
    const native = { count: '2', sum: 3, scale: 1, positive: { offset: 0, bucketCounts: ['2'] } };
    for (const offset of [1000, 2000]) {
      const metrics = [
        asDelta(histogram('d.classic', [{ ...at(offset), ...classic }])),
        asDelta(exponential('d.native', [{ ...at(offset), ...native }])),
      ];
      expect(await (await post(server.url, request(metrics, { resource }))).text()).toBe('{}');
    }
    expect(Object.values(await query('d_classic_count'))).toEqual(['6']);
    expect(Object.values(await query('d_classic_bucket{le="1"}'))).toEqual(['2']);
    expect(Object.values(await query('histogram_count(d_native)'))).toEqual(['4']);
  });

  it('of more series than are kept are refused', async () => {
    const points = Array.from({ length: 20 }, (_, i) => ({
      ...at(1000),
      asInt: '1',
      attributes: [{ key: 'i', value: { intValue: i } }],
    }));
    const answer = await post(server.url, request([asDelta(sum('d.many', true, points))], { resource }));
    expect(await answer.json()).toMatchObject({
      partialSuccess: { errorMessage: expect.stringContaining('more than 12 series') },
    });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('otlp_delta_series 12\n');
  });
});

describe('answers', () => {
  const good = request([gauge('answers', [{ timeUnixNano: nanos(NOW_MS), asDouble: 1 }])]);

  async function send(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<Response> {
    return fetch(`${server.url}/v1/metrics`, { method: 'POST', body, headers });
  }

  it('take gzip and deflate', async () => {
    const text = JSON.stringify(good);
    const json = { 'content-type': 'application/json; charset=utf-8' };
    for (const [encoding, body] of [
      ['gzip', gzipSync(text)],
      ['deflate', deflateSync(text)],
      ['identity', Buffer.from(text)],
    ] as const) {
      const answer = await send(Uint8Array.from(body), { ...json, 'content-encoding': encoding });
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
        200,
        'application/json',
        '{}',
      ]);
    }
  });

  it('say what cannot be read in the encoding of the request', async () => {
    const json = { 'content-type': 'application/json' };
    const cases = [
      [await send('{', json), 400, /"code":3/],
      [await send('[]', json), 400, /expected an object/],
      [await send('x', { ...json, 'content-encoding': 'gzip' }), 400, /not valid gzip/],
      [await send('x', { ...json, 'content-encoding': 'br' }), 415, /unsupported compression br/],
      [await send('x', { 'content-type': 'text/plain' }), 415, /unsupported content type/],
      [await send(Uint8Array.from(Buffer.from('x')), {}), 415, /unsupported content type ""/],
      [await send(Uint8Array.of(10, 100), { 'content-type': 'application/x-protobuf' }), 400, /runs past the end/],
      [await send('x'.repeat(9 * 1024 * 1024), json), 413, /8388608 bytes/],
    ] as const;
    for (const [answer, status, text] of cases) {
      const body = await answer.text();
      expect([answer.status, body]).toEqual([status, expect.stringMatching(text)]);
    }
    expect(cases[6][0].headers.get('content-type')).toBe('application/x-protobuf');
  });

  it('count the points that were not stored, and store the others', async () => {
    const points = [
      { timeUnixNano: nanos(NOW_MS), asDouble: 1 },
      { timeUnixNano: nanos(NOW_MS + 3_600_000), asDouble: 2 },
      { asDouble: 3 },
      { timeUnixNano: nanos(NOW_MS), asDouble: 4, attributes: [{ value: { stringValue: 'no key' } }] },
    ];
    const metrics = [
      gauge('partly', points),
      gauge('', [points[0]!]),
      { name: 'no.temporality', sum: { dataPoints: [points[0]] } },
      exponential('too.coarse', [{ ...points[0]!, scale: -5, count: '1' }]),
    ];
    const answer = await post(server.url, request(metrics));
    expect(answer.status).toBe(200);
    const { partialSuccess } = (await answer.json()) as {
      partialSuccess: { rejectedDataPoints: string; errorMessage: string };
    };
    expect(partialSuccess.rejectedDataPoints).toBe('6');
    for (const reason of [
      '10 minutes in the future',
      'has no time',
      'label name is empty',
      'empty name',
      'temporality',
      'scale must be',
    ]) {
      expect(partialSuccess.errorMessage).toContain(reason);
    }
    expect(Object.values(await query('partly'))).toEqual(['1']);
  });
});
