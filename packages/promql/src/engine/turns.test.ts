import { describe, expect, it } from 'vitest';
import type { FloatHistogram } from '../histogram.ts';
import type { SeriesColumns, SeriesSource } from '../source.ts';
import { createEngine } from './engine.ts';

const SAMPLES = 100;
const STEP_MS = 15_000;
const timestamps = Float64Array.from({ length: SAMPLES }, (_, i) => i * STEP_MS);
const endMs = timestamps[SAMPLES - 1]!;

function histogram(count: number): FloatHistogram {
  return {
    schema: 0,
    counterResetHint: 'unknown',
    count,
    sum: count,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: 1 }],
    positiveBuckets: Float64Array.of(count),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
}

const floats = Array.from({ length: 2000 }, (_, i): SeriesColumns => {
  const labels = ['__name__', 'f', 'i', String(i)];
  return { labels, timestamps, values: Float64Array.from(timestamps, (_, at) => at * i) };
});
const histograms = Array.from({ length: 4 }, (_, i): SeriesColumns => {
  const values = new Float64Array(SAMPLES);
  return {
    labels: ['__name__', 'h', 'i', String(i)],
    timestamps,
    values,
    histograms: Array.from(values, (_, at) => histogram(at)),
  };
});

/** Series in the second half of the time, and what describes them in the first half and in the second. */
const half = SAMPLES / 2;
const described = Array.from({ length: 500 }, (_, i): SeriesColumns[] =>
  [
    ['d', half, SAMPLES],
    ['d_info', 0, half],
    ['d_info', half, SAMPLES],
  ].map(([name, from, to]) => ({
    labels: ['__name__', String(name), 'instance', String(i), 'version', String(from)],
    timestamps: timestamps.subarray(Number(from), Number(to)),
    values: timestamps.subarray(Number(from), Number(to)),
  })),
);
const columns: Readonly<Record<string, readonly SeriesColumns[]>> = {
  f: floats,
  h: histograms,
  d: described.map(([series]) => series!),
  d_info: described.flatMap(([, ...infos]) => infos),
};

const source: SeriesSource = {
  select: async ({ matchers }) => columns[matchers.find(({ name }) => name === '__name__')!.value]!,
};

/** How many turns a query asks for if it does so whenever it looks at the clock. */
async function turnsOf(query: string, isRange = true, more: { readonly workPerLook?: number } = {}): Promise<number> {
  let turns = 0;
  const counting = { ...more, lengthMs: 0, next: async () => void turns++ };
  const engine = createEngine({ turns: counting, delayedNameRemoval: false });
  if (isRange) await engine.range(source, query, 0, endMs, STEP_MS);
  else await engine.instant(source, query, endMs);
  return turns;
}

it('looks at the clock as often as its turns say', async () => {
  const [usual, often] = [await turnsOf('f'), await turnsOf('f', true, { workPerLook: 500 })];
  expect(often).toBeGreaterThan(usual * 15);
});

describe('long work asks for turns', () => {
  // 200,000 steps of floats, 400 of histograms, each as dear as 200 of floats; a look every 10,000.
  it.each([
    ['f', 20],
    ['f * on () group_left () count(f)', 30],
    ['count(f) * on () group_right () f', 30],
    ['f or on () f', 30],
    ['f unless on () (f > 1e9)', 30],
    ['absent(f)', 30],
    ['f @ 100', 15],
    ['max_over_time(f[5m:15s])', 40],
    ['count_values("v", f)', 1000],
    ['h * 2', 8],
    ['h + h', 12],
    ['h >/ 5', 8],
    ['sum(h)', 4],
    ['histogram_count(h)', 8],
    ['histogram_stddev(h)', 8],
    ['sum_over_time(h[5m])', 100],
    ['rate(h[5m])', 100],
    ['info(d, {__name__="d_info"})', 35],
    ['max_over_time(h[5m:15s])', 6],
  ])('%s', async (query, least) => {
    expect(await turnsOf(query)).toBeGreaterThanOrEqual(least);
  });

  it('topk(2000, f) at one time', async () => {
    expect(await turnsOf('topk(2000, f)', false)).toBeGreaterThanOrEqual(15);
  });

  it('but not for pairs of series that only would fail', async () => {
    await expect(turnsOf('f + on () f')).rejects.toThrow('many-to-many matching not allowed');
    let turns = 0;
    const engine = createEngine({ turns: { lengthMs: 0, next: async () => void turns++ } });
    await expect(engine.range(source, 'f + on () f', 0, endMs, STEP_MS)).rejects.toThrow();
    expect(turns).toBeLessThan(100);
  });
});
