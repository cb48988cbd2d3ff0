/*
 * Commits a second and latency of durable appends, by number of concurrent writers, on memory and on a folder.
 *
 *   npm run build && node bench/storage-commit.mjs [seconds per case]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '../packages/storage/dist/index.js';

const seconds = Number(process.argv[2] ?? 3);
const logger = { debug() {}, info() {}, warn: console.error, error: console.error };
const cases = [
  { writers: 1, sizeBytes: 300 },
  { writers: 64, sizeBytes: 300 },
  { writers: 256, sizeBytes: 300 },
  { writers: 8, sizeBytes: 50_000 },
];

console.log('store   writers  entry    entries/s  commits/s   MB/s   p50 ms  p99 ms  CPU us/entry');
for (const store of ['memory', 'folder', 'fsync']) for (const one of cases) await run(store, one);
await appendCost();

async function run(store, { writers, sizeBytes }) {
  const root = mkdtempSync(join(tmpdir(), 'storage-commit-'));
  const config =
    store === 'memory'
      ? { type: 'InMemory' }
      : { type: 'SlateDb', path: 'bench', object_store: { type: 'Local', path: root, fsync: store === 'fsync' } };
  const storage = await openStorage(config, { logger });
  for await (const _ of storage.journal.recover());
  const { journal } = storage;
  const entry = new Uint8Array(sizeBytes).map((_, index) => (index * 131) & 0xff);
  const latencies = [];
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const endMs = startedMs + seconds * 1000;
  const writer = async () => {
    while (performance.now() < endMs) {
      const beganMs = performance.now();
      await journal.committed(journal.append(1, entry));
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const elapsed = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)].toFixed(2);
  const count = latencies.length;
  console.log(
    `${store.padEnd(7)} ${pad(writers, 7)} ${pad(sizeBytes, 6)} ${pad(Math.round(count / elapsed), 12)}` +
      `${pad(Math.round(journal.durableGroup / elapsed), 11)} ${pad(((count * sizeBytes) / elapsed / 1e6).toFixed(1), 6)}` +
      `${pad(at(0.5), 9)}${pad(at(0.99), 8)}${pad(((user + system) / count).toFixed(1), 14)}`,
  );
  await storage.close();
  rmSync(root, { recursive: true, force: true });
}

function pad(value, width) {
  return String(value).padStart(width);
}

/** What an append costs beside the store: entries into groups, without committing. */
async function appendCost() {
  const storage = await openStorage({ type: 'InMemory', commit_interval_ms: 60_000 }, { logger, idleCommitMs: 60_000 });
  for await (const _ of storage.journal.recover());
  const { journal } = storage;
  const entry = new Uint8Array(300).fill(7);
  for (let round = 0; round < 5; round++) {
    const count = 20_000;
    const startedMs = performance.now();
    for (let index = 0; index < count; index++) journal.append(index & 1, entry);
    const elapsedMs = performance.now() - startedMs;
    console.log(`append of 300 bytes, two lanes in turn: ${((elapsedMs * 1000) / count).toFixed(3)} us`);
    await journal.flush();
  }
  await storage.close();
}
