import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';
import type { TimeSeriesDb } from '../db.ts';
import { expectOneMoment, valuesOf } from './large-writes.testing.ts';
import { MOST_NEW_AT_ONCE } from './new-series.ts';

const { newFolder, openDb } = useDatabases();
const MANY = 4 * MOST_NEW_AT_ONCE;

interface Options {
  readonly first?: number;
  readonly value?: number;
  readonly wrong?: number;
}

/** A request of `count` series; the one at `wrong` has no metric name. */
function request(count: number, { first = 0, value = 1, wrong = -1 }: Options = {}): Buffer {
  const series = Array.from({ length: count }, (_, i) => ({
    labels: [i === wrong ? 'no_name' : '__name__', 'm', 'i', String(first + i)],
    samples: [{ timestampMs: NOW, value }],
  }));
  return Buffer.from(snappyCompress(encodeWriteRequest({ series })));
}

/** As a server does it: the buffer serves other requests afterwards. */
async function write(db: TimeSeriesDb, body: Buffer): Promise<number> {
  let kept = 0;
  const pending = db.remoteWriteInTurns(body, () => {
    kept++;
    return Uint8Array.from(body);
  });
  body.fill(0);
  expect(kept).toBe(pending instanceof Promise ? 1 : 0);
  return (await pending).samples;
}

it('stores a request with many new series after turns of the event loop, whole and at one moment', async () => {
  const db = await openDb(newFolder());
  const written = write(db, request(MANY));
  await expectOneMoment(db, written, MANY);
  expect(await written).toBe(MANY);
  expect(await write(db, request(MANY, { value: 2 }))).toBe(MANY);
  expect(await valuesOf(db)).toEqual(new Array(MANY).fill(2));
});

it('takes small requests at once, also while a large one is under way', async () => {
  const db = await openDb(newFolder());
  const large = write(db, request(MANY));
  expect(await write(db, request(10, { first: 1_000_000 }))).toBe(10);
  expect(db.stats().samples).toBe(10);
  await large;
  expect(db.stats().samples).toBe(MANY + 10);
});

it('keeps the order of large requests', async () => {
  const db = await openDb(newFolder());
  await Promise.all([1, 2, 3].map((value) => write(db, request(MANY, { value }))));
  expect(await valuesOf(db)).toEqual(new Array(MANY).fill(3));
});

it('stores and creates nothing where one of the series is refused, and names it', async () => {
  const db = await openDb(newFolder());
  await expect(write(db, request(MANY, { wrong: MANY - 1 }))).rejects.toThrow(
    `series without a metric name (label __name__) for series {no_name="m", i="${MANY - 1}"} (index ${MANY - 1} of the request)`,
  );
  expect([db.stats().series, db.stats().samples, db.refusedSamples]).toEqual([0, 0, MANY]);
  expect(await write(db, request(MANY))).toBe(MANY);
});

it('counts the samples of a request for whose body there is no room', async () => {
  const db = await openDb(newFolder());
  const keep = (): never => {
    throw new Error('no room');
  };
  expect(() => db.remoteWriteInTurns(request(MANY), keep)).toThrow('no room');
  expect([db.stats().series, db.refusedSamples]).toEqual([0, MANY]);
  expect(await write(db, request(MANY))).toBe(MANY);
});

it('keeps room for all series of a request from others', async () => {
  const db = await openDb(newFolder(), { maxSeries: MANY + 5 });
  const large = write(db, request(MANY));
  await expect(write(db, request(6, { first: 1_000_000 }))).rejects.toThrow(
    `(head.max_series) is reached: ${MANY} of ${MANY + 5}`,
  );
  const tooMany = write(db, request(MANY, { first: 2_000_000 }));
  expect(await write(db, request(5, { first: 1_000_000 }))).toBe(5);
  await expect(tooMany).rejects.toThrow('head.max_series');
  expect(await large).toBe(MANY);
  expect(db.stats().series).toBe(MANY + 5);
});
