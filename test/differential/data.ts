import type { FloatHistogram, Labels, SeriesColumns } from '@opendata/promql';
import { labelsFromEntries, writeStaleMarker } from '@opendata/promql';
import {
  asReadBack,
  customHistograms,
  exponentialHistograms,
  floatsAndHistograms,
  withSteadyLayout,
} from './histograms.ts';
import { between, chance, pick, type Random } from './random.ts';

/** Start of all generated data, Unix ms, on a full minute. */
export const DATA_START_MS = 1_700_000_040_000;
/** Data covers one hour, which Prometheus keeps in its head. */
export const DATA_LENGTH_MS = 3_600_000;
export const DATA_END_MS = DATA_START_MS + DATA_LENGTH_MS;

/** A sample as generated: a float, the staleness marker or a native histogram. */
export type GeneratedValue = number | 'stale' | FloatHistogram;

export interface GeneratedSeries {
  readonly labels: Labels;
  /** Unix ms, ascending. Series of one target share the array by identity. */
  readonly timestamps: Float64Array;
  readonly values: readonly GeneratedValue[];
}

export type Values = (random: Random, times: Float64Array) => GeneratedValue[];

/**
 * A set of series that has something of everything that queries trip over.
 * @param histograms native histograms too
 */
export function generateData(random: Random, histograms = false): GeneratedSeries[] {
  const series: GeneratedSeries[] = [];
  const add = (labels: Record<string, string>, times: Float64Array, values: Values): void => {
    series.push(
      ...withGaps(random, labelsFromEntries(Object.entries(labels)), times, withSteadyLayout(values(random, times))),
    );
  };
  for (const job of ['api', 'db']) {
    for (const instance of ['i1', 'i2', 'i3']) {
      if (job === 'db' && instance === 'i3') continue;
      const target = { job, instance };
      const times = scrapeTimes(random);
      add({ ...target, __name__: 'up' }, times, upDown);
      for (const code of ['200', '404', '500']) {
        if (chance(random, 0.9)) add({ ...target, code, __name__: 'requests_total' }, times, counter);
        if (code !== '200' && chance(random, 0.8)) add({ ...target, code, __name__: 'errors_total' }, times, counter);
      }
      add({ ...target, room: pick(random, ['kitchen', 'hall']), __name__: 'temperature' }, times, gauge);
      add({ ...target, __name__: 'constant' }, times, (r, t) => constants(r, t));
      if (chance(random, 0.8)) addClassicHistogram(random, target, times, series);
      add({ ...target, version: pick(random, ['1.0', '2.0']), __name__: 'target_info' }, times, ones);
      if (chance(random, 0.6)) add({ ...target, build: pick(random, ['a', 'b']), __name__: 'build_info' }, times, ones);
    }
    add({ job, __name__: 'twin_a' }, scrapeTimes(random), gauge);
    add({ job, __name__: 'twin_b' }, scrapeTimes(random), gauge);
    add({ job, kind: 'x', __name__: 'special' }, scrapeTimes(random), specials);
    add({ job, kind: 'y', __name__: 'special' }, scrapeTimes(random), specials);
    add({ job, __name__: 'sparse' }, sparseTimes(random), gauge);
    add({ job, 'region.name': 'eu-1', __name__: 'http.load' }, scrapeTimes(random), gauge);
  }
  add({ job: 'api', __name__: 'on_grid' }, evenTimes(0, 15_000), counter);
  add({ job: 'db', __name__: 'on_grid' }, evenTimes(0, 60_000), gauge);
  if (histograms) {
    for (const job of ['api', 'db']) {
      for (const instance of ['i1', 'i2']) {
        const times = scrapeTimes(random);
        add({ job, instance, __name__: 'native' }, times, exponentialHistograms);
        add({ job, instance, __name__: 'native_custom' }, times, customHistograms);
        if (instance === 'i1') add({ job, instance, __name__: 'mixed' }, times, floatsAndHistograms);
      }
    }
  }
  return series;
}

/** The series as the engine reads them. */
export function toColumns({ labels, timestamps, values }: GeneratedSeries): SeriesColumns {
  const column = Float64Array.from(values, (value) => (typeof value === 'number' ? value : 0));
  for (const [i, value] of values.entries()) if (value === 'stale') writeStaleMarker(column, i);
  if (values.every((value) => typeof value !== 'object')) {
    // Of some series a source knows how far they ascend, of others not.
    if (labels.length % 4 === 0) return { labels, timestamps, values: column };
    const end = column.findIndex((value, i) => !(value >= (i === 0 ? Number.NEGATIVE_INFINITY : column[i - 1]!)));
    return { labels, timestamps, values: column, ascendingCount: end < 0 ? column.length : end };
  }
  return {
    labels,
    timestamps,
    values: column,
    histograms: asReadBack(values),
  };
}

function scrapeTimes(random: Random): Float64Array {
  const intervalMs = pick(random, [10_000, 15_000, 30_000, 60_000]);
  const phaseMs = Math.floor(random() * intervalMs);
  const jitterMs = chance(random, 0.4) ? 7 : 0;
  return evenTimes(phaseMs, intervalMs).map((time) => time + Math.floor(random() * jitterMs));
}

function evenTimes(phaseMs: number, intervalMs: number): Float64Array {
  const count = Math.floor((DATA_LENGTH_MS - phaseMs - 10) / intervalMs);
  return Float64Array.from({ length: count }, (_, i) => DATA_START_MS + phaseMs + i * intervalMs);
}

function sparseTimes(random: Random): Float64Array {
  const times: number[] = [];
  let time = DATA_START_MS + Math.floor(random() * 60_000);
  while (time < DATA_END_MS - 10) {
    times.push(time);
    time += between(random, 1_000, 900_000);
  }
  return Float64Array.from(times);
}

/** Leaves samples out for a while, with or without a staleness marker first; keeps the shared array where it can. */
function withGaps(random: Random, labels: Labels, times: Float64Array, values: GeneratedValue[]): GeneratedSeries[] {
  if (chance(random, 0.5)) return [{ labels, timestamps: times, values }];
  const kept: number[] = [];
  const keptValues: GeneratedValue[] = [];
  let i = 0;
  while (i < times.length) {
    if (chance(random, 0.01)) {
      if (chance(random, 0.5)) {
        kept.push(times[i]!);
        keptValues.push('stale');
      }
      i += between(random, 1, Math.ceil(times.length / 5));
      continue;
    }
    kept.push(times[i]!);
    keptValues.push(values[i]!);
    i++;
  }
  return kept.length === 0 ? [] : [{ labels, timestamps: Float64Array.from(kept), values: keptValues }];
}

const counter: Values = (random, times) => {
  const whole = chance(random, 0.6);
  let value = chance(random, 0.3) ? 0 : between(random, 0, 1_000);
  const resetChance = pick(random, [0, 0.01, 0.1]);
  return Array.from(times, () => {
    const by = whole ? between(random, 0, 20) : random() * 20;
    value = chance(random, resetChance) ? between(random, 0, 5) : value + (chance(random, 0.2) ? 0 : by);
    return value;
  });
};

const gauge: Values = (random, times) => {
  let value = random() * 40 - 10;
  return Array.from(times, () => {
    if (chance(random, 0.3)) value += random() * 4 - 2;
    if (chance(random, 0.02)) value = Math.round(value);
    return chance(random, 0.01) ? Number.NaN : value;
  });
};

const upDown: Values = (random, times) => Array.from(times, () => (chance(random, 0.9) ? 1 : 0));
const ones: Values = (_, times) => Array.from(times, () => 1);

const constants: Values = (random, times) => {
  const value = pick(random, [0, 1, 3, -2.5, 100, 1e9]);
  return Array.from(times, () => value);
};

const SPECIALS = [Number.NaN, Infinity, -Infinity, -0, 0, 1e308, -1e308, 2.3e-308, 1e-9, 0.1, 1, 2 ** 53, -7, 1.5, 2.5];

const specials: Values = (random, times) => Array.from(times, () => pick(random, SPECIALS));

const BOUNDS = ['0.1', '0.5', '1', '2.5', '10', '+Inf'];

function addClassicHistogram(
  random: Random,
  target: Record<string, string>,
  times: Float64Array,
  series: GeneratedSeries[],
): void {
  const isBroken = chance(random, 0.2);
  const counts = BOUNDS.map(() => 0);
  const columns = BOUNDS.map((): number[] => []);
  const sums: number[] = [];
  let sum = 0;
  for (let i = 0; i < times.length; i++) {
    const observed = between(random, 0, 6);
    for (let n = 0; n < observed; n++) {
      const value = random() ** 3 * 14;
      sum += value;
      for (const [b, bound] of BOUNDS.entries()) if (value <= Number(bound.replace('+Inf', 'Infinity'))) counts[b]!++;
    }
    sums.push(sum);
    for (const [b, column] of columns.entries()) column.push(counts[b]! + (isBroken && b === 2 ? 3 : 0));
  }
  for (const [b, bound] of BOUNDS.entries()) {
    if (isBroken && chance(random, 0.15)) continue;
    const le = isBroken && b === 0 ? 'low' : bound;
    const labels = labelsFromEntries(Object.entries({ ...target, le, __name__: 'latency_bucket' }));
    series.push({ labels, timestamps: times, values: columns[b]! });
  }
  const suffixed = (suffix: string) => labelsFromEntries(Object.entries({ ...target, __name__: `latency_${suffix}` }));
  series.push({ labels: suffixed('count'), timestamps: times, values: columns.at(-1)! });
  series.push({ labels: suffixed('sum'), timestamps: times, values: sums });
}
