import { encodeWriteRequest2, snappyCompress, type WriteRequest2Series } from '@opendata/wire';
import { expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';
import type { TimeSeriesDb } from '../db.ts';
import { expectOneMoment, valuesOf } from './large-writes.testing.ts';
import type { RemoteWrite2Result } from './remote-write-2.ts';

const { newFolder, openDb } = useDatabases();
/** So many series are stored in turns. */
const MANY = 10_000;

interface Options {
  readonly first?: number;
  readonly value?: number;
  /** The place of a series that has no metric name, and of one without samples. */
  readonly wrong?: readonly number[];
}

function request(count: number, { first = 0, value = 1, wrong = [] }: Options = {}): Buffer {
  const series = Array.from({ length: count }, (_, i): WriteRequest2Series => {
    const labels = [wrong[0] === i ? 'no_name' : '__name__', 'm', 'i', String(first + i)];
    return wrong[1] === i ? { labels } : { labels, samples: [{ timestampMs: NOW, value }] };
  });
  return Buffer.from(snappyCompress(encodeWriteRequest2(series)));
}

/** As a server does it: the buffer serves other requests afterwards. */
async function write(db: TimeSeriesDb, body: Buffer): Promise<RemoteWrite2Result> {
  let keptBytes = 0;
  const pending = db.remoteWrite2InTurns(body, (bytes) => {
    keptBytes = bytes;
  });
  body.fill(0);
  expect(keptBytes > 0).toBe(pending instanceof Promise);
  return pending;
}

it('counts what reads a large request as memory that is kept, however few bytes the request has', async () => {
  const db = await openDb(newFolder());
  const series = Array.from({ length: 2049 }, (_, i): WriteRequest2Series => {
    return { labels: ['__name__', `m${i}`], samples: [{ timestampMs: NOW, value: 1 }] };
  });
  const encoded = encodeWriteRequest2(series);
  let keptBytes = 0;
  await db.remoteWrite2InTurns(Buffer.from(snappyCompress(encoded)), (bytes) => {
    keptBytes = bytes;
  });
  expect(keptBytes - encoded.length).toBeGreaterThan(200_000);
});

it('stores a large request after turns of the event loop, whole and at one moment', async () => {
  const db = await openDb(newFolder());
  const written = write(db, request(MANY));
  await expectOneMoment(db, written, MANY);
  expect(await written).toMatchObject({ samples: MANY, refused: 0, faults: [] });
  expect(await write(db, request(MANY, { value: 2 }))).toMatchObject({ samples: MANY });
  expect(await valuesOf(db)).toEqual(new Array(MANY).fill(2));
});

it('takes small requests at once, also while a large one is under way', async () => {
  const db = await openDb(newFolder());
  const large = write(db, request(MANY));
  expect(await write(db, request(10, { first: 1_000_000 }))).toMatchObject({ samples: 10 });
  expect(db.stats().samples).toBe(10);
  await large;
  expect(db.stats().samples).toBe(MANY + 10);
});

it('keeps the order of large requests', async () => {
  const db = await openDb(newFolder());
  await Promise.all([1, 2, 3].map((value) => write(db, request(MANY, { value }))));
  expect(await valuesOf(db)).toEqual(new Array(MANY).fill(3));
});

it('stores of a large request what is good, and names the rest', async () => {
  const db = await openDb(newFolder());
  const { samples, refused, faults } = await write(db, request(MANY, { wrong: [MANY - 1, 5] }));
  expect([samples, refused, db.stats().samples]).toEqual([MANY - 2, 1, MANY - 2]);
  expect(faults).toEqual([
    'TimeSeries must contain at least one sample or histogram for series {__name__="m", i="5"} (index 5 of the request)',
    `invalid metric name or labels, got {no_name="m", i="${MANY - 1}"} (index ${MANY - 1} of the request): series without a metric name (label __name__)`,
  ]);
});

it('stores nothing of a large request that cannot be kept or read, or that brings too many series', async () => {
  const db = await openDb(newFolder(), { maxSeries: MANY });
  const keep = (): never => {
    throw new Error('no room');
  };
  expect(() => db.remoteWrite2InTurns(request(MANY), keep)).toThrow('no room');
  const encoded = encodeWriteRequest2(
    Array.from({ length: MANY }, (_, i) => ({
      labels: ['__name__', 'm', 'i', `${i}`],
      samples: [{ timestampMs: NOW, value: 1 }],
    })),
  );
  // The last series is cut off within one of its fields.
  await expect(write(db, Buffer.from(snappyCompress(encoded.slice(0, -3))))).rejects.toThrow(
    'protobuf: a length runs past the end',
  );
  await expect(write(db, request(MANY + 1))).rejects.toThrow('head.max_series');
  expect(db.stats().samples).toBe(0);
  expect(await write(db, request(MANY))).toMatchObject({ samples: MANY });
});

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
