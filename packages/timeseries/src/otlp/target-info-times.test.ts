import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TargetInfoTimes } from './target-info-times.ts';

const STEP = 150_000;

function timesOf(points: readonly number[]): number[] {
  const times = new TargetInfoTimes(STEP);
  for (const timeMs of points) times.add(timeMs);
  return times.take();
}

it('are every step from the first point to the last while points are that close', () => {
  const startMs = 1_700_000_012_345;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: STEP }), { minLength: 1, maxLength: 20 }), (gaps) => {
      const points = gaps.map((_, i) => startMs + gaps.slice(0, i).reduce((sum, gap) => sum + gap, 0));
      const lastMs = points.at(-1)!;
      const expected: number[] = [];
      for (let timeMs = startMs; timeMs < lastMs; timeMs += STEP) expected.push(timeMs);
      expect(timesOf(points)).toEqual([...expected, lastMs]);
    }),
  );
});

it('are near the points where these are years apart', () => {
  const points = [1_700_000, 1_600_000_000_000, 1_700_000_000_000];
  const times = timesOf(points);
  expect(times.length).toBeLessThan(10);
  for (const timeMs of points) expect(times.some((time) => time <= timeMs && time > timeMs - STEP)).toBe(true);
});

it('are none without points, and those of one resource only', () => {
  const times = new TargetInfoTimes(STEP);
  expect(times.take()).toEqual([]);
  times.add(5);
  expect(times.take()).toEqual([5]);
  expect(times.take()).toEqual([]);
});
