// What a million keys cost against one: node bench/log-keys.mjs [keys 1000000] [records 2000000]
// Durable appends of 100 records of 256 B on a folder, memory, opening after kill -9, counts, and the last records of any key;
// nothing is asked of the opened log before the first of the counts.
import { openLog } from 'opendata-log';
import { appendBody, inParallel, quantile, seeded, startLogServer } from './support/log-server.mjs';

const [keyCount = 1_000_000, records = 2_000_000] = process.argv.slice(2).map(Number);
const batchRecords = 100;
const probes = 3000;
const value = Buffer.alloc(256, 'some value or other, ');
const keyDigits = 7;
const keyName = (n) => `key-${String(n).padStart(keyDigits, '0')}`;
const print = (row) => console.log(JSON.stringify(row));

/**
 * A request over any keys. They are written over those of the request before, so that the client, which has to share the
 * processors with the server, does the same whatever the keys are.
 */
function rewritableRequest() {
  const key = Buffer.from(keyName(0));
  const body = appendBody(Array(batchRecords).fill(key), Array(batchRecords).fill(value), true);
  const places = [];
  for (let at = body.indexOf(key); at >= 0; at = body.indexOf(key, at + key.length)) places.push(at + key.length);
  return {
    body,
    setKey(index, number) {
      for (let digit = 1; digit <= keyDigits; digit++) {
        body[places[index] - digit] = 48 + (number % 10);
        number = Math.floor(number / 10);
      }
    },
  };
}

/** Appends `records` over `keys` keys: each key in turn, in an order of no meaning. */
async function load(log, keys) {
  const free = [];
  const cpuBefore = log.cpuS();
  const ownCpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await inParallel(8, records / batchRecords, async (n) => {
    const request = free.pop() ?? rewritableRequest();
    for (let i = 0; i < batchRecords; i++) request.setKey(i, ((n * batchRecords + i) * 7919) % keys);
    await log.append(request.body);
    free.push(request);
  });
  const tookS = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(ownCpuBefore);
  return {
    recordsPerS: Math.round(records / tookS),
    cpuUsPerRecord: Number((((log.cpuS() - cpuBefore) * 1e6) / records).toFixed(2)),
    clientCpuUsPerRecord: Number(((user + system) / records).toFixed(2)),
    rssMB: Math.round(log.rssMB()),
  };
}

/** Bytes of memory a key, with all keys in the segment that is not stored yet. */
async function headBytesOfKey(keys) {
  const used = () => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const grown = async (nameOf) => {
    const log = await openLog({ type: 'InMemory' }, { sealBytes: 2 ** 30, headBudgetBytes: 2 ** 31 });
    const before = used();
    for (let n = 0; n < keys; n += 1000) {
      await log.append(
        Array.from({ length: 1000 }, (_, i) => ({ key: Buffer.from(nameOf(n + i)), value: Buffer.alloc(16) })),
      );
    }
    const { headBytes } = log.stats();
    const bytes = used() - before;
    await log.close();
    return { bytes, headBytes };
  };
  const many = await grown((n) => keyName(1e6 + n));
  const one = await grown(() => keyName(1e6));
  return {
    headBytesAKey: Math.round((many.headBytes - one.headBytes) / keys),
    heapBytesAKey: globalThis.gc ? Math.round((many.bytes - one.bytes) / keys) : 'start node with --expose-gc',
  };
}

for (const round of [1, 2]) {
  for (const keys of [1, keyCount]) {
    const log = await startLogServer();
    print({ round, keys, ...(await load(log, keys)) });
    if (round === 2 && keys === keyCount) await probe(log);
    await log.stop();
  }
}
print({ keys: keyCount, ...(await headBytesOfKey(keyCount)) });

async function probe(log) {
  const random = seeded(3);
  await log.kill('SIGKILL');
  const startMs = performance.now();
  await log.restart();
  print({ openAfterKillMs: Math.round(performance.now() - startMs), rssMB: Math.round(log.rssMB()) });
  for (const round of [1, 2]) {
    for (const [what, pathOf] of [
      ['count of a random key', (key, from) => `/api/v1/log/count?key=${key}&start_seq=${from}`],
      ['last 10 of a random key', (key) => `/api/v1/log/scan?key=${key}&tail=10`],
      // What HTTP takes with this client, on this machine.
      ['nothing', () => '/-/healthy'],
    ]) {
      const latencies = [];
      for (let i = 0; i < probes; i++) {
        const key = keyName(Math.floor(random() * keyCount));
        const from = Math.floor(random() * records);
        const sentMs = performance.now();
        await log.get(pathOf(key, from));
        latencies.push(performance.now() - sentMs);
      }
      latencies.sort((a, b) => a - b);
      const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((q) => quantile(latencies, q));
      print({ what: `${what} over HTTP`, round, p50Ms, p99Ms, maxMs });
    }
  }
}
