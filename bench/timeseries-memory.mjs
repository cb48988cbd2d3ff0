/**
 * Memory, latency and recovery of opendata-timeseries with many series.
 *
 *   node bench/timeseries-memory.mjs [--series 200000] [--scrapes 4] [--connections 4] [--port 23100] [--kill] [--keep]
 *   node bench/timeseries-memory.mjs --generations 8 [--series 50000]
 *
 * The first form writes every series `scrapes` times, 15 s apart, with durable acknowledgements, and with --kill ends the
 * server with SIGKILL and measures how long it takes until it is ready again. The second writes generation after
 * generation of other series, each in a window of its own that is sealed, and shows what stays in memory.
 * Bodies are snappy blocks of literals, so that the client is cheap. `/-/healthy` is asked all the time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeWriteRequest } from '../packages/wire/dist/index.js';

const { values: options } = parseArgs({
  options: {
    series: { type: 'string' },
    scrapes: { type: 'string', default: '4' },
    connections: { type: 'string', default: '4' },
    generations: { type: 'string' },
    port: { type: 'string', default: '23100' },
    server: { type: 'string', default: new URL('..', import.meta.url).pathname },
    node: { type: 'string', default: '' },
    kill: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const isChurn = options.generations !== undefined;
const seriesCount = Number(options.series ?? (isChurn ? 50_000 : 200_000));
const scrapes = Number(options.scrapes);
const port = Number(options.port);
const SERIES_A_REQUEST = 2000;
const INTERVAL_MS = 15_000;
const WINDOW_MS = isChurn ? 60_000 : 3_600_000;

const folder = mkdtempSync(join(tmpdir(), 'timeseries-memory-'));
writeFileSync(
  join(folder, 'config.yaml'),
  `storage:
  type: SlateDb
  path: timeseries
  object_store: {type: Local, path: ${join(folder, 'data')}}
head:
  memory_budget: 1GB
  window: ${WINDOW_MS / 1000}s
  series_idle: ${isChurn ? '1s' : '10m'}
`,
);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function send(path, { method = 'GET', body, headers = {} } = {}) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          ms: performance.now() - started,
          status: response.statusCode,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function startServer() {
  const bin = join(options.server, 'packages/timeseries/bin/opendata-timeseries.js');
  const extra = options.node === '' ? [] : options.node.split(' ');
  const child = spawn(
    process.execPath,
    [...extra, bin, '--config', join(folder, 'config.yaml'), '--port', String(port)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LOG_LEVEL: 'warn' },
    },
  );
  child.stdout.on('data', (text) => process.stdout.write(text));
  return child;
}

async function ready(child) {
  const started = performance.now();
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server has ended with ${child.exitCode}`);
    const status = await send('/-/ready').then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return (performance.now() - started) / 1000;
    await sleep(10);
  }
}

const status = (child, key) =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
const cpuSeconds = (child) => {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function metric(name) {
  const { text } = await send('/metrics');
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
}

const labelsOf = (i, generation) => [
  '__name__',
  `http_requests_${i % 100}_total`,
  'cluster',
  'eu-west-1',
  'instance',
  `10.0.${(i >> 4) % 250}.${(i >> 12) % 250}:8080`,
  'job',
  `job-${i % 40}`,
  'namespace',
  `team-${i % 20}`,
  'path',
  `/api/v1/things/${(i / 20) | 0}`,
  'pod',
  `checkout-${generation}-${String(100_000 + ((i / 500) | 0))}-x2v5p`,
];

/** Raw requests of all series, with the places of their values and times. */
function buildRequests(generation) {
  const requests = [];
  for (let from = 0; from < seriesCount; from += SERIES_A_REQUEST) {
    const series = [];
    for (let i = from; i < Math.min(seriesCount, from + SERIES_A_REQUEST); i++) {
      series.push({ labels: labelsOf(i, generation), samples: [{ timestampMs: 1_700_000_000_000, value: 1.5 }] });
    }
    const body = Buffer.from(encodeWriteRequest({ series }));
    const places = [];
    // 0x09 value(8) 0x10 time(6)
    for (let at = body.indexOf(MARK); at >= 0; at = body.indexOf(MARK, at + MARK.length)) places.push(at);
    if (places.length !== series.length) throw new Error('the marks of samples are not found');
    requests.push({ body, places });
  }
  return requests;
}
const MARK = Buffer.from(
  encodeWriteRequest({ series: [{ labels: [], samples: [{ timestampMs: 1_700_000_000_000, value: 1.5 }] }] }),
).subarray(-16);

/** A snappy block without compression. */
function literals(body) {
  const chunks = [];
  const head = [];
  for (let n = body.length; ; n >>>= 7) {
    head.push(n >= 0x80 ? (n & 0x7f) | 0x80 : n);
    if (n < 0x80) break;
  }
  chunks.push(Buffer.from(head));
  for (let at = 0; at < body.length; at += 65_536) {
    const part = body.subarray(at, at + 65_536);
    const length = part.length - 1;
    chunks.push(Buffer.from([61 << 2, length & 0xff, length >> 8]), part);
  }
  return Buffer.concat(chunks);
}

function bodyAt({ body, places }, timestampMs, value) {
  for (const at of places) {
    body.writeDoubleLE(value + (at % 977), at + 1);
    let rest = timestampMs;
    for (let i = 0; i < 6; i++) {
      body[at + 10 + i] = i < 5 ? (rest % 128) | 0x80 : rest % 128;
      rest = Math.floor(rest / 128);
    }
  }
  return literals(body);
}

function quantiles(latencies) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (q) => (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms`;
}

async function writeAll(requests, timestampMs, value, latencies, statuses) {
  let next = 0;
  const worker = async () => {
    while (next < requests.length) {
      const body = bodyAt(requests[next++], timestampMs, value);
      const answer = await send('/api/v1/write', {
        method: 'POST',
        body,
        headers: { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' },
      });
      latencies.push(answer.ms);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: Number(options.connections) }, worker));
}

const healthy = [];
let isOver = false;
async function probe() {
  while (!isOver) {
    await send('/-/healthy').then(
      ({ ms }) => healthy.push(ms),
      () => undefined,
    );
    await sleep(2);
  }
}

async function manySeries() {
  let server = startServer();
  await ready(server);
  const probing = probe();
  const requests = buildRequests(0);
  const startMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - WINDOW_MS;
  const statuses = {};
  for (let scrape = 0; scrape < scrapes; scrape++) {
    const latencies = [];
    healthy.length = 0;
    const cpu = cpuSeconds(server);
    const started = performance.now();
    await writeAll(requests, startMs + scrape * INTERVAL_MS, scrape, latencies, statuses);
    const seconds = (performance.now() - started) / 1000;
    const used = cpuSeconds(server) - cpu;
    console.log(
      `scrape ${scrape + 1}: ${seconds.toFixed(1)} s, ${((used * 1e6) / seriesCount).toFixed(2)} us of CPU a sample, ` +
        `writes ${quantiles(latencies)}; /-/healthy ${quantiles(healthy)}; RSS ${status(server, 'VmRSS').toFixed(0)} MB`,
    );
  }
  console.log(`statuses ${JSON.stringify(statuses)}, RSS peak ${status(server, 'VmHWM').toFixed(0)} MB`);
  const series = await metric('tsdb_head_series');
  const bytes = await metric('tsdb_head_series_bytes');
  console.log(
    `${series} series, ${(bytes / series).toFixed(0)} bytes a series, head ${((await metric('tsdb_head_memory_bytes')) / 1e6).toFixed(0)} MB`,
  );
  if (options.kill) {
    server.kill('SIGKILL');
    await once(server, 'exit');
    healthy.length = 0;
    server = startServer();
    const seconds = await ready(server);
    console.log(
      `after SIGKILL: ready in ${seconds.toFixed(2)} s, ${cpuSeconds(server).toFixed(1)} s of CPU, ${await metric('tsdb_head_series')} series, ` +
        `${await metric('tsdb_head_samples')} samples; /-/healthy ${quantiles(healthy)}; RSS ${status(server, 'VmRSS').toFixed(0)} MB, peak ${status(server, 'VmHWM').toFixed(0)} MB`,
    );
  }
  isOver = true;
  await probing;
  server.kill('SIGKILL');
  await once(server, 'exit');
}

async function generations() {
  const server = startServer();
  await ready(server);
  const probing = probe();
  const count = Number(options.generations);
  const startMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - (count + 1) * WINDOW_MS;
  const statuses = {};
  for (let generation = 0; generation < count; generation++) {
    const requests = buildRequests(generation + 100);
    healthy.length = 0;
    const latencies = [];
    for (let scrape = 0; scrape < 2; scrape++) {
      const timestampMs = startMs + generation * WINDOW_MS + scrape * INTERVAL_MS;
      await writeAll(requests, timestampMs, scrape, latencies, statuses);
    }
    const before = await metric('tsdb_head_series');
    await send('/-/flush', { method: 'POST' });
    for (let i = 0; i < 100 && (await metric('tsdb_head_series')) > 0; i++) await sleep(100);
    console.log(
      `generation ${generation + 1}: ${before} series, then ${await metric('tsdb_head_series')}, ` +
        `table ${((await metric('tsdb_head_series_bytes')) / 1e6).toFixed(1)} MB, RSS ${status(server, 'VmRSS').toFixed(0)} MB, ` +
        `writes ${quantiles(latencies)}, /-/healthy ${quantiles(healthy)}`,
    );
  }
  console.log(
    `created ${await metric('tsdb_head_series_created_total')}, removed ${await metric('tsdb_head_series_removed_total')}, ` +
      `statuses ${JSON.stringify(statuses)}, RSS peak ${status(server, 'VmHWM').toFixed(0)} MB`,
  );
  isOver = true;
  await probing;
  server.kill('SIGKILL');
  await once(server, 'exit');
}

try {
  await (isChurn ? generations() : manySeries());
} finally {
  if (options.keep) console.log(`kept in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
