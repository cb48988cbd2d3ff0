/*
 * What the store bills for the default chart configuration: runs the server for some real minutes against an S3 server
 * behind a counting proxy, idle (it scrapes itself) and under a typical load (10 targets with 1,000 series each, scraped
 * every 15 s), and extrapolates. What happens once an hour, the sealing of a window, is made to happen and counted apart.
 *
 *   npm run build && node bench/cost.mjs [minutes of measurement] [warm-up in minutes]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { startCountingProxy } from './support/counting-proxy.mjs';

/** List prices of S3 Standard in us-west-2 and us-east-1, US dollars, of November 2026; transfer inside a region is free. */
const prices = { PUT: 0.005 / 1000, LIST: 0.005 / 1000, GET: 0.0004 / 1000, DELETE: 0, gigabyteMonth: 0.023 };

const minutes = Number(process.argv[2] ?? 10);
const warmUpMinutes = Number(process.argv[3] ?? 1);
const targets = 10;
const seriesPerTarget = 1000;
const root = new URL('..', import.meta.url).pathname;
const { module: testing } = await runnerImport(join(root, 'packages/storage/src/testing/index.testing.ts'), {
  root,
  logLevel: 'silent',
});

const reports = await Promise.all([measure('idle', 0), measure('10 targets x 1,000 series at 15 s', targets)]);
for (const report of reports) print(report);

async function measure(name, targetCount) {
  const folder = mkdtempSync(join(tmpdir(), 'opendata-cost-'));
  const s3 = await testing.startS3Server();
  const proxy = await startCountingProxy(s3.endpoint);
  const exporters = await Promise.all(Array.from({ length: targetCount }, startExporter));
  const port = await freePort();
  writeFileSync(join(folder, 'slatedb.yaml'), slateSettings(folder));
  writeFileSync(join(folder, 'prometheus.yaml'), configuration(folder, s3.bucket, port, exporters));
  const server = spawn(
    process.execPath,
    [
      join(root, 'packages/timeseries/bin/opendata-timeseries.js'),
      '--config',
      'prometheus.yaml',
      '--port',
      String(port),
    ],
    {
      cwd: folder,
      env: { ...process.env, ...s3.env, AWS_ENDPOINT_URL: proxy.endpoint, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const url = `http://127.0.0.1:${port}`;
  try {
    while (
      !(await fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await sleep(100);
    await sleep(warmUpMinutes * 60_000);
    proxy.reset();
    const startedMs = performance.now();
    await sleep(minutes * 60_000);
    const hours = (performance.now() - startedMs) / 3_600_000;
    const steady = copyOf(proxy.counts);
    proxy.reset();
    const beganMs = performance.now();
    await (await fetch(`${url}/-/flush?all=true`, { method: 'POST' })).text();
    const sealing = without(copyOf(proxy.counts), steady, (performance.now() - beganMs) / 3_600_000 / hours);
    return { name, hours, steady, sealing };
  } finally {
    server.kill('SIGTERM');
    await new Promise((resolve) => server.once('close', resolve));
    proxy.stop();
    for (const exporter of exporters) exporter.close();
    await s3.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A target whose series move a little with every scrape. */
async function startExporter() {
  let scrapes = 0;
  const server = createServer((_, response) => {
    scrapes++;
    const lines = ['# TYPE work_done_total counter'];
    for (let i = 0; i < seriesPerTarget; i++) {
      lines.push(`work_done_total{worker="w${i}",zone="z${i % 7}"} ${scrapes * (i + 3) + ((scrapes * 7919 * i) % 13)}`);
    }
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`${lines.join('\n')}\n`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The ConfigMap of `charts/opendata-timeseries` with its default values; only addresses and folders differ. */
function configuration(folder, bucket, port, exporters) {
  const job = `
  - job_name: work
    scrape_interval: 15s
    static_configs:
      - targets: [${exporters.map(({ address }) => `'${address}'`).join(', ')}]`;
  return `global:
  scrape_interval: 30s
scrape_configs:
  - job_name: "timeseries-self"
    scrape_interval: 15s
    static_configs:
      - targets: ["localhost:${port}"]${exporters.length > 0 ? job : ''}
storage:
  type: SlateDb
  path: timeseries
  object_store: {type: Aws, region: us-east-1, bucket: ${bucket}}
  settings_path: ${folder}/slatedb.yaml
`;
}

function slateSettings(folder) {
  return testing.guideSettings.replace('root_folder: /cache', `root_folder: ${folder}/cache`);
}

function print({ name, hours, steady, sealing }) {
  console.log(`\n${name}, ${(hours * 60).toFixed(1)} minutes measured`);
  console.log('                              an hour                    a day');
  console.log('operation              requests   MB out    MB in   requests  US dollars');
  const hourly = new Map();
  for (const [key, count] of steady) add(hourly, key, count, 1 / hours);
  for (const [key, count] of sealing) add(hourly, key, count, 1);
  const byOperation = new Map();
  for (const [key, count] of hourly) add(byOperation, key.split(' ')[0], count, 1);
  const total = { requests: 0, sentBytes: 0, receivedBytes: 0, dollars: 0 };
  for (const [key, count] of [...hourly].sort()) {
    line(key, count, dollarsADay(key, count));
  }
  console.log('-'.repeat(71));
  for (const [key, count] of [...byOperation].sort()) {
    line(key, count, dollarsADay(key, count));
    for (const field of ['requests', 'sentBytes', 'receivedBytes']) total[field] += count[field];
    total.dollars += dollarsADay(key, count);
  }
  line('all', total, total.dollars);
  console.log(`an hour: $${(total.dollars / 24).toFixed(4)}, 30 days: $${(total.dollars * 30).toFixed(2)}`);
  const sealed = [...sealing].map(([key, { requests }]) => `${key} ${requests}`).join(', ');
  console.log(`of that, sealing one window: ${sealed}`);
}

function line(key, { requests, sentBytes, receivedBytes }, dollars) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(2).padStart(9);
  console.log(
    key.padEnd(20) +
      Math.round(requests).toString().padStart(11) +
      megabytes(sentBytes) +
      megabytes(receivedBytes) +
      Math.round(requests * 24)
        .toString()
        .padStart(11) +
      dollars.toFixed(4).padStart(12),
  );
}

function dollarsADay(key, { requests }) {
  return requests * 24 * prices[key.split(' ')[0]];
}

function add(sums, key, count, factor) {
  const sum = sums.get(key) ?? { requests: 0, sentBytes: 0, receivedBytes: 0 };
  for (const field of Object.keys(sum)) sum[field] += count[field] * factor;
  sums.set(key, sum);
}

/** What was there besides the steady part of the time that it took. */
function without(counts, steady, share) {
  for (const [key, count] of counts) {
    for (const field of Object.keys(count)) {
      count[field] = Math.max(0, Math.round(count[field] - (steady.get(key)?.[field] ?? 0) * share));
    }
  }
  return counts;
}

function copyOf(counts) {
  return new Map([...counts].map(([key, count]) => [key, { ...count }]));
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
