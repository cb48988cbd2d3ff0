/**
 * Preloaded into a server (`node --import`): says how long the server's thread works without a turn of the event loop, by
 * its own CPU time, with the functions that it was in. Asked over the process' channel: `{begin: {}}`, then `{end: {}}`.
 */
import { openSync, readSync } from 'node:fs';
import { Session } from 'node:inspector';
import { PerformanceObserver } from 'node:perf_hooks';

const LEAST_MS = 4;
const KEPT = 400;
const PROFILED = 1;
const FRAMES = 12;
/** Functions that are in nearly all samples only lead to the others. */
const CALLER_SHARE = 0.93;

const statistics = openSync('/proc/thread-self/schedstat', 'r');
const buffer = Buffer.alloc(64);
/** CPU time of this thread, ms. */
function cpuMs() {
  const length = readSync(statistics, buffer, 0, buffer.length, 0);
  return Number(buffer.latin1Slice(0, length).split(' ', 1)[0]) / 1e6;
}

const session = new Session();
session.connect();
const post = (method, parameters) =>
  new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result)));
  });

let isRunning = false;
let stretches = [];
let pauses = [];
let last = { cpu: 0, wall: 0 };
new PerformanceObserver((list) => {
  if (isRunning) for (const { startTime, duration } of list.getEntries()) pauses.push({ startTime, duration });
}).observe({ entryTypes: ['gc'] });

function turn() {
  if (!isRunning) return;
  const wall = performance.now();
  if (wall - last.wall >= LEAST_MS) {
    const cpu = cpuMs();
    if (cpu - last.cpu >= LEAST_MS) {
      stretches.push({ fromMs: last.wall, toMs: wall, cpuMs: cpu - last.cpu });
      if (stretches.length > 2 * KEPT) stretches = stretches.sort((a, b) => b.cpuMs - a.cpuMs).slice(0, KEPT);
    }
    last = { cpu: cpuMs(), wall: performance.now() };
  } else last = { cpu: cpuMs(), wall };
  setImmediate(turn);
}

async function begin() {
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: 250 });
  await post('Profiler.start');
  stretches = [];
  pauses = [];
  isRunning = true;
  last = { cpu: cpuMs(), wall: performance.now() };
  setImmediate(turn);
}

async function end() {
  isRunning = false;
  const { profile } = await post('Profiler.stop');
  const offsetUs = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000;
  stretches.sort((a, b) => b.cpuMs - a.cpuMs);
  const inside = ({ fromMs, toMs }) => pauses.filter((p) => p.startTime >= fromMs - 1 && p.startTime <= toMs);
  return {
    over10: stretches.filter(({ cpuMs: ms }) => ms > 10).length,
    longest: stretches.slice(0, 5).map((stretch, i) => ({
      cpuMs: stretch.cpuMs,
      wallMs: stretch.toMs - stretch.fromMs,
      gcMs: inside(stretch).reduce((sum, { duration }) => sum + duration, 0),
      at: i < PROFILED ? hotPaths(profile, stretch.fromMs * 1000 + offsetUs, stretch.toMs * 1000 + offsetUs) : [],
    })),
  };
}

/** The functions in which the samples between two times were, callers included, with their share. */
function hotPaths(profile, fromUs, toUs) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map();
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id);
  const totals = new Map();
  let at = profile.startTime;
  let samples = 0;
  for (const [i, id] of profile.samples.entries()) {
    at += profile.timeDeltas[i];
    if (at < fromUs || at > toUs) continue;
    samples++;
    const seen = new Set();
    for (let node = id, depth = 0; node !== undefined; node = parents.get(node), depth++) {
      const { functionName, url, lineNumber } = nodes.get(node).callFrame;
      const name = `${functionName || '?'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
      if (seen.has(name)) continue;
      seen.add(name);
      const entry = totals.get(name) ?? { own: 0, all: 0 };
      entry.all++;
      if (depth === 0) entry.own++;
      totals.set(name, entry);
    }
  }
  return [...totals]
    .filter(([, { all, own }]) => all < samples * CALLER_SHARE || own > samples / 20)
    .sort((a, b) => b[1].all - a[1].all)
    .slice(0, FRAMES)
    .map(
      ([name, { all, own }]) => `${Math.round((100 * all) / samples)}% (${Math.round((100 * own) / samples)}) ${name}`,
    );
}

process.on('message', ({ begin: asked, end: finished }) => {
  if (asked) begin().then(() => process.send({ begun: true }));
  if (finished) end().then((result) => process.send(result));
});
process.channel.unref();
