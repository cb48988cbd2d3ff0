/*
 * The same load as naive-writers.mjs through the storage package: concurrent writers that go past the configured
 * max_unflushed_bytes, take `overloaded` for an answer and try again.
 *
 *   node storage-writers.mjs writers bytes-a-write settings-file total-bytes
 */
import { openStorage, silentLogger } from '@opendata/storage';

const [writers, sizeBytes, , totalBytes] = process.argv.slice(2).map(Number);
const storage = await openStorage({ type: 'InMemory', settings_path: process.argv[4] }, { logger: silentLogger });
for await (const _ of storage.journal.recover());
setInterval(() => process.stdout.write('turning\n'), 200).unref();

const { journal } = storage;
const entry = new Uint8Array(sizeBytes).fill(7);
let appended = 0;
let acknowledged = 0;
let overloaded = 0;
const writer = async (number) => {
  while (appended < totalBytes) {
    try {
      // Two appends for every wait, so that more is pending than there are writers.
      journal.append(number, entry);
      const group = journal.append(number, entry);
      appended += 2 * sizeBytes;
      await journal.committed(group);
      acknowledged += 2 * sizeBytes;
    } catch (error) {
      if (error.code !== 'overloaded') throw error;
      overloaded++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
};
await Promise.all(Array.from({ length: writers }, (_, number) => writer(number)));
const backpressure = storage.metrics().find(({ name }) => name === 'slatedb_db_backpressure_count_total');
await storage.close();
const backpressureCount = backpressure?.samples[0].value;
process.stdout.write(`done ${JSON.stringify({ appended, acknowledged, overloaded, backpressureCount })}\n`);
process.exit(0);
