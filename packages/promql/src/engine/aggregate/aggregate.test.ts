import { describe, expect, it } from 'vitest';
import { at, engineOf, over, show, sourceOf } from '../engine.testing.ts';
import { labelsHashFraction, xxHash64 } from '../hash.ts';

const source = sourceOf(
  'm{job="a", i="1"} 1 2 3',
  'm{job="a", i="2"} 3 stale 5',
  'm{job="b", i="1"} NaN 7 -1',
  'm{job="b", i="2"} 10 8 9',
);

describe('folding aggregations', () => {
  it.each([
    ['sum', '{job="a"} 0=4 1=2 2=8', '{job="b"} 0=NaN 1=15 2=8'],
    ['avg', '{job="a"} 0=2 1=2 2=4', '{job="b"} 0=NaN 1=7.5 2=4'],
    ['count', '{job="a"} 0=2 1=1 2=2', '{job="b"} 0=2 1=2 2=2'],
    ['group', '{job="a"} 0=1 1=1 2=1', '{job="b"} 0=1 1=1 2=1'],
    ['min', '{job="a"} 0=1 1=2 2=3', '{job="b"} 0=10 1=7 2=-1'],
    ['max', '{job="a"} 0=3 1=2 2=5', '{job="b"} 0=10 1=8 2=9'],
    ['stdvar', '{job="a"} 0=1 1=0 2=1', '{job="b"} 0=NaN 1=0.25 2=25'],
    ['stddev', '{job="a"} 0=1 1=0 2=1', '{job="b"} 0=NaN 1=0.5 2=5'],
  ])('%s', async (op, a, b) => {
    expect(await over(source, `${op} by (job) (m)`, 0, 2)).toEqual([a, b]);
    expect(await over(source, `${op} without (i) (m)`, 0, 2)).toEqual([a, b]);
  });

  it('sum without losing small addends', async () => {
    expect(await at(sourceOf('x{i="1"} 1e100', 'x{i="2"} 1', 'x{i="3"} -1e100'), 'sum(x)', 0)).toEqual(['{} 1']);
    expect(await at(sourceOf('x{i="1"} 1e308', 'x{i="2"} 1e308'), 'avg(x)', 0)).toEqual([`{} 1${'0'.repeat(308)}`]);
    expect(await at(sourceOf('x{i="1"} Inf', 'x{i="2"} 1'), 'sum(x)', 0)).toEqual(['{} +Inf']);
  });
});

describe('selecting aggregations', () => {
  it('topk and bottomk prefer numbers to NaN and return the best first', async () => {
    expect(await at(source, 'topk(2, m)', 0)).toEqual(['m{i="2", job="b"} 10', 'm{i="2", job="a"} 3']);
    expect(await at(source, 'bottomk(3, m)', 0)).toEqual([
      'm{i="1", job="a"} 1',
      'm{i="2", job="a"} 3',
      'm{i="2", job="b"} 10',
    ]);
    expect(await over(source, 'topk by (job) (1, m)', 0, 2)).toEqual([
      'm{i="1", job="a"} 1=2',
      'm{i="2", job="a"} 0=3 2=5',
      'm{i="2", job="b"} 0=10 1=8 2=9',
    ]);
  });

  it('limitk takes the first, limit_ratio a share and its complement', async () => {
    expect(await at(source, 'limitk(2, m)', 0)).toHaveLength(2);
    const share = await at(source, 'limit_ratio(0.5, m)', 0);
    const rest = await at(source, 'limit_ratio(-0.5, m)', 0);
    expect([...share, ...rest].sort()).toEqual((await at(source, 'm', 0)).sort());
  });

  it('reject parameters that mean nothing', async () => {
    await expect(at(source, 'topk(NaN, m)', 0)).rejects.toThrow('Parameter value is NaN');
    await expect(at(source, 'topk(1e30, m)', 0)).rejects.toThrow('Scalar value 1e+30 overflows int64');
    await expect(at(source, 'limit_ratio(NaN, m)', 0)).rejects.toThrow('Ratio value is NaN');
  });
});

describe('quantile and count_values', () => {
  it('interpolates, and warns outside 0 and 1', async () => {
    expect(await at(source, 'quantile(0.5, m{job="a"})', 0)).toEqual(['{} 2']);
    const result = await engineOf().instant(source, 'quantile(2, m)', 0);
    expect(show(result)).toEqual(['{} +Inf']);
    expect(result.warnings).toEqual(['PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)']);
  });

  it('counts equal values', async () => {
    const versions = sourceOf('v{i="1"} 1.5', 'v{i="2"} 1.5', 'v{i="3"} 1e25');
    expect(await at(versions, 'count_values("version", v)', 0)).toEqual([
      '{version="1.5"} 2',
      `{version="1${'0'.repeat(25)}"} 1`,
    ]);
  });

  it('count_values of texts at one step, several times at it, and at several', async () => {
    const values = sourceOf('v{i="1"} 1 2 3 4', 'v{i="2"} 1 5 3 6', 'v{i="3"} 7 7 8 9', 'v{i="4"} 1 2 7 stale');
    expect((await over(values, 'count_values("v", v)', 0, 3)).sort()).toEqual([
      '{v="1"} 0=3',
      '{v="2"} 1=2',
      '{v="3"} 2=2',
      '{v="4"} 3=1',
      '{v="5"} 1=1',
      '{v="6"} 3=1',
      '{v="7"} 0=1 1=1 2=1',
      '{v="8"} 2=1',
      '{v="9"} 3=1',
    ]);
    // Those of 4, 6 and 9 share their columns.
    const twice = 'sum by (v) (2 * count_values("v", v) or -count_values("v", v))';
    expect((await over(values, twice, 3, 3)).sort()).toEqual(['{v="4"} 3=2', '{v="6"} 3=2', '{v="9"} 3=2']);
  });
});

describe('the hash of limit_ratio', () => {
  it("is xxHash64's", () => {
    expect(xxHash64(new Uint8Array(0))).toBe(0xef46db3751d8e999n);
    expect(xxHash64(new TextEncoder().encode('abc'))).toBe(0x44bc2cf5ad770999n);
    const fraction = labelsHashFraction(['__name__', 'a_metric_with_a_rather_long_name', 'label', 'value']);
    expect(fraction).toBeGreaterThan(0);
    expect(fraction).toBeLessThan(1);
  });
});

describe('names dropped at once', () => {
  const source = sourceOf('a_total{job="x"} 0 60 120', 'b_total{job="x"} 0 60 120', 'a_total{job="y"} 0 120 240');
  const engine = engineOf({ delayedNameRemoval: false });
  const evaluate = async (query: string) => show(await engine.instant(source, query, 120_000));

  it('are not in the groups of what a range function gives', async () => {
    expect(await evaluate('sum by (job) (rate(a_total[2m]))')).toEqual(['{job="x"} 1', '{job="y"} 2']);
    expect(await evaluate('sum by (__name__) (rate(a_total[2m]))')).toEqual(['{} 3']);
    expect(await evaluate('sum without (job) (rate(a_total[2m]))')).toEqual(['{} 3']);
  });

  it('must not make series equal', async () => {
    await expect(evaluate('sum(rate({job="x"}[2m]))')).rejects.toThrow(
      'vector cannot contain metrics with the same labelset',
    );
    expect(await evaluate('sum(rate({__name__=~"a.*|c"}[2m]))')).toEqual(['{} 3']);
  });
});

describe('sum and avg of what does not go together', () => {
  const float = '1';
  const exponential = '{{schema:0 count:6 sum:5 buckets:[3 3]}}';
  const custom = '{{schema:-53 count:3 sum:1 custom_values:[1] buckets:[3]}}';
  const mixed = 'PromQL warning: encountered a mix of histograms and floats for aggregation (1:5)';
  const buckets =
    'PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "m" (1:5)';

  it.each([
    [[float, exponential, custom], [mixed]],
    [[exponential, custom, float], [buckets]],
    [
      [exponential, float, custom],
      [buckets, mixed],
    ],
    [[exponential, custom], [buckets]],
    [[exponential, float], [mixed]],
  ])('warns of what is seen first: %s', async (samples, expected) => {
    const source = sourceOf(...samples.map((sample, i) => `m{i="${i}"} ${sample}`));
    for (const op of ['sum', 'avg']) {
      const { value, warnings } = await engineOf().instant(source, `${op}(m)`, 0);
      expect([value, [...warnings].sort()]).toEqual([[], [...expected].sort()]);
    }
  });
});

it('says nothing of conflicting resets where histograms do not go together', async () => {
  const source = sourceOf(
    'm{i="0"} {{sum:3 count:3 buckets:[3]}} {{sum:1 count:1 buckets:[1]}}',
    'm{i="1"} {{sum:1 count:1 buckets:[1]}} {{sum:3 count:3 buckets:[3]}}',
    'm{i="2"} {{schema:-53 custom_values:[1] count:1 sum:1 buckets:[1]}}x2',
  );
  const warningsOf = async (query: string) => (await engineOf().instant(source, query, 60_000)).warnings;
  expect(await warningsOf('histogram_count(sum(m{i!="2"}))')).toEqual([expect.stringContaining('conflicting counter')]);
  expect(await warningsOf('histogram_count(sum(m))')).toEqual([expect.stringContaining('mix of histograms with expo')]);
});

describe('groups of which some members are still to lose their name', () => {
  const names = sourceOf('m{i="a"} 1 9 1 9', 'm{i="b"} 9 1 9 1', 'm{i="c"} 1 1 9 9');

  it.each([
    ['sum by (__name__) ((m{i="a"} > 5) or abs(m{i="b"} > 5))', ['m 0=9 1=9 2=9 3=9']],
    ['sum by (__name__) (abs(m{i="a"} > 5) or (m{i="b"} > 5))', ['{} 0=9 1=9 2=9 3=9']],
    ['sum by (__name__) ((m{i="c"} > 5) or abs(m{i="a"} > 5))', ['{} 1=9 2=9 3=18']],
    ['quantile by (__name__) (1, (m{i="a"} > 5) or abs(m{i="b"} > 5))', ['m 0=9 1=9 2=9 3=9']],
    ['quantile by (__name__) (1, abs(m{i="c"} > 5) or (m{i="a"} > 5))', ['{} 1=9 2=9 3=9']],
  ])('are named as at their last step: %s', async (query, expected) => {
    expect(await over(names, query, 0, 3)).toEqual(expected);
  });

  it('have no name at a time when any member has none', async () => {
    expect(await at(names, 'sum by (__name__) (m{i="a"} or abs(m))', 0)).toEqual(['{} 11']);
    expect(await at(names, 'sum by (__name__) (abs(m{i="a"}) or m)', 0)).toEqual(['{} 11']);
  });
});
