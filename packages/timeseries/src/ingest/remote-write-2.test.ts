import { encodeWriteRequest2, snappyCompress } from '@opendata/wire';
import { expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';

const { newFolder, openDb } = useDatabases();

it('names a large series that is wrong in each of very many samples as often as is told, no more', async () => {
  const db = await openDb(newFolder());
  const labels = ['__name__', 'm', 'text', 'x'.repeat(60_000)];
  const samples = Array.from({ length: 500_000 }, (_, i) => ({ timestampMs: NOW + 1e9 + i, value: i }));
  const good = { timestampMs: NOW, value: 1 };
  const body = snappyCompress(encodeWriteRequest2([{ labels, samples: [...samples, good] }]));
  const { samples: stored, refused, faults } = db.remoteWrite2(body);
  expect([stored, refused, faults.length, faults.at(-1)]).toEqual([1, 500_000, 101, 'and more']);
  expect(faults[0]).toMatch(
    /^out of bounds: timestamp \d+ is more than 10 minutes in the future for series \{__name__="m", /,
  );
});
