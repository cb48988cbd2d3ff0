import { expect, it } from 'vitest';
import { createMemorySource } from '../promqltest/memory-source.ts';
import { parseSeries } from '../promqltest/parse-series.ts';
import { createEngine } from './engine.ts';

const source = createMemorySource();
source.load(
  [
    parseSeries('up 1x20', 1),
    parseSeries('requests_total{code="200"} 0+1x20', 2),
    parseSeries('requests_total{code="500"} 0+1x7 stale 2+1x10', 3),
    parseSeries('sizes {{schema:0 sum:1 count:3 buckets:[1 2]}}x20', 4),
  ],
  5_000,
  false,
);

/** Queryable and read samples at 40, 45 and 50 s, as Prometheus 3.16 counts them. */
it.each([
  ['sum(up)', [1, 1, 1], [1, 1, 1]],
  ['sum_over_time(up[20s])', [4, 4, 4], [4, 1, 1]],
  ['up + up', [2, 2, 2], [2, 2, 2]],
  ['max_over_time(up[20s:5s])', [4, 4, 4], [4, 1, 1]],
  ['sum(rate(requests_total[10s]))', [3, 3, 4], [3, 2, 2]],
  ['requests_total', [1, 2, 2], [1, 2, 2]],
  ['up @ end()', [1, 1, 1], [1, 0, 0]],
  ['1', [0, 0, 0], [0, 0, 0]],
  ['sum_over_time(up[20s] @ end())', [4, 4, 4], [4, 0, 0]],
  ['max_over_time(rate(up[10s])[20s:5s])', [8, 8, 8], [5, 1, 1]],
  ['max_over_time((up + up)[10s:5s] @ end())', [4, 4, 4], [4, 0, 0]],
  ['absent(missing)', [0, 0, 0], [0, 0, 0]],
  ['sizes', [12, 12, 12], [12, 12, 12]],
  ['rate(sizes[10s])', [24, 24, 24], [24, 12, 12]],
  ['histogram_count(sizes)', [11, 11, 11], [11, 11, 11]],
  ['increase(up[10s] anchored)', [9, 10, 11], [9, 1, 1]],
  ['increase(up[10s] smoothed)', [21, 21, 21], [21, 0, 0]],
  ['up smoothed', [0, 0, 0], [0, 0, 0]],
])('counts the samples of %s', async (query, queryable, read) => {
  const { stats } = await createEngine().range(source, query, 40_000, 50_000, 5_000, { stats: true });
  expect([[...stats.samples!.queryable], [...stats.samples!.read]]).toEqual([queryable, read]);
});

it('counts the samples of an instant query and of a long chain', async () => {
  const { stats } = await createEngine().instant(source, 'rate(requests_total[20s])', 50_000, { stats: true });
  expect([...stats.samples!.queryable]).toEqual([7]);
  const chain = `up${' + up'.repeat(3000)}`;
  const long = await createEngine().instant(source, chain, 50_000, { stats: true });
  expect([...long.stats.samples!.queryable]).toEqual([3001]);
});

/** As Prometheus 3.16 counts them. */
it.each([
  ['up', 1],
  ['up + up', 2],
  ['requests_total', 2],
  ['rate(requests_total[10s])', 2],
  ['up @ end() + up', 2],
  ['max_over_time(rate(up[10s])[20s:5s])', 1],
  ['up offset 10m', 0],
  ['1', 0],
])('counts the series of %s', async (query, touched) => {
  const { stats } = await createEngine().range(source, query, 40_000, 50_000, 5_000, { stats: true });
  expect(stats.samples!.touched).toBe(touched);
});
