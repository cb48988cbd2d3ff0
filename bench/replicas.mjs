/*
 * A writer and three read replicas on one bucket under load: how long after its acknowledgement a write is seen on each
 * of them, and what all of them cost.
 *
 *   npm run build && node bench/replicas.mjs [seconds] [refresh interval in ms]
 *
 * The load: 10,000 samples a second by remote write, durable, and two clients that query each replica without a pause.
 * A marker that is the time is written ten times a second, and each replica is asked for it every 20 ms.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeWriteRequest, snappyCompress } from '../packages/wire/dist/index.js';
import { startCountingProxy } from './support/counting-proxy.mjs';
import { freePort, root, testing } from './support/object-store-rig.mjs';
import { prices } from './support/s3-prices.mjs';

const seconds = Number(process.argv[2] ?? 60);
const intervalMs = Number(process.argv[3] ?? 1000);
const replicaCount = 3;
const seriesCount = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'opendata-replicas-'));
const s3 = await testing.startS3Server();
const started = [];
let isRunning = true;
try {
  const writer = await start('writer', '');
  const replicas = [];
  for (let i = 1; i <= replicaCount; i++) {
    replicas.push(await start(`replica ${i}`, `read_only: true\nreplica: {refresh_interval: ${intervalMs}ms}\n`));
  }
  const acknowledged = [];
  const lags = replicas.map(() => []);
  const counters = { samples: 0, queries: 0, failures: 0 };
  const work = [
    everySecond(() => writeLoad(writer, counters)),
    writeMarkers(writer, acknowledged),
    ...replicas.map((replica, i) => watchMarkers(replica, acknowledged, lags[i])),
    ...replicas.flatMap((replica) => [query(replica, counters), query(replica, counters)]),
  ];
  await sleep(5000);
  for (const lag of lags) lag.length = 0;
  for (const { proxy } of started) proxy.reset();
  const startedMs = performance.now();
  Object.assign(counters, { samples: 0, queries: 0, failures: 0 });
  await sleep(seconds * 1000);
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  isRunning = false;
  print(elapsedSeconds, lags, counters);
  await Promise.all(work);
} finally {
  for (const { child } of started) child.kill('SIGTERM');
  await Promise.all(started.map(({ exited }) => exited));
  for (const { proxy } of started) proxy.stop();
  await s3.destroy();
  rmSync(folder, { recursive: true, force: true });
}

async function start(name, more) {
  const proxy = await startCountingProxy(s3.endpoint);
  const port = await freePort();
  const file = join(folder, `${name.replace(' ', '-')}.yaml`);
  writeFileSync(
    file,
    `${more}storage:
  type: SlateDb
  path: timeseries
  object_store: {type: Aws, region: us-east-1, bucket: ${s3.bucket}}
`,
  );
  const child = spawn(
    process.execPath,
    [join(root, 'packages/timeseries/bin/opendata-timeseries.js'), '--config', file, '--port', String(port)],
    {
      cwd: folder,
      env: { ...process.env, ...s3.env, AWS_ENDPOINT_URL: proxy.endpoint, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const exited = new Promise((resolve) => child.once('close', resolve));
  const url = `http://127.0.0.1:${port}`;
  started.push({ name, child, exited, proxy, url });
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) await sleep(100);
  return url;
}

async function everySecond(action) {
  while (isRunning) {
    const startedMs = performance.now();
    await action();
    await sleep(Math.max(0, 1000 - (performance.now() - startedMs)));
  }
}

async function writeLoad(url, counters) {
  const timestampMs = Date.now();
  const series = Array.from({ length: seriesCount }, (_, i) => ({
    labels: ['__name__', 'load_total', 'worker', `w${i}`],
    samples: [{ timestampMs, value: timestampMs / 1000 + i }],
  }));
  if (await write(url, series)) counters.samples += seriesCount;
  else counters.failures++;
}

async function writeMarkers(url, acknowledged) {
  while (isRunning) {
    const timestampMs = Date.now();
    const samples = [{ timestampMs, value: timestampMs }];
    if (await write(url, [{ labels: ['__name__', 'marker'], samples }])) {
      acknowledged.push({ value: timestampMs, atMs: performance.now() });
    }
    await sleep(100);
  }
}

/** For each marker the time from its acknowledgement to the first answer that has it; 0 where it was seen before. */
async function watchMarkers(url, acknowledged, lags) {
  let next = 0;
  while (isRunning) {
    const newest = Number((await ask(url, 'marker'))?.[0]?.value[1] ?? 0);
    const nowMs = performance.now();
    for (; next < acknowledged.length && acknowledged[next].value <= newest; next++) {
      lags.push(Math.max(0, nowMs - acknowledged[next].atMs));
    }
    await sleep(20);
  }
}

async function query(url, counters) {
  while (isRunning) {
    if ((await ask(url, 'sum(rate(load_total[1m]))')) === undefined) counters.failures++;
    else counters.queries++;
  }
}

async function ask(url, expression) {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expression })}`).catch(
    () => undefined,
  );
  if (response?.ok !== true) return undefined;
  return (await response.json()).data.result;
}

async function write(url, series) {
  const body = snappyCompress(encodeWriteRequest({ series }));
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
  const response = await fetch(`${url}/api/v1/write`, { method: 'POST', headers, body });
  await response.text();
  return response.ok;
}

function print(elapsedSeconds, lags, { samples, queries, failures }) {
  const rate = (count) => Math.round(count / elapsedSeconds);
  console.log(
    `${rate(samples)} samples/s written, ${rate(queries)} queries/s on ${replicaCount} replicas, ${failures} failures`,
  );
  console.log(`\nfrom the acknowledgement of a write until a replica shows it, refresh interval ${intervalMs} ms`);
  for (const [i, lag] of lags.entries()) {
    lag.sort((a, b) => a - b);
    const at = (share) => Math.round(lag[Math.min(lag.length - 1, Math.floor(share * lag.length))] ?? Number.NaN);
    const late = lag.filter((ms) => ms > 2 * intervalMs).length;
    console.log(
      `replica ${i + 1}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms; ${late} of ${lag.length} over twice the interval`,
    );
  }
  console.log('\nrequests an hour         PUT     LIST      GET   DELETE   dollars an hour   30 days');
  for (const { name, proxy } of started) {
    const hourly = { PUT: 0, LIST: 0, GET: 0, DELETE: 0 };
    for (const [key, { requests }] of proxy.counts) hourly[key.split(' ')[0]] += (requests * 3600) / elapsedSeconds;
    const dollars = Object.entries(hourly).reduce((sum, [operation, count]) => sum + count * prices[operation], 0);
    const cells = Object.values(hourly).map((count) => String(Math.round(count)).padStart(9));
    console.log(
      `${name.padEnd(19)}${cells.join('')}${dollars.toFixed(4).padStart(18)}${(dollars * 720).toFixed(2).padStart(10)}`,
    );
  }
}
