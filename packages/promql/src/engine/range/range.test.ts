import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, engineOf, over, sourceOf } from '../engine.testing.ts';
import type { RangeKernel } from './kernel.ts';
import { changes, maxOverTime, sortNaNFirst, sumOverTime } from './over-time.ts';
import { increase, rate } from './rate.ts';
import { windowsOf } from './windows.ts';

/** Extrapolated increase of one window, sample by sample as the definition reads. */
function increaseOf(samples: readonly { t: number; v: number }[], startMs: number, endMs: number): number | undefined {
  if (samples.length < 2) return undefined;
  const first = samples[0]!;
  const last = samples.at(-1)!;
  let increase = last.v - first.v;
  for (let i = 1; i < samples.length; i++) if (samples[i]!.v < samples[i - 1]!.v) increase += samples[i - 1]!.v;
  const sampled = (last.t - first.t) / 1000;
  const average = sampled / (samples.length - 1);
  let toStart = (first.t - startMs) / 1000;
  let toEnd = (endMs - last.t) / 1000;
  if (toStart >= average * 1.1) toStart = average / 2;
  if (increase > 0 && first.v >= 0) toStart = Math.min(toStart, sampled * (first.v / increase));
  if (toEnd >= average * 1.1) toEnd = average / 2;
  return increase * ((sampled + toStart + toEnd) / sampled);
}

const column = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 90_000 }), v: fc.double({ noNaN: true, min: -5, max: 1e6 }) }), {
    maxLength: 60,
  })
  .map((items) => {
    let t = 0;
    return items.map(({ gap, v }) => ({ t: (t += gap), v: Math.floor(v) + 0 }));
  });

const endsMs = Float64Array.from({ length: 40 }, (_, i) => i * 47_000);

function evaluate(
  kernel: RangeKernel,
  samples: readonly { t: number; v: number }[],
  rangeMs: number,
  minSamples: number,
) {
  const timestamps = Float64Array.from(samples, ({ t }) => t);
  const windows = windowsOf(timestamps, endsMs, rangeMs, minSamples);
  const out = new Float64Array(endsMs.length);
  const values = Float64Array.from(samples, ({ v }) => v);
  const ascending = values.every((value, i) => value >= (i === 0 ? -Infinity : values[i - 1]!));
  kernel(values, windows, out, [], endsMs, ascending);
  return Array.from(out, (value, i) => (windows.present[i] === 0 ? undefined : value));
}

describe('range functions against their definitions', () => {
  const rangeMs = fc.integer({ min: 1, max: 400_000 });

  it('increase and rate', () => {
    fc.assert(
      fc.property(column, rangeMs, (samples, range) => {
        const expected = Array.from(endsMs, (end) => {
          const window = samples.filter(({ t }) => t > end - range && t <= end);
          return increaseOf(window, end - range, end);
        });
        expect(evaluate(increase, samples, range, 2)).toEqual(expected);
        const rates = evaluate(rate, samples, range, 2);
        for (const [i, value] of expected.entries()) {
          if (value === undefined) expect(rates[i]).toBeUndefined();
          else expect(rates[i]).toBeCloseTo(value / (range / 1000), 6);
        }
      }),
    );
  });

  it.each([
    ['sum_over_time', sumOverTime, (values: number[]) => values.reduce((a, b) => a + b, 0)],
    ['max_over_time', maxOverTime, (values: number[]) => Math.max(...values)],
    ['changes', changes, (values: number[]) => values.filter((value, i) => i > 0 && value !== values[i - 1]).length],
  ] as const)('%s', (_name, kernel, define) => {
    fc.assert(
      fc.property(column, rangeMs, (samples, range) => {
        const expected = Array.from(endsMs, (end) => {
          const values = samples.filter(({ t }) => t > end - range && t <= end).map(({ v }) => v);
          return values.length === 0 ? undefined : define(values);
        });
        expect(evaluate(kernel, samples, range, 1)).toEqual(expected);
      }),
    );
  });

  it('sort NaN to the front', () => {
    expect([...sortNaNFirst(Float64Array.of(3, Number.NaN, -1, Number.NaN, 2))]).toEqual([NaN, NaN, -1, 2, 3]);
  });
});

const source = sourceOf('c_total 0+60x10', 'g 1 5 2 NaN 8 3', 'line 0+2x20');

describe('range functions in queries', () => {
  it.each([
    ['rate(c_total[5m])', '{} 1'],
    ['increase(c_total[5m])', '{} 300'],
    ['irate(c_total[5m])', '{} 1'],
    ['delta(line[5m])', '{} 10'],
    ['idelta(line[5m])', '{} 2'],
    ['resets(g[6m])', '{} 2'],
    ['avg_over_time(line[3m])', '{} 8'],
    ['quantile_over_time(0.5, line[3m])', '{} 8'],
    ['stdvar_over_time(line[3m])', '{} 2.6666666666666665'],
    ['mad_over_time(line[3m])', '{} 2'],
    ['integral(line[3m])', '{} 960'],
    ['integral(line[3m], 0)', '{} 840'],
    ['integral(line[3m], 1)', '{} 1080'],
    ['last_over_time(line[3m])', 'line 10'],
    ['ts_of_max_over_time(line[3m])', '{} 300'],
    ['deriv(line[5m])', '{} 0.03333333333333333'],
    ['predict_linear(line[5m], 600)', '{} 30'],
    ['double_exponential_smoothing(line[5m], 0.5, 0.5)', '{} 10'],
    ['absent_over_time(nothing{a="b"}[5m])', '{a="b"} 1'],
    ['max_over_time(rate(c_total[2m])[3m:1m])', '{} 1'],
  ])('%s', async (query, expected) => {
    expect(await at(source, query, 5)).toEqual([expected]);
  });

  it('anchor and smooth the edges of windows', async () => {
    const uneven = sourceOf('c_total 1 2 _ 4 9');
    expect(await at(uneven, 'increase(c_total[1m] smoothed)', 2)).toEqual(['{} 1']);
    expect(await at(uneven, 'increase(c_total[1m] anchored)', 2)).toEqual([]);
    expect(await at(uneven, 'increase(c_total[90s] anchored)', 4)).toEqual(['{} 7']);
    await expect(at(uneven, 'max_over_time(c_total[1m] smoothed)', 2)).rejects.toThrow(
      'smoothed modifier can only be used with: delta, increase, rate - not with max_over_time',
    );
  });

  it('have no extended rate where floats and histograms are in reach, were it before the window', async () => {
    const mixed = sourceOf('m {{schema:0 count:4 sum:5 buckets:[4]}} 1 2 3 4');
    const query = 'rate(m[1m] anchored)';
    const warning = 'PromQL warning: encountered a mix of histograms and floats for metric name "m" (1:6)';
    for (const minute of [3, 4, 5.5]) {
      expect(await engineOf().instant(mixed, query, minute * 60_000)).toMatchObject({ value: [], warnings: [warning] });
    }
    expect(await at(mixed, query, 6.5)).toEqual([]);
  });

  it('name the first argument where they ignore histograms', async () => {
    const mixed = sourceOf('m {{schema:0 count:4 sum:5 buckets:[4]}} 1');
    const { infos } = await engineOf().instant(mixed, 'quantile_over_time(0.5, m[2m])', 60_000);
    const message = 'ignored histograms in a range containing both floats and histograms for metric name "m"';
    expect(infos).toEqual([`PromQL info: ${message} (1:20)`]);
  });

  it('have no median deviation of what holds a NaN', async () => {
    const gaps = sourceOf('x NaN 5 7 9');
    expect(await at(gaps, 'mad_over_time(x[5m])', 3)).toEqual(['{} NaN']);
    expect(await at(gaps, 'mad_over_time(x[3m])', 3)).toEqual(['{} 2']);
  });

  it('evaluate subqueries at multiples of their step', async () => {
    expect(await over(source, 'count_over_time(line[4m:2m])', 4, 6)).toEqual(['{} 4=2 5=2 6=2']);
    expect(await at(source, 'sum_over_time(line[4m:2m])', 5)).toEqual(['{} 12']);
  });

  it('say when a rate is taken of what is no counter', async () => {
    const { infos } = await engineOf().instant(source, 'rate(g[5m])', 300_000);
    expect(infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "g" (1:6)',
    ]);
  });

  it('use start timestamps where the engine is told to', async () => {
    const columns = {
      labels: ['__name__', 'd_total'],
      timestamps: Float64Array.of(60_000, 120_000, 180_000),
      values: Float64Array.of(5, 5, 5),
      startTimestamps: Float64Array.of(1000, 60_000, 120_000),
    };
    const deltas = { select: async () => [columns] };
    const query = 'increase(d_total[5m])';
    const ignoring = await engineOf().instant(deltas, query, 180_000);
    expect(ignoring.value).toMatchObject([{ value: 0 }]);
    const using = await engineOf({ useStartTimestamps: true }).instant(deltas, query, 180_000);
    expect(using.value).toMatchObject([{ value: 15 }]);
  });
});
