import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { NOW } from '../db.testing.ts';
import type { TimeSeriesDb } from '../db.ts';

/**
 * Lets the event loop turn until a write of `count` samples into an empty database is over, and expects that all of them
 * are stored at one moment, after more than one turn.
 */
export async function expectOneMoment(db: TimeSeriesDb, written: Promise<unknown>, count: number): Promise<void> {
  let isDone = false;
  let turns = 0;
  const done = written.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await nextTurn();
    const { samples } = db.stats();
    expect(isDone ? samples : samples % count).toBe(isDone ? count : 0);
    turns++;
  }
  expect(turns).toBeGreaterThan(1);
  await done;
}

/** The values at `NOW` of all series of the metric `m`. */
export async function valuesOf(db: TimeSeriesDb): Promise<number[]> {
  const matcher = { name: '__name__', type: '=', value: 'm' } as const;
  const series = await db.select({ matchers: [matcher], startMs: NOW, endMs: NOW });
  return series.map(({ values }) => values[0]!);
}
