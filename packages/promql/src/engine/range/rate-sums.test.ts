import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sum } from '../aggregate/accumulate.ts';
import { engineOf, over, sourceOf } from '../engine.testing.ts';
import { floatSeries } from '../value.ts';
import { increase, rate } from './rate.ts';
import { RateSums } from './rate-sums.ts';
import { windowsOf } from './windows.ts';

/** Bits of each value; all NaN are one. */
const bits = (values: Float64Array) =>
  [...new BigUint64Array(values.slice().buffer)].map((word, i) => (Number.isNaN(values[i]) ? 0n : word));

/** Counters that begin low or high, grow by little or much, and now and then are something else. */
const start = fc.constantFrom(0, 0, 1, 3, 1e6, -4, 0.1);
const step = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(0, 0, 1, 2, 0.1, 1e5) },
  fc.constantFrom(-1e7, Number.NaN, Infinity, 1e308),
);
const gaps = fc.array(fc.constantFrom(1000, 1000, 1000, 2500, 30_000), { minLength: 3, maxLength: 80 });

describe('RateSums', () => {
  it('adds what rate and sum give, bit by bit', () => {
    const scenario = gaps.chain((times) =>
      fc.record({
        times: fc.constant(times),
        series: fc.array(fc.tuple(start, fc.array(step, { minLength: times.length, maxLength: times.length })), {
          minLength: 1,
          maxLength: 6,
        }),
        steps: fc.integer({ min: 16, max: 45 }),
        stepMs: fc.constantFrom(1000, 1700, 5000),
        rangeMs: fc.constantFrom(2500, 10_000, 60_000),
        isRate: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(scenario, ({ times, series, steps, stepMs, rangeMs, isRate }) => {
        let timeMs = 0;
        const timestamps = Float64Array.from(times, (gap) => (timeMs += gap));
        const endsMs = Float64Array.from({ length: steps }, (_, i) => i * stepMs);
        const windows = windowsOf(timestamps, endsMs, rangeMs, 2);
        const rateSums = RateSums.open(steps)!;
        const columns = rateSums.columns()!;
        const taken = sum(steps, columns);
        const expected = sum(steps);
        for (const [first, growth] of series) {
          let value = first;
          const values = Float64Array.from(growth, (more) => (value += more));
          const out = new Float64Array(steps);
          (isRate ? rate : increase)(values, windows, out, [], endsMs, false);
          const member = floatSeries([], false, out, windows.present);
          expected.add(member);
          const at = rateSums.add(columns, values, windows, isRate, false);
          if (at === undefined) taken.add(member);
          else taken.see(at.from, at.to);
        }
        const [a, b] = [taken.finish(), expected.finish()];
        rateSums.close();
        expect([...a.present]).toEqual([...b.present]);
        const seen = (values: Float64Array) => values.filter((_, i) => a.present[i] === 1);
        expect(bits(seen(a.values))).toEqual(bits(seen(b.values)));
      }),
    );
  });

  it('takes counters without resets, and none with resets or gaps between their windows', () => {
    const timestamps = Float64Array.from({ length: 100 }, (_, i) => i * 1000);
    const endsMs = Float64Array.from({ length: 20 }, (_, i) => i * 5000);
    const rateSums = RateSums.open(20)!;
    const columns = rateSums.columns()!;
    const ascending = Float64Array.from(timestamps, (_, i) => i);
    const windows = windowsOf(timestamps, endsMs, 10_000, 2);
    expect(rateSums.add(columns, ascending, windows, true, false)).toMatchObject({ from: 1, to: 20 });
    const reset = Float64Array.from(timestamps, (_, i) => i % 50);
    expect(rateSums.add(columns, reset, windows, true, false)).toBeUndefined();
    const withGap = timestamps.map((timeMs) => (timeMs < 50_000 ? timeMs : timeMs + 30_000));
    const gap = windowsOf(withGap, endsMs, 10_000, 2);
    expect(rateSums.add(columns, ascending, gap, true, false)).toBeUndefined();
    rateSums.close();
  });

  it('has no columns where there is no more room, and those of its successor are zeros', () => {
    const first = RateSums.open(10_000)!;
    let count = 0;
    for (let columns = first.columns(); columns !== undefined; columns = first.columns()) {
      columns.sums.fill(7);
      columns.losses.fill(7);
      count++;
    }
    expect(count).toBeGreaterThan(50);
    first.close();
    const second = RateSums.open(10_000)!;
    const columns = second.columns()!;
    expect(columns.sums.every((value) => value === 0) && columns.losses.every((value) => value === 0)).toBe(true);
    second.close();
  });

  it('is what sums of rates are made with: groups, names and notes are as without', async () => {
    const lines = [
      'requests_total{group="a", instance="1"} 0+3x60',
      'requests_total{group="a", instance="2"} 5+0x20 9+1x39',
      'requests_total{group="b", instance="1"} 7+2x30 0+2x29',
      'requests_total{group="b", instance="2"} _x10 0+0.1x30 stale',
      'bytes{group="b"} 0+1e6x60',
    ];
    const source = sourceOf(...lines);
    for (const rates of ['rate(requests_total[5m])', 'rate({group=~".+"}[5m])']) {
      expect(await over(source, `sum by (group) (${rates})`, 0, 59)).toEqual(
        await over(source, `sum by (group) (${rates} + 0)`, 0, 59),
      );
    }
    expect(await over(source, 'sum(increase(requests_total[10m]))', 0, 59)).toEqual(
      await over(source, 'sum(increase(requests_total[10m]) + 0)', 0, 59),
    );
    const noted = await engineOf().range(source, 'sum(rate(bytes[5m]))', 0, 3_540_000, 60_000);
    expect(noted.infos).toHaveLength(1);
  });
});
