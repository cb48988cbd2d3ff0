import { describe, expect, it } from 'vitest';
import type { SeriesSource } from '../../source.ts';
import { createEngine, type MatrixSeries } from '../engine.ts';

const SECOND = 1000;
const SAMPLES = 6000;
const timestamps = Float64Array.from({ length: SAMPLES }, (_, i) => i * SECOND + ((i * 7919) % 400));
const counter = Float64Array.from({ length: SAMPLES }, (_, i) => (i % 1700) * 1.5);
const gauge = Float64Array.from({ length: SAMPLES }, (_, i) => Math.sin(i / 50) * 1e6 + (i % 13));
const columns = [
  { labels: ['__name__', 'm_total', 'i', '0'], timestamps, values: counter },
  { labels: ['__name__', 'm_total', 'i', '1'], timestamps, values: gauge },
  { labels: ['__name__', 'm_total', 'i', '2'], timestamps: timestamps.slice(), values: gauge },
];
const source: SeriesSource = { select: async () => columns };
const started = columns.map((series) => ({ ...series, startTimestamps: new Float64Array(SAMPLES).fill(-SECOND) }));
const engine = createEngine();

/** By series and time. */
async function valuesOf(query: string, startS: number, endS: number): Promise<Map<string, number>> {
  const { value } = await engine.range(source, query, startS * SECOND, endS * SECOND, SECOND);
  const found = new Map<string, number>();
  for (const { labels, timestamps, values } of value as MatrixSeries[]) {
    for (let i = 0; i < timestamps.length; i++) found.set(`${labels.join()}@${timestamps[i]}`, values[i]!);
  }
  return found;
}

describe('a range function over more window samples than go into one turn of the event loop', () => {
  it.each([
    'rate(m_total[30m])',
    'increase(m_total[30m])',
    'delta(m_total[30m])',
    'idelta(m_total[30m])',
    'deriv(m_total[30m])',
    'predict_linear(m_total[30m], time() / 100)',
    'quantile_over_time(scalar(vector(time() % 10 / 10)), m_total[30m])',
    'avg_over_time(m_total[30m])',
    'integral(m_total[30m], time() % 4)',
    'sum_over_time(m_total[30m])',
    'max_over_time(m_total[30m])',
    'stddev_over_time(m_total[30m])',
    'resets(m_total[30m])',
    'changes(m_total[30m])',
    'last_over_time(m_total[30m])',
    'present_over_time(m_total[30m])',
    'rate(m_total[30m] anchored)',
    'increase(m_total[30m] smoothed)',
  ])('%s is what it is over a few steps at a time', async (query) => {
    const whole = await valuesOf(query, 900, 2500);
    const parts = new Map<string, number>();
    for (let start = 900; start <= 2500; start += 400) {
      for (const [key, value] of await valuesOf(query, start, Math.min(2500, start + 399))) parts.set(key, value);
    }
    expect(whole.size).toBeGreaterThan(4000);
    expect(new Map([...whole].sort())).toEqual(new Map([...parts].sort()));
  });

  it.each(['rate(m_total[30m])', 'rate(m_total[30m] smoothed)'])(
    '%s takes turns, also with start timestamps',
    async (query) => {
      const turnsOf = async (series: typeof columns, useStartTimestamps: boolean): Promise<number> => {
        let turns = 0;
        const engine = createEngine({ useStartTimestamps, turns: { lengthMs: 0, next: async () => void turns++ } });
        await engine.range({ select: async () => series }, query, 900 * SECOND, 2500 * SECOND, SECOND);
        return turns;
      };
      expect(await turnsOf(started, true)).toBe(await turnsOf(columns, false));
    },
  );
});
