import { expect, it } from 'vitest';
import { NOW, useDatabases } from '../db.testing.ts';
import { OverloadedError } from '../head/errors.ts';
import { createOtlpReceiver } from './receiver.ts';
import { DEFAULT_OTLP_SETTINGS } from './settings.ts';

const { newFolder, openDb } = useDatabases();

/** A point of the counter `name`: so much more, so many seconds ago. */
type Point = readonly [name: string, secondsAgo: number, increment: number];

function request(points: readonly Point[]): Buffer {
  const metrics = points.map(([name, secondsAgo, increment]) => ({
    name,
    sum: {
      aggregationTemporality: 1,
      isMonotonic: true,
      dataPoints: [{ timeUnixNano: `${NOW - secondsAgo * 1000}000000`, asInt: increment }],
    },
  }));
  return Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }));
}

async function start(maxSeries?: number) {
  const db = await openDb(newFolder(), { maxSeries });
  const receiver = createOtlpReceiver({ settings: DEFAULT_OTLP_SETTINGS, now: () => NOW });
  return {
    send: (...points: Point[]) => receiver.receive(db, request(points), 'json'),
    async totals(name: string): Promise<number[]> {
      const matchers = [{ type: '=' as const, name: '__name__', value: `${name}_total` }];
      const found = await db.select({ matchers, startMs: NOW - 3_600_000, endMs: NOW });
      return found.flatMap(({ values }) => [...values]);
    },
    receiver,
  };
}

it('a request that is refused in its middle counts nothing, so that it can be sent again', async () => {
  const { send, totals, receiver } = await start(2);
  await send(['a', 60, 5]);
  const points: Point[] = [
    ['a', 50, 1],
    ['a', 40, 2],
    ['b', 40, 7],
  ];
  await expect(send(...points, ['c', 40, 1], ['d', 40, 1])).rejects.toBeInstanceOf(OverloadedError);
  expect(receiver.deltaSeries).toBe(1);
  expect(await send(...points)).toMatchObject({ points: 3, rejected: 0, message: '' });
  expect([await totals('a'), await totals('b')]).toEqual([[5, 6, 8], [7]]);
});

it('a request whose commit failed stores the same when it is sent again', async () => {
  const { send, totals } = await start();
  const points: Point[] = [
    ['a', 50, 1],
    ['a', 40, 2],
  ];
  (await send(...points)).undoDeltas();
  expect(await send(...points)).toMatchObject({ rejected: 0 });
  expect(await totals('a')).toEqual([1, 3]);
});

it('what another request has added to meanwhile stays', async () => {
  const { send, totals } = await start();
  const first = await send(['a', 50, 1], ['b', 50, 1]);
  await send(['a', 40, 2]);
  first.undoDeltas();
  await send(['a', 30, 4], ['b', 50, 1], ['b', 30, 4]);
  expect([await totals('a'), await totals('b')]).toEqual([
    [1, 3, 7],
    [1, 5],
  ]);
});
