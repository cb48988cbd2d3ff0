/*
 * A writer and three read replicas on one bucket under load: how long after its acknowledgement a write is seen on each
 * of them, and what all of them cost.
 *
 *   npm run build && node bench/replicas.mjs [timeseries|log] [seconds] [refresh interval in ms] [queries a second]
 *
 * The load: 10,000 samples or records a second, durable, and two clients that query each replica, together so often a
 * second, or without a pause where nothing is said. A marker that is the time is written ten times a second, and each
 * replica is asked for it every 20 ms.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCountedStore } from './support/counted-store.mjs';
import { freePort, root } from './support/object-store-rig.mjs';
import { replicaLoads } from './support/replica-loads.mjs';
import { prices } from './support/s3-prices.mjs';

const load = replicaLoads[process.argv[2] ?? 'timeseries'];
const [seconds = 60, intervalMs = 1000, queriesASecond = Number.POSITIVE_INFINITY] = process.argv.slice(3).map(Number);
const replicaCount = 3;
const clientsOfReplica = 2;

const folder = mkdtempSync(join(tmpdir(), 'opendata-replicas-'));
const s3 = await startCountedStore();
const started = [];
let isRunning = true;
try {
  const writer = await start('writer', '', []);
  const replicas = [];
  for (let i = 1; i <= replicaCount; i++) {
    const config = `${load.readOnly.config}replica: {refresh_interval: ${intervalMs}ms}\n`;
    replicas.push(await start(`replica ${i}`, config, load.readOnly.args));
  }
  const acknowledged = [];
  const lags = replicas.map(() => []);
  const counters = { written: 0, queries: 0, failures: 0 };
  const work = [
    everySecond(() => writeLoad(writer, counters)),
    writeMarkers(writer, acknowledged),
    ...replicas.map((replica, i) => watchMarkers(replica, acknowledged, lags[i])),
    ...replicas.flatMap((replica) => Array.from({ length: clientsOfReplica }, () => query(replica, counters))),
  ];
  await sleep(5000);
  for (const lag of lags) lag.length = 0;
  await Promise.all(started.map(({ proxy }) => proxy.reset()));
  const startedMs = performance.now();
  Object.assign(counters, { written: 0, queries: 0, failures: 0 });
  await sleep(seconds * 1000);
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  isRunning = false;
  const counts = await Promise.all(started.map(({ proxy }) => proxy.counts()));
  print(elapsedSeconds, lags, counters, counts);
  await Promise.all(work);
} finally {
  for (const { child } of started) child.kill('SIGTERM');
  await Promise.all(started.map(({ exited }) => exited));
  await s3.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function start(name, more, args) {
  const proxy = await s3.addProxy();
  const port = await freePort();
  const file = join(folder, `${name.replace(' ', '-')}.yaml`);
  writeFileSync(
    file,
    `${more}storage:
  type: SlateDb
  path: bench
  object_store: {type: Aws, region: us-east-1, bucket: ${s3.bucket}}
`,
  );
  const child = spawn(process.execPath, [join(root, load.bin), '--config', file, '--port', String(port), ...args], {
    cwd: folder,
    env: { ...process.env, ...s3.env, AWS_ENDPOINT_URL: proxy.endpoint, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
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
  if (await load.writeLoad(url)) counters.written += load.writesASecond;
  else counters.failures++;
}

async function writeMarkers(url, acknowledged) {
  while (isRunning) {
    const value = Date.now();
    if (await load.writeMarker(url, value)) acknowledged.push({ value, atMs: performance.now() });
    await sleep(100);
  }
}

/** For each marker the time from its acknowledgement to the first answer that has it; 0 where it was seen before. */
async function watchMarkers(url, acknowledged, lags) {
  let next = 0;
  while (isRunning) {
    const newest = await load.newestMarker(url);
    const nowMs = performance.now();
    for (; next < acknowledged.length && acknowledged[next].value <= newest; next++) {
      lags.push(Math.max(0, nowMs - acknowledged[next].atMs));
    }
    await sleep(20);
  }
}

async function query(url, counters) {
  while (isRunning) {
    const startedMs = performance.now();
    if (await load.query(url)) counters.queries++;
    else counters.failures++;
    const pauseMs = (clientsOfReplica * 1000) / queriesASecond - (performance.now() - startedMs);
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

function print(elapsedSeconds, lags, { written, queries, failures }, counts) {
  const rate = (count) => Math.round(count / elapsedSeconds);
  console.log(
    `${rate(written)} ${load.unit}/s written, ${rate(queries)} queries/s on ${replicaCount} replicas, ${failures} failures`,
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
  for (const [i, { name }] of started.entries()) {
    const hourly = { PUT: 0, LIST: 0, GET: 0, DELETE: 0 };
    for (const [key, { requests }] of counts[i]) hourly[key.split(' ')[0]] += (requests * 3600) / elapsedSeconds;
    const dollars = Object.entries(hourly).reduce((sum, [operation, count]) => sum + count * prices[operation], 0);
    const cells = Object.values(hourly).map((count) => String(Math.round(count)).padStart(9));
    console.log(
      `${name.padEnd(19)}${cells.join('')}${dollars.toFixed(4).padStart(18)}${(dollars * 720).toFixed(2).padStart(10)}`,
    );
  }
}
