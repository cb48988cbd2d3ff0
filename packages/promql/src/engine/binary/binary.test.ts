import { describe, expect, it } from 'vitest';
import { pow } from '../../go-exponentials.ts';
import { at, engineOf, over, show, sourceOf } from '../engine.testing.ts';

const source = sourceOf(
  'requests{method="get", code="500"} 24 _ 1',
  'requests{method="get", code="404"} 30',
  'requests{method="post", code="500"} 6',
  'total{method="get"} 600 600 600',
  'total{method="del"} 34',
  'total{method="post"} 120',
);

describe('arithmetic', () => {
  it('follows IEEE 754 where JavaScript does not', () => {
    expect(pow(1, Number.NaN)).toBe(1);
    expect(pow(-1, Infinity)).toBe(1);
    expect(pow(Number.NaN, 0)).toBe(1);
    expect(pow(2, 10)).toBe(1024);
  });

  it('works between scalars, and drops the name of a vector', async () => {
    expect(await at(source, '7 % 4 + 2 ^ 3 ^ 2 - -1', 0)).toEqual(['516']);
    expect(await at(source, '1 > bool 2', 0)).toEqual(['0']);
    expect(await at(source, '100 - total{method="get"}', 0)).toEqual(['{method="get"} -500']);
  });
});

describe('comparison', () => {
  it('filters, keeps the vector value on either side, or tells with bool', async () => {
    expect(await at(source, '50 < total', 0)).toEqual(['total{method="get"} 600', 'total{method="post"} 120']);
    expect(await at(source, 'total{method="del"} == bool 34', 0)).toEqual(['{method="del"} 1']);
  });
});

describe('vector matching', () => {
  it('pairs one to one and many to one', async () => {
    expect(await at(source, 'requests{code="500"} / ignoring(code) total', 0)).toEqual([
      '{method="get"} 0.04',
      '{method="post"} 0.05',
    ]);
    expect(await at(source, 'requests / ignoring(code) group_left total', 0)).toEqual([
      '{code="500", method="get"} 0.04',
      '{code="404", method="get"} 0.05',
      '{code="500", method="post"} 0.05',
    ]);
  });

  it('copies labels from the one side', async () => {
    const info = sourceOf('m{i="1"} 5', 'info{i="1", v="2"} 1');
    expect(await at(info, 'm * on(i) group_left(v) info', 0)).toEqual(['{i="1", v="2"} 5']);
    expect(await at(info, 'info * on(i) group_right(v) m', 0)).toEqual(['{i="1", v="2"} 5']);
  });

  it("refuses what is ambiguous in Prometheus' words", async () => {
    await expect(at(source, 'requests / ignoring(code) total', 0)).rejects.toThrow(
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    );
    await expect(at(source, 'total / ignoring(code) requests', 0)).rejects.toThrow(
      'found duplicate series for the match group {method="get"} on the right hand-side of the operation: ' +
        '[{__name__="requests", code="404", method="get"}, {__name__="requests", code="500", method="get"}]' +
        ';many-to-many matching not allowed: matching labels must be unique on one side',
    );
  });

  it('decides step by step', async () => {
    const changing = sourceOf('a{v="1"} 1 stale', 'a{v="2"} _ 2', 'b 10 10');
    expect(await over(changing, 'a + on() b', 0, 1)).toEqual(['{} 0=11 1=12']);
    expect(await over(changing, 'a unless on() (b > on() group_right() a * 10)', 0, 1)).toEqual([
      'a{v="1"} 0=1',
      'a{v="2"} 1=2',
    ]);
  });
});

describe('set operators', () => {
  it('keep, join and exclude by labels', async () => {
    expect(await at(source, 'total and on(method) requests{code="404"}', 0)).toEqual(['total{method="get"} 600']);
    expect(await at(source, 'total unless on(method) requests', 0)).toEqual(['total{method="del"} 34']);
    expect(await at(source, 'total{method="get"} or total', 0)).toHaveLength(3);
  });
});

describe('pairs of a histogram and a float that do not go together', () => {
  const h = '{{schema:0 count:6 sum:5 buckets:[3 3]}}';
  const mixed = sourceOf('f{i="1"} 1', 'f{i="2"} 2', `h{i="1"} ${h}`, `h{i="2"} ${h}`);

  it('are no match, so that several do not clash', async () => {
    expect(await at(mixed, 'h - on () f{i="1"}', 0)).toEqual([]);
    await expect(at(mixed, 'f - on () f{i="1"}', 0)).rejects.toThrow('many-to-one matching must be explicit');
  });

  it('leave the one side to be filled in for', async () => {
    expect(await at(mixed, 'h - fill (2) f{i="2"}', 0)).toEqual(['{i="2"} 0']);
    expect(await at(mixed, 'f{i="1"} - on () group_right () fill (3) h', 0)).toEqual(['{} -2']);
  });
});

describe('equal labels on the way', () => {
  const twice = sourceOf('b{le="1"} 1', 'b{le="+Inf"} 3');
  const query = 'histogram_quantiles(b, "q", 0.5, 0.5) or vector(1)';

  it('pass through operators of an instant query, but not out of it', async () => {
    expect(await at(twice, `count(${query})`, 0)).toEqual(['{} 3']);
    await expect(at(twice, query, 0)).rejects.toThrow('vector cannot contain metrics with the same labelset');
    await expect(over(twice, `count(${query})`, 0, 1)).rejects.toThrow('same labelset');
  });
});

it('keeps a name that is included where names are dropped at once', async () => {
  const engine = engineOf({ delayedNameRemoval: false });
  const metrics = sourceOf('a{i="1"} 3', 'b{i="1"} 2');
  const result = await engine.instant(metrics, 'a > bool on (i) group_left (__name__) b', 0);
  expect(show(result)).toEqual(['b{i="1"} 1']);
  expect(show(await engine.instant(metrics, 'a > bool on (i) group_left () b', 0))).toEqual(['{i="1"} 1']);
  const { warnings } = await engine.instant(metrics, 'histogram_quantile(0.5, a)', 0);
  expect(warnings).toEqual(['PromQL warning: bucket label "le" is missing or has a malformed value of "" (1:25)']);
});

describe('series over steps of which some are still to lose their name', () => {
  const metrics = sourceOf('m{i="a"} 1 9 1 9', 'm{i="b"} 9 1 9 1');

  it.each([
    ['(m > 5) or abs(m)', ['m{i="b"} 0=9 1=1 2=9 3=1', '{i="a"} 0=1 1=9 2=1 3=9']],
    ['abs(m > 5) or m', ['m{i="a"} 0=1 1=9 2=1 3=9', '{i="b"} 0=9 1=1 2=9 3=1']],
    ['((m > 5) or abs(m)) and m', ['m{i="b"} 0=9 1=1 2=9 3=1', '{i="a"} 0=1 1=9 2=1 3=9']],
    ['((m > 5) or abs(m)) unless (m < 5)', ['m{i="b"} 0=9 2=9', '{i="a"} 1=9 3=9']],
    ['last_over_time(((m > 5) or abs(m))[2m:1m])', ['m{i="b"} 0=9 1=1 2=9 3=1', '{i="a"} 0=1 1=9 2=1 3=9']],
    ['sum by (__name__, i) ((m > 5) or abs(m))', ['m{i="b"} 0=9 1=1 2=9 3=1', '{i="a"} 0=1 1=9 2=1 3=9']],
  ])('are named as at their first step: %s', async (query, expected) => {
    expect((await over(metrics, query, 0, 3)).sort()).toEqual([...expected].sort());
  });

  it('has the names of its own step at a single time', async () => {
    expect(await at(metrics, '(m > 5) or abs(m)', 0)).toEqual(['m{i="b"} 9', '{i="a"} 1']);
    expect(await at(metrics, '(m > 5) or abs(m)', 1)).toEqual(['m{i="a"} 9', '{i="b"} 1']);
  });

  it('names the series by the first step that is asked for', async () => {
    const expected = ['m{i="a"} 1=9 2=1 3=9', '{i="b"} 1=1 2=9 3=1'];
    expect((await over(metrics, '(m > 5) or abs(m)', 1, 3)).sort()).toEqual([...expected].sort());
  });
});
