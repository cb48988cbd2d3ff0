// Appends through sessions: node bench/log-session.mjs [sessions 1] [seconds 5] [durable|visible] [value bytes 256]
// Starts a server on a folder. Every record is a request of its own; the client holds 8192 of them in flight a session.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSessionAck, encodeAppendFrame, FrameReader, LOG_SESSION_CONTENT_TYPE } from '@opendata/wire';

const [sessions = '1', seconds = '5', durability = 'durable', valueBytes = '256'] = process.argv.slice(2);
const keyCount = 1000;
const framesPerWrite = 64;
const mostInFlight = 8192;

const folder = mkdtempSync(join(tmpdir(), 'log-session-'));
const bin = fileURLToPath(new URL('../packages/log/bin/opendata-log.js', import.meta.url));
const server = spawn(process.execPath, [bin, '--data-dir', folder, '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const port = await new Promise((resolve) => {
  let text = '';
  server.stdout.on('data', (chunk) => {
    text += chunk;
    const found = /"port":(\d+).*is ready/.exec(text);
    if (found) resolve(Number(found[1]));
  });
});

/** Some frames one behind the other, encoded before the clock starts. */
const writes = Array.from({ length: 64 }, (_, n) =>
  Buffer.concat(
    Array.from({ length: framesPerWrite }, (_, i) => {
      const key = Buffer.from(`key-${(n * framesPerWrite + i) % keyCount}`);
      const bytes = Buffer.concat([key, Buffer.alloc(Number(valueBytes), 120)]);
      const at = (value) => Uint32Array.of(value);
      const columns = {
        bytes,
        count: 1,
        keyStart: at(0),
        keyEnd: at(key.length),
        valueStart: at(key.length),
        valueEnd: at(bytes.length),
      };
      return encodeAppendFrame(columns, durability === 'durable');
    }),
  ),
);

const latencies = [];
let acknowledged = 0;
let acks = 0;

function run() {
  return new Promise((resolve, reject) => {
    const out = request({
      port,
      path: '/api/v1/log/session',
      method: 'POST',
      headers: { 'content-type': LOG_SESSION_CONTENT_TYPE },
    });
    out.flushHeaders();
    out.on('error', reject);
    let inFlight = 0;
    let n = 0;
    const sent = [];
    const endMs = performance.now() + Number(seconds) * 1000;
    const send = () => {
      while (inFlight < mostInFlight) {
        if (performance.now() > endMs) return void out.end();
        sent.push([performance.now(), framesPerWrite]);
        inFlight += framesPerWrite;
        out.write(writes[n++ % writes.length]);
      }
    };
    out.on('response', (response) => {
      const reader = new FrameReader(1 << 20);
      response.on('data', (chunk) => {
        reader.push(chunk);
        while (reader.next()) {
          const { frames, status, message } = decodeSessionAck(reader.bytes, reader.start, reader.end);
          if (status !== 0) return reject(new Error(message));
          acks++;
          acknowledged += frames;
          inFlight -= frames;
          for (let left = frames; left > 0; ) {
            const [first] = sent;
            const taken = Math.min(left, first[1]);
            first[1] -= taken;
            left -= taken;
            if (first[1] === 0) latencies.push(performance.now() - sent.shift()[0]);
          }
        }
        if (!out.writableEnded) send();
      });
      response.on('end', resolve);
      send();
    });
  });
}

const cpuOf = () => {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const startedMs = performance.now();
const cpuBefore = cpuOf();
await Promise.all(Array.from({ length: Number(sessions) }, run));
const tookS = (performance.now() - startedMs) / 1000;
latencies.sort((a, b) => a - b);
const quantile = (q) => latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))].toFixed(1);
console.log(
  JSON.stringify({
    sessions: Number(sessions),
    durability,
    valueBytes: Number(valueBytes),
    recordsPerS: Math.round(acknowledged / tookS),
    p50Ms: Number(quantile(0.5)),
    p99Ms: Number(quantile(0.99)),
    recordsPerAck: Math.round(acknowledged / acks),
    serverCpuUsPerRecord: Number((((cpuOf() - cpuBefore) * 1e6) / acknowledged).toFixed(2)),
  }),
);
server.kill('SIGTERM');
await new Promise((resolve) => server.on('close', resolve));
rmSync(folder, { recursive: true, force: true });
