/*
 * What the store bills for the default chart configuration: runs the server for some real minutes against an S3 server
 * behind a counting proxy, idle (it scrapes itself) and under a typical load (10 targets with 1,000 series each, scraped
 * every 15 s), and extrapolates. What happens once an hour, the sealing of a window, is made to happen and counted apart.
 *
 *   npm run build && node bench/cost.mjs [minutes of measurement] [warm-up in minutes]
 *
 * The same without extrapolation: every interval of the configuration shortened by the same factor, idle, so that a day
 * with its windows, merges and compactions goes by in some minutes.
 *
 *   node bench/cost.mjs simulate [hours] [factor]
 *
 * A look at the store takes its time, 10 to 20 ms here, on top of the interval between two: at 60 times the speed that
 * makes a fifth fewer of them, at 16 times (the default) 4 %.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCountingProxy } from './support/counting-proxy.mjs';
import { freePort, root, testing } from './support/object-store-rig.mjs';
import { prices } from './support/s3-prices.mjs';

/** What docs/cost.md says of an idle server with the chart's defaults: requests an hour. */
const documented = {
  'LIST manifest': 1860,
  'LIST compactions': 840,
  'LIST wal': 60,
  'LIST compacted': 60,
  'PUT wal': 244,
  'PUT manifest': 8,
  'PUT compacted': 6,
  'PUT compactions': 4,
  'GET compacted': 12,
  'GET manifest': 10,
  'GET compactions': 1,
};

const isSimulation = process.argv[2] === 'simulate';
const [first, second] = process.argv.slice(isSimulation ? 3 : 2).map(Number);
const simulated = isSimulation ? { hours: first ?? 24, speed: second ?? 16 } : undefined;
const speed = simulated?.speed ?? 1;
const minutes = simulated === undefined ? (first ?? 10) : (simulated.hours * 60) / speed;
const warmUpMinutes = simulated === undefined ? (second ?? 1) : 5 / speed;
const targets = 10;
const seriesPerTarget = 1000;

const cases = [['idle', 0], ...(simulated === undefined ? [['10 targets x 1,000 series at 15 s', targets]] : [])];
const reports = await Promise.all(cases.map(([name, targetCount]) => measure(name, targetCount)));
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
    const hours = ((performance.now() - startedMs) * speed) / 3_600_000;
    const steady = copyOf(proxy.counts);
    if (simulated !== undefined) return { name, hours, steady, sealing: new Map() };
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
    scrape_interval: ${quick(15_000)}
    static_configs:
      - targets: [${exporters.map(({ address }) => `'${address}'`).join(', ')}]`;
  const shortened = `head: {window: ${quick(3_600_000)}, late_grace: ${quick(120_000)}}
flush_interval_secs: ${Math.max(0.1, 5 / speed)}
`;
  return `${speed === 1 ? '' : shortened}global:
  scrape_interval: ${quick(30_000)}
  scrape_timeout: ${quick(10_000)}
scrape_configs:
  - job_name: "timeseries-self"
    scrape_interval: ${quick(15_000)}
    static_configs:
      - targets: ["localhost:${port}"]${exporters.length > 0 ? job : ''}
storage:
  type: SlateDb
  path: timeseries
  object_store: {type: Aws, region: us-east-1, bucket: ${bucket}}
  settings_path: ${folder}/slatedb.yaml
  commit_interval_ms: ${Math.round(100 / speed)}
`;
}

/** A duration of the default configuration, as short as the simulation makes it. */
function quick(ms) {
  return `${Math.max(1, Math.round(ms / speed))}ms`;
}

function slateSettings(folder) {
  const settings = testing.guideSettings.replace('root_folder: /cache', `root_folder: ${folder}/cache`);
  if (speed === 1) return settings;
  const shortened = settings.replace(/'(\d+)s'/g, (_, seconds) => `'${quick(seconds * 1000)}'`);
  return `manifest_poll_interval: '${quick(5000)}'
${shortened.replace('compactor_options:', `compactor_options:\n  poll_interval: '${quick(5000)}'`)}`;
}

function print({ name, hours, steady, sealing }) {
  console.log(`\n${name}, ${(hours * 60).toFixed(1)} minutes ${simulated ? 'simulated' : 'measured'}`);
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
  if (name === 'idle') compare(hourly, total.dollars);
  if (sealing.size === 0) return;
  const sealed = [...sealing].map(([key, { requests }]) => `${key} ${requests}`).join(', ');
  console.log(`of that, sealing one window: ${sealed}`);
}

/** The sums of requests that are billed, and of dollars, against the documented ones. */
function compare(hourly, dollars) {
  const billed = [...hourly].reduce(
    (sum, [key, { requests }]) => sum + (prices[key.split(' ')[0]] > 0 ? requests : 0),
    0,
  );
  const said = Object.values(documented).reduce((sum, requests) => sum + requests, 0);
  const saidDollars = Object.entries(documented).reduce(
    (sum, [key, requests]) => sum + dollarsADay(key, { requests }),
    0,
  );
  const off = (found, expected) => `${(100 * (found / expected - 1)).toFixed(1)} %`;
  console.log(`documented: ${said} billed an hour, $${saidDollars.toFixed(4)} a day`);
  console.log(`found: ${off(billed, said)} in requests, ${off(dollars, saidDollars)} in dollars`);
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
