import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeAppendRequest } from '@opendata/wire';

const bin = fileURLToPath(new URL('../../packages/log/bin/opendata-log.js', import.meta.url));
const protobuf = 'application/protobuf';

/** An `opendata-log` on a folder of its own, and a lean client for it. `restart` starts it again on the same folder. */
export async function startLogServer() {
  const folder = mkdtempSync(join(tmpdir(), 'log-bench-'));
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let server;
  let port;

  async function restart() {
    server = spawn(process.execPath, [bin, '--data-dir', folder, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    port = await new Promise((resolve, reject) => {
      let text = '';
      server.on('exit', (code) => reject(new Error(`the server ended: ${code}\n${text.slice(-2000)}`)));
      server.stdout.on('data', (chunk) => {
        text = (text + chunk).slice(-20_000);
        const found = /"port":(\d+).*is ready/.exec(text);
        if (found) resolve(Number(found[1]));
      });
    });
  }

  async function kill(signal) {
    const exited = new Promise((resolve) => server.on('close', resolve));
    server.kill(signal);
    await exited;
  }

  function call(method, path, body) {
    return new Promise((resolve, reject) => {
      const headers = { accept: protobuf, ...(body && { 'content-type': protobuf, 'content-length': body.length }) };
      const out = request({ agent, port, method, path, headers }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => {
          const bytes = Buffer.concat(chunks);
          if (answer.statusCode === 200) resolve(bytes);
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${bytes.toString('utf8').slice(0, 200)}`));
        });
      });
      out.on('error', reject);
      out.end(body);
    });
  }

  await restart();
  return {
    restart,
    kill,
    get: (path) => call('GET', path),
    append: (body) => call('POST', '/api/v1/log/append', body),
    /** The sum of all samples of a metric, by the labels that `pick` lets through. */
    async metric(name, pick = () => true) {
      let sum = 0;
      for (const line of (await call('GET', '/metrics')).toString().split('\n')) {
        const found = /^(\w+)(\{[^}]*\})? (\S+)/.exec(line);
        if (found?.[1] === name && pick(found[2] ?? '')) sum += Number(found[3]);
      }
      return sum;
    },
    cpuS() {
      const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    rssMB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024,
    async stop() {
      agent.destroy();
      if (server.exitCode === null && server.signalCode === null) await kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An append of `keys[i]` with the value of the same place. */
export function appendBody(keys, values, awaitDurable) {
  const count = keys.length;
  const [keyStart, keyEnd, valueStart, valueEnd] = Array.from({ length: 4 }, () => new Uint32Array(count));
  const parts = [];
  let at = 0;
  const add = (bytes, starts, ends, i) => {
    starts[i] = at;
    at += bytes.length;
    ends[i] = at;
    parts.push(bytes);
  };
  for (let i = 0; i < count; i++) {
    add(keys[i], keyStart, keyEnd, i);
    add(values[i], valueStart, valueEnd, i);
  }
  const columns = { bytes: Buffer.concat(parts, at), count, keyStart, keyEnd, valueStart, valueEnd };
  return Buffer.from(encodeAppendRequest('protobuf', columns, awaitDurable));
}

/** Runs `task(n)` for n = 0 … count - 1, so many at a time. */
export async function inParallel(lanes, count, task) {
  let next = 0;
  const lane = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Starts `task(n)` at its due time, whatever became of those before; ms from the due time to the end, sorted. */
export function openLoop(ratePerS, seconds, task) {
  const latencies = [];
  const total = Math.round(ratePerS * seconds);
  const startMs = performance.now();
  let started = 0;
  return new Promise((resolve, reject) => {
    let open = 0;
    const begin = (n) => {
      const dueMs = startMs + (n * 1000) / ratePerS;
      open++;
      task(n).then(() => {
        latencies.push(performance.now() - dueMs);
        if (--open === 0 && started === total) resolve(latencies.sort((a, b) => a - b));
      }, reject);
    };
    const timer = setInterval(() => {
      const nowMs = performance.now();
      while (started < total && startMs + (started * 1000) / ratePerS <= nowMs) begin(started++);
      if (started === total) clearInterval(timer);
    }, 1);
  });
}

export const quantile = (sorted, q) =>
  Number(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]?.toFixed(2) ?? Number.NaN);

/** A generator of numbers below 1, the same for every run. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
