/**
 * The longest stretches that opendata-timeseries' thread works without a turn of the event loop, by kind of work: CPU time of
 * the thread, wall time, and pauses of the collector in it. It spins one core while it measures.
 *
 *   node bench/timeseries-stretches.mjs [--only NAME,NAME] [--profile] [--port 24100] [--server FOLDER]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeWriteRequest, encodeWriteRequest2, snappyCompress } from '../packages/wire/dist/index.js';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    port: { type: 'string', default: '24100' },
    server: { type: 'string', default: new URL('..', import.meta.url).pathname },
    profile: { type: 'boolean', default: false },
    series: { type: 'string', default: '1000000' },
  },
});
const port = Number(options.port);
const MANY = Number(options.series);
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'timeseries-stretches-'));
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function send(path, { method = 'GET', body, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      let text = '';
      let bytes = 0;
      response.on('data', (chunk) => {
        bytes += chunk.length;
        if (text.length < 1000) text += chunk.toString('latin1', 0, 1000);
      });
      response.on('end', () => resolve({ status: response.statusCode, text, bytes }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function post(path, body, headers) {
  const answer = await send(path, { method: 'POST', body, headers });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer;
}

let exposed = '';
let scrapes = 0;
const target = createServer((_request, response) => {
  scrapes++;
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(exposed);
});

function startServer() {
  writeFileSync(
    join(folder, 'config.yaml'),
    `storage:
  type: SlateDb
  path: timeseries
  object_store: {type: Local, path: ${join(folder, 'data')}}
head: {memory_budget: 2GB, late_grace: 10s}
retention: 30d
scrape_configs:
  - job_name: kube-state-metrics
    scrape_interval: 3s
    static_configs: [{targets: ['127.0.0.1:${target.address().port}']}]
`,
  );
  const probe = new URL('support/stretch-probe.mjs', import.meta.url).pathname;
  const bin = join(options.server, 'packages/timeseries/bin/opendata-timeseries.js');
  return spawn(
    process.execPath,
    ['--import', probe, bin, '--config', join(folder, 'config.yaml'), '--port', `${port}`],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, LOG_LEVEL: 'warn' },
    },
  );
}

const WRITE_1 = { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' };
const WRITE_2 = { ...WRITE_1, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };

const labelsOf = (metric, i) => [
  '__name__',
  `${metric}_${i % 20}_total`,
  'cluster',
  'eu-west-1',
  'instance',
  `10.0.${(i >> 4) % 250}.${(i >> 12) % 250}:8080`,
  'namespace',
  `team-${i % 20}`,
  'path',
  `/api/v1/things/${(i / 20) | 0}`,
];

function seriesOf(metric, from, count, timestampMs) {
  return Array.from({ length: count }, (_, k) => ({
    labels: labelsOf(metric, from + k),
    samples: [{ timestampMs, value: from + k }],
  }));
}
const write1 = (metric, from, count, timestampMs = Date.now()) =>
  post(
    '/api/v1/write',
    snappyCompress(encodeWriteRequest({ series: seriesOf(metric, from, count, timestampMs) })),
    WRITE_1,
  );
const write2 = (metric, from, count, timestampMs = Date.now()) =>
  post('/api/v1/write', snappyCompress(encodeWriteRequest2(seriesOf(metric, from, count, timestampMs))), WRITE_2);

function exposition(lines) {
  let text = '';
  for (let i = 0; i < lines; i++) {
    if (i % 5000 === 0) text += `# HELP kube_thing_${i / 5000} Things.\n# TYPE kube_thing_${i / 5000} gauge\n`;
    text += `kube_thing_${(i / 5000) | 0}{namespace="team-${i % 40}",pod="checkout-${100_000 + ((i / 10) | 0)}-x2v5p",uid="8d4a-${i}",container="app"} ${i % 7}\n`;
  }
  return text;
}

async function scrape(times) {
  const until = scrapes + times;
  while (scrapes < until) await sleep(50);
  await sleep(1500);
}

const nanos = () => `${Date.now()}000000`;
function otlpJson(points) {
  const dataPoints = Array.from({ length: points }, (_, i) => ({
    attributes: [
      { key: 'http.route', value: { stringValue: `/api/v1/things/${i % 1000}` } },
      { key: 'http.status', value: { intValue: String(200 + (i % 5)) } },
      { key: 'pod', value: { stringValue: `checkout-${i}` } },
    ],
    timeUnixNano: nanos(),
    asDouble: i,
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] };
  const metrics = [{ name: 'requests', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }];
  return JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'x' }, metrics }] }] });
}

const field = (number, bytes) => Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
const text = (number, value) => field(number, Buffer.from(value));
function varint(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
function fixed64(number, write) {
  const bytes = Buffer.alloc(9);
  bytes[0] = (number << 3) | 1;
  write(bytes);
  return bytes;
}
const attribute = (number, key, value) => field(number, Buffer.concat([text(1, key), field(2, text(1, value))]));
function otlpProtobuf(points) {
  const now = BigInt(nanos());
  const data = Array.from({ length: points }, (_, i) =>
    field(
      1,
      Buffer.concat([
        attribute(7, 'http.route', `/api/v1/things/${i % 1000}`),
        attribute(7, 'pod', `checkout-${i}`),
        fixed64(3, (bytes) => bytes.writeBigUInt64LE(now, 1)),
        fixed64(4, (bytes) => bytes.writeDoubleLE(i, 1)),
      ]),
    ),
  );
  const sum = Buffer.concat([...data, varint(16), varint(2), varint(24), varint(1)]);
  const metric = Buffer.concat([text(1, 'requests.pb'), field(7, sum)]);
  const scope = Buffer.concat([field(1, text(1, 'x')), field(2, metric)]);
  const resource = field(1, attribute(1, 'service.name', 'checkout'));
  return field(1, Buffer.concat([resource, field(2, scope)]));
}

function openMetrics(series, samples) {
  const nowS = Math.floor(Date.now() / 1000);
  let lines = '# TYPE imported gauge\n';
  for (let i = 0; i < series; i++) {
    for (let k = 0; k < samples; k++)
      lines += `imported{pod="checkout-${i}",team="t-${i % 20}"} ${i + k} ${nowS - 7200 + k * 15}\n`;
  }
  return `${lines}# EOF\n`;
}

const instant = (query) => send(`/api/v1/query?${new URLSearchParams({ query })}`);
async function fill(metric, count, timestampMs, size = 5000) {
  for (let from = 0; from < count; from += size) await write1(metric, from, Math.min(size, count - from), timestampMs);
}

/** In this order; each builds on those before where it says so. */
const CASES = {
  'write 1.0, 100,000 new': () => write1('one', 0, 100_000),
  'write 1.0, 100,000 known': () => write1('one', 0, 100_000),
  'write 1.0, again': () => write1('one', 0, 100_000),
  'write 2.0, 100,000 new': () => write2('two', 0, 100_000),
  'write 2.0, 100,000 known': () => write2('two', 0, 100_000),
  'write 2.0, again': () => write2('two', 0, 100_000),
  'write 2.0, 10 x 10,000 new': async () => {
    for (let i = 0; i < 10; i++) await write2('three', i * 10_000, 10_000);
  },
  'scrape, the first': () => {
    exposed = exposition(100_000);
    return scrape(1);
  },
  'scrape, later': () => scrape(3),
  'scrape, all ends': () => {
    exposed = '';
    return scrape(2);
  },
  'otlp protobuf, 50,000 new': () =>
    post('/api/v1/otlp/v1/metrics', otlpProtobuf(50_000), { 'content-type': 'application/x-protobuf' }),
  'otlp protobuf, known': () =>
    post('/api/v1/otlp/v1/metrics', otlpProtobuf(50_000), { 'content-type': 'application/x-protobuf' }),
  'otlp json, 20,000 new': () =>
    post('/api/v1/otlp/v1/metrics', otlpJson(20_000), { 'content-type': 'application/json' }),
  'otlp json, known': () => post('/api/v1/otlp/v1/metrics', otlpJson(20_000), { 'content-type': 'application/json' }),
  import: () => post('/api/v1/import/openmetrics', openMetrics(5000, 100), {}),
  flush: () => post('/-/flush?all=true'),
  'fill 1 M': () => fill('many', MANY, Date.now()),
  'instant, all': () => instant('{__name__=~"many_.*"}'),
  'instant, all again': () => instant('{__name__=~"many_.*"}'),
  'instant, sum': () => instant('sum({__name__=~"many_.*"})'),
  'instant, sum by': () => instant('sum by (path) ({__name__=~"many_.*"})'),
  'instant, topk': () => instant('topk(10, {__name__=~"many_.*"})'),
  'instant, sort': () => instant('sort({__name__=~"many_.*"})'),
  'instant, rate': () => instant('sum(rate({__name__=~"many_.*"}[5m]))'),
  'instant, count': () => instant('count({__name__=~"many_.*"}) by (__name__)'),
  federate: () => send(`/federate?${new URLSearchParams({ 'match[]': '{__name__=~"many_.*"}' })}`),
  'federate protobuf': () =>
    send(`/federate?${new URLSearchParams({ 'match[]': '{__name__=~"one_.*"}' })}`, {
      headers: {
        accept: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      },
    }),
  'seal 1 M': () => post('/-/flush?all=true'),
  'fill past hours': async () => {
    for (let hour = 8; hour >= 3; hour--) await fill('past', 200_000, Date.now() - hour * HOUR_MS);
  },
  'seal and merge past hours': async () => {
    await post('/-/flush');
    await post('/-/flush');
  },
  'past, sum': () =>
    send(`/api/v1/query?${new URLSearchParams({ query: 'sum(last_over_time({__name__=~"past_.*"}[9h]))' })}`),
};

async function main() {
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const child = startServer();
  const ask = async (message) => {
    const answer = once(child, 'message');
    child.send(message);
    return (await answer)[0];
  };
  try {
    while (child.exitCode === null && (await send('/-/ready').catch(() => undefined))?.status !== 200) await sleep(50);
    await sleep(2000);
    const wanted = options.only?.split(',');
    for (const [name, work] of Object.entries(CASES)) {
      if (wanted && !wanted.some((part) => name.includes(part))) continue;
      await ask({ begin: {} });
      const startedMs = performance.now();
      const failure = await Promise.resolve()
        .then(work)
        .then(
          (answer) => (answer?.status >= 300 ? `${answer.status} ${answer.text.slice(0, 200)}` : ''),
          (error) => error.message,
        );
      const tookMs = performance.now() - startedMs;
      const { longest, over10 } = await ask({ end: {} });
      const figures = longest
        .slice(0, 4)
        .map(({ cpuMs, wallMs, gcMs }) => `${cpuMs.toFixed(0)} (wall ${wallMs.toFixed(0)}, gc ${gcMs.toFixed(0)})`);
      console.log(`${name} [${tookMs.toFixed(0)} ms, ${over10} > 10 ms]: ${figures.join('; ')} ${failure ?? ''}`);
      if (!options.profile) continue;
      for (const { at, cpuMs } of longest) for (const line of cpuMs > 10 ? at : []) console.log(`    ${line}`);
      if (longest.length > 1) console.log('');
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    target.close();
    agent.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
