/**
 * Whether queries leave the server responsive: fills a server, then keeps asking `/-/healthy` and writing small requests
 * while heavy queries run, one kind after the other.
 *
 *   node bench/query-fairness.mjs [--series 10000] [--samples 1000] [--seconds 4] [--port 22100] [--only NAME]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeWriteRequest, snappyCompress } from '../packages/wire/dist/index.js';

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '10000' },
    samples: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '4' },
    port: { type: 'string', default: '22100' },
    only: { type: 'string' },
    inspect: { type: 'string' },
  },
});
const seriesCount = Number(options.series);
const sampleCount = Number(options.samples);
const seconds = Number(options.seconds);
const port = Number(options.port);
const intervalMs = 10_000;
const endMs = Math.floor(Date.now() / intervalMs) * intervalMs;
const startMs = endMs - (sampleCount - 1) * intervalMs;
/** Of the first metric, so that one selector finds all of its samples. */
const METRIC = 'fairness_requests_total';

const agent = new Agent({ keepAlive: true });

/** Sends a request; resolves to what it took and what came. */
function send(path, { method = 'GET', body, headers = {} } = {}) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      let bytes = 0;
      let text = '';
      response.on('data', (chunk) => {
        bytes += chunk.length;
        if (text.length < 200) text += chunk.toString('latin1', 0, 200);
      });
      response.on('end', () => resolve({ ms: performance.now() - started, status: response.statusCode, bytes, text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function write(series) {
  const body = snappyCompress(encodeWriteRequest({ series }));
  const headers = { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' };
  const { status, text } = await send('/api/v1/write', { method: 'POST', body, headers });
  if (status !== 204 && status !== 200) throw new Error(`write: ${status} ${text}`);
}

function labelsOf(series) {
  return [
    '__name__',
    METRIC,
    'instance',
    `10.0.${Math.floor(series / 100)}.${series % 100}:9100`,
    'job',
    `job-${series % 50}`,
    'path',
    `/api/v1/things/${series}/of/${series % 7}`,
  ];
}

async function fill() {
  const SAMPLES_A_REQUEST = 100;
  for (let first = 0; first < sampleCount; first += SAMPLES_A_REQUEST) {
    for (let from = 0; from < seriesCount; from += 200) {
      const timeseries = [];
      for (let series = from; series < Math.min(seriesCount, from + 200); series++) {
        const samples = [];
        for (let i = first; i < Math.min(sampleCount, first + SAMPLES_A_REQUEST); i++) {
          samples.push({ timestampMs: startMs + i * intervalMs, value: i * (1 + (series % 13)) + series / 7 });
        }
        timeseries.push({ labels: labelsOf(series), samples });
      }
      await write(timeseries);
    }
  }
}

const span = `start=${startMs / 1000}&end=${endMs / 1000}`;
const encode = (parameters) => new URLSearchParams(parameters).toString();
const range = (query, steps) =>
  `/api/v1/query_range?${encode({ query })}&${span}&step=${Math.max(1, Math.floor((endMs - startMs) / 1000 / steps))}`;
const instant = (query) => `/api/v1/query?${encode({ query })}&time=${endMs / 1000}`;
const matrixSteps = Math.min(1000, Math.floor(4e6 / seriesCount));
// Neither a list of literals nor a prefix: the general matcher has to run over it.
const pattern = `.*(${Array.from({ length: 9000 }, (_, i) => `thing[s]/${i}x+`).join('|')})`;

const CASES = {
  idle: undefined,
  'sum of rate over everything': { path: range(`sum by (job) (rate(${METRIC}[5m]))`, 1000) },
  'matrix of 100 MB': { path: range(METRIC, matrixSteps) },
  'one window of raw samples': { path: instant(`${METRIC}[${Math.ceil((endMs - startMs) / 1000)}s]`) },
  quantile: { path: range(`quantile(0.9, ${METRIC})`, 1000) },
  'topk of everything': { path: range(`topk(5, ${METRIC})`, 1000) },
  count_values: { path: range(`count_values("v", ${METRIC})`, 100) },
  quantile_over_time: { path: range(`sum(quantile_over_time(0.5, ${METRIC}[1h]))`, 200) },
  'join and math': { path: range(`${METRIC} * on (instance, path) ${METRIC} + ln(${METRIC})`, 500) },
  'sort and label_replace': { path: instant(`sort_desc(label_replace(${METRIC}, "x", "$1", "path", ".*/(.*)"))`) },
  'regular expression of 150 kB': {
    path: '/api/v1/query',
    body: encode({ query: `{path=~"${pattern}"}`, time: endMs / 1000 }),
  },
  'all series': { path: `/api/v1/series?${encode({ 'match[]': METRIC })}&${span}` },
  'all label values': { path: `/api/v1/label/path/values?${span}` },
  'label values of matching series': { path: `/api/v1/label/path/values?${encode({ 'match[]': METRIC })}&${span}` },
};

function quantiles(latencies) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (q) => (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN).toFixed(1);
  return `${at(0.5).padStart(6)} ${at(0.99).padStart(6)} ${at(1).padStart(6)}`;
}

async function measure(name, heavy) {
  let isOver = false;
  const healthy = [];
  const writes = [];
  const probes = [
    (async () => {
      while (!isOver) {
        healthy.push((await send('/-/healthy')).ms);
        await sleep(3);
      }
    })(),
    (async () => {
      for (let i = 0; !isOver; i++) {
        const started = performance.now();
        await write([{ labels: ['__name__', 'probe'], samples: [{ timestampMs: Date.now(), value: i }] }]);
        writes.push(performance.now() - started);
        await sleep(7);
      }
    })(),
  ];
  const times = [];
  let last = { status: 0, bytes: 0, text: '' };
  const until = performance.now() + seconds * 1000;
  do {
    if (heavy === undefined) await sleep(seconds * 1000);
    else {
      const form = heavy.body && { 'content-type': 'application/x-www-form-urlencoded' };
      last = await send(heavy.path, heavy.body ? { method: 'POST', body: heavy.body, headers: form } : {});
      times.push(last.ms);
    }
  } while (performance.now() < until);
  isOver = true;
  await Promise.all(probes);
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1] / 1024;
  const what =
    heavy &&
    `${times.length} x ${(times.reduce((a, b) => a + b, 0) / times.length).toFixed(0)} ms, ${last.status}, ${(last.bytes / 1e6).toFixed(1)} MB`;
  console.log(
    `${name.padEnd(34)} ${quantiles(healthy)} | ${quantiles(writes)} | RSS ${rss.toFixed(0)} MB | ${what ?? ''}`,
  );
  if (last.status >= 400) console.log(`  ${last.text}`);
}

const folder = mkdtempSync(join(tmpdir(), 'query-fairness-'));
const config = join(folder, 'prometheus.yaml');
writeFileSync(config, `storage:\n  type: SlateDb\n  path: ts\n  object_store: {type: Local, path: ${folder}/data}\n`);
const command = new URL('../node_modules/.bin/opendata-timeseries', import.meta.url).pathname;
const nodeFlags = options.inspect === undefined ? [] : [`--inspect=127.0.0.1:${options.inspect}`];
const server = spawn(process.execPath, [...nodeFlags, command, '--config', config, '--port', String(port)], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
try {
  for (
    let i = 0;
    i < 100 &&
    !(await send('/-/ready').then(
      ({ status }) => status === 200,
      () => false,
    ));
    i++
  )
    await sleep(100);
  const started = performance.now();
  await fill();
  console.log(
    `${seriesCount} series x ${sampleCount} samples in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  await sleep(3000);
  console.log(`${'milliseconds: p50, p99, max of'.padEnd(34)} healthy              | writes               |`);
  for (const [name, heavy] of Object.entries(CASES)) {
    if (options.only === undefined || name.includes(options.only)) await measure(name, heavy);
  }
} finally {
  agent.destroy();
  server.kill('SIGKILL');
  await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
}
