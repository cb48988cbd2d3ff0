/*
 * What the storage package must never do: many durable writes at a time through the binding itself, over SlateDB's own
 * limit of unflushed bytes. Writes a line every 200 ms while the event loop turns.
 *
 *   node naive-writers.mjs writers bytes-a-write limit-bytes total-bytes
 */
import { DbBuilder, ObjectStore, Settings } from '@slatedb/uniffi';

const [writers, sizeBytes, limitBytes, totalBytes] = process.argv.slice(2).map(Number);
const store = ObjectStore.resolve('memory:///');
const settings = Settings.default();
settings.set('max_unflushed_bytes', String(limitBytes));
const builder = new DbBuilder('naive', store);
builder.with_settings(settings);
const db = await builder.build();
setInterval(() => process.stdout.write('turning\n'), 200).unref();

let written = 0;
const value = new Uint8Array(sizeBytes).fill(7);
const writer = async (number) => {
  for (let index = 0; written < totalBytes; index++) {
    written += sizeBytes;
    const key = Buffer.from(`${number}/${index}`);
    await db.put_with_options(key, value, { ttl: { tag: 'Default' } }, { await_durable: number % 2 === 0 });
  }
};
await Promise.all(Array.from({ length: writers }, (_, number) => writer(number)));
process.stdout.write('done\n');
process.exit(0);
