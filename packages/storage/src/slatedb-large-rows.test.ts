import { DbBuilder, ObjectStore, WriteBatch } from '@slatedb/uniffi';
import { afterEach, describe, expect, it } from 'vitest';
import { largeRowBytes, largeRowPut } from './slatedb-large-rows.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openDb() {
  const builder = new DbBuilder('rows', ObjectStore.resolve('memory:///'));
  const db = await builder.build();
  cleanups.push(() => db.shutdown());
  return db;
}

function row(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = (at * 31 + (at >>> 8) + seed) & 0xff;
  return bytes;
}

describe('rows put on another thread', () => {
  const sizes = [0, 1, largeRowBytes, 128 * 1024 + 5, 4 * 1024 * 1024];

  it('are what was handed over, many at once and beside ordinary ones', async () => {
    const put = largeRowPut()!;
    expect(put).toBeDefined();
    const db = await openDb();
    const batch = new WriteBatch();
    const rows = sizes.flatMap((size, at) => [row(size, at), row(size, at + 100)]);
    const expected = rows.map((bytes) => bytes.slice());
    const pending = rows.map((bytes, at) => {
      const key = Uint8Array.of(1, at);
      if (at % 3 === 0) return batch.put(key, bytes);
      const done = put(batch, key, bytes);
      // The bytes were copied.
      bytes.fill(0xee);
      return done;
    });
    await Promise.all(pending);
    await db.write_with_options(batch, { await_durable: false });
    batch.dispose();
    for (const [at, bytes] of expected.entries()) {
      const stored = await db.get(Uint8Array.of(1, at));
      expect(Buffer.compare(stored!, bytes), `row ${at}`).toBe(0);
    }
  });

  it('outlive a batch that is given up meanwhile', async () => {
    const put = largeRowPut()!;
    for (let round = 0; round < 20; round++) {
      const batch = new WriteBatch();
      const pending = [1, 2, 3].map((key) => put(batch, Uint8Array.of(key), row(1024 * 1024, key)));
      batch.dispose();
      await Promise.all(pending);
      expect(() => put(batch, Uint8Array.of(1), row(1024, 1))).toThrow();
    }
  });
});
