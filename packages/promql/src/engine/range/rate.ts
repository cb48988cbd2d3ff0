import { FLOAT } from '../value.ts';
import type { RangeKernel } from './kernel.ts';
import type { Windows } from './windows.ts';

/** What extrapolation needs to know of a window's timestamps: shared by all series with the same timestamps. */
export interface Extrapolation {
  /** Seconds between first and last sample. */
  readonly sampledS: Float64Array;
  /** Seconds to extrapolate before the first sample, before the cut at zero for counters. */
  readonly toStartS: Float64Array;
  readonly toEndS: Float64Array;
  /** Factor by which a difference grows where no cut at zero applies. */
  readonly factor: Float64Array;
  /** The same, per second of the range. */
  readonly factorPerSecond: Float64Array;
  /** A counter whose first value is above this times its increase cannot have been zero before the first sample. */
  readonly cutRatio: Float64Array;
}

/** Slightly more than 1: makes `cutRatio` err on the side of computing the cut exactly. */
const MARGIN = 1 + 2 ** -40;

const extrapolations = new WeakMap<Windows, Extrapolation>();
let latestWindows: Windows | undefined;
let latest: Extrapolation;

/** The same for the same windows. */
export function extrapolationOf(windows: Windows): Extrapolation {
  if (windows === latestWindows) return latest;
  let known = extrapolations.get(windows);
  if (known === undefined) extrapolations.set(windows, (known = extrapolate(windows)));
  latestWindows = windows;
  latest = known;
  return known;
}

function extrapolate({ first, last, timestamps, rangeMs, endsMs, from: begin, to: end }: Windows): Extrapolation {
  const count = first.length;
  const sampledS = new Float64Array(count);
  const toStartS = new Float64Array(count);
  const toEndS = new Float64Array(count);
  const factor = new Float64Array(count);
  const factorPerSecond = new Float64Array(count);
  const cutRatio = new Float64Array(count);
  for (let step = begin; step < end; step++) {
    const from = first[step]!;
    const to = last[step]! - 1;
    if (to <= from) continue;
    const sampled = (timestamps[to]! - timestamps[from]!) / 1000;
    const average = sampled / (to - from);
    const threshold = average * 1.1;
    const toStart = (timestamps[from]! - (endsMs[step]! - rangeMs)) / 1000;
    const toEnd = (endsMs[step]! - timestamps[to]!) / 1000;
    sampledS[step] = sampled;
    toStartS[step] = toStart >= threshold ? average / 2 : toStart;
    toEndS[step] = toEnd >= threshold ? average / 2 : toEnd;
    factor[step] = (sampled + toStartS[step]! + toEndS[step]!) / sampled;
    factorPerSecond[step] = factor[step]! / (rangeMs / 1000);
    cutRatio[step] = (toStartS[step]! / sampled) * MARGIN;
  }
  return { sampledS, toStartS, toEndS, factor, factorPerSecond, cutRatio };
}

let resetIndexes = new Int32Array(64);

/** Collects the indexes in [from, to) whose value is below the one before; returns how many there are. */
function findResets(values: Float64Array, from: number, to: number): number {
  let count = 0;
  let before = values[from]!;
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    if (value < before) {
      if (count === resetIndexes.length) growResets();
      resetIndexes[count++] = i;
    }
    before = value;
  }
  return count;
}

/** Whether a value that is in a window is below the one before. */
export function hasResets(values: Float64Array, { first, last, from, to }: Windows): boolean {
  return from < to && findResets(values, first[from]!, last[to - 1]!) > 0;
}

function growResets(): void {
  const grown = new Int32Array(resetIndexes.length * 2);
  grown.set(resetIndexes);
  resetIndexes = grown;
}

/** Writes last - first of every window; steps without a result get anything. */
function differences(values: Float64Array, { first, last, from, to }: Windows, out: Float64Array): void {
  for (let step = from; step < to; step++) out[step] = values[last[step]! - 1]! - values[first[step]!]!;
}

/** Adds what the counter had reached before each of its resets inside the window. */
function addResets(
  values: Float64Array,
  { first, last, from: begin, to: end }: Windows,
  resets: number,
  out: Float64Array,
): void {
  let low = 0;
  for (let step = begin; step < end; step++) {
    const from = first[step]!;
    const to = last[step]!;
    while (low < resets && resetIndexes[low]! <= from) low++;
    for (let i = low; i < resets && resetIndexes[i]! < to; i++) out[step]! += values[resetIndexes[i]! - 1]!;
  }
}

/**
 * Multiplies by the factor. A counter cannot have been below zero: extrapolation to the start stops where the line
 * crosses it.
 */
function extrapolateCounter(
  values: Float64Array,
  { first, from, to }: Windows,
  out: Float64Array,
  factors: Float64Array,
  plan: Extrapolation,
  perSeconds: number,
): void {
  const { cutRatio } = plan;
  for (let step = from; step < to; step++) {
    const increase = out[step]!;
    const start = values[first[step]!]!;
    out[step] =
      increase > 0 && start >= 0 && start <= cutRatio[step]! * increase
        ? increase * cutFactor(plan, step, start, increase, perSeconds)
        : increase * factors[step]!;
  }
}

/** The same for a counter without resets, straight from its values. */
function extrapolateSteadyCounter(
  values: Float64Array,
  { first, last, from, to }: Windows,
  out: Float64Array,
  factors: Float64Array,
  plan: Extrapolation,
  perSeconds: number,
): void {
  const { cutRatio } = plan;
  for (let step = from; step < to; step++) {
    const start = values[first[step]!]!;
    const increase = values[last[step]! - 1]! - start;
    out[step] =
      increase > 0 && start >= 0 && start <= cutRatio[step]! * increase
        ? increase * cutFactor(plan, step, start, increase, perSeconds)
        : increase * factors[step]!;
  }
}

/** Extrapolation where the timestamps are this series' own: each window's numbers are used once. */
function extrapolateSingle(
  values: Float64Array,
  windows: Windows,
  out: Float64Array,
  isCounter: boolean,
  perSeconds: number,
): void {
  const { first, last, timestamps, rangeMs, endsMs } = windows;
  for (let step = windows.from; step < windows.to; step++) {
    const from = first[step]!;
    const to = last[step]! - 1;
    if (to <= from) continue;
    const firstMs = timestamps[from]!;
    const lastMs = timestamps[to]!;
    const sampled = (lastMs - firstMs) / 1000;
    const average = sampled / (to - from);
    const threshold = average * 1.1;
    const endMs = endsMs[step]!;
    let toStart = (firstMs - (endMs - rangeMs)) / 1000;
    let toEnd = (endMs - lastMs) / 1000;
    if (toStart >= threshold) toStart = average / 2;
    if (toEnd >= threshold) toEnd = average / 2;
    const difference = out[step]!;
    const start = values[from]!;
    if (isCounter && difference > 0 && start >= 0) {
      const toZero = sampled * (start / difference);
      if (toZero < toStart) toStart = toZero;
    }
    out[step] = difference * ((sampled + toStart + toEnd) / sampled / perSeconds);
  }
}

function counter(values: Float64Array, windows: Windows, out: Float64Array, isRate: boolean, ascending: boolean): void {
  const { first, last, from, to } = windows;
  if (from >= to) return;
  const resets = ascending ? 0 : findResets(values, first[from]!, last[to - 1]!);
  if (windows.single) {
    differences(values, windows, out);
    if (resets > 0) addResets(values, windows, resets, out);
    extrapolateSingle(values, windows, out, true, isRate ? windows.rangeMs / 1000 : 1);
    return;
  }
  const plan = extrapolationOf(windows);
  const factors = isRate ? plan.factorPerSecond : plan.factor;
  const perSeconds = isRate ? windows.rangeMs / 1000 : 1;
  if (resets === 0) {
    extrapolateSteadyCounter(values, windows, out, factors, plan, perSeconds);
    return;
  }
  differences(values, windows, out);
  addResets(values, windows, resets, out);
  extrapolateCounter(values, windows, out, factors, plan, perSeconds);
}

/** The factor where the counter may have been zero inside the stretch before the first sample. */
function cutFactor(plan: Extrapolation, step: number, start: number, increase: number, perSeconds: number): number {
  const sampled = plan.sampledS[step]!;
  const toStart = Math.min(plan.toStartS[step]!, sampled * (start / increase));
  return (sampled + toStart + plan.toEndS[step]!) / sampled / perSeconds;
}

export const rate: RangeKernel = (values, windows, out, _parameters, _evalTimesMs, ascending) =>
  counter(values, windows, out, true, ascending);

export const increase: RangeKernel = (values, windows, out, _parameters, _evalTimesMs, ascending) =>
  counter(values, windows, out, false, ascending);

export const delta: RangeKernel = (values, windows, out) => {
  differences(values, windows, out);
  if (windows.single) {
    extrapolateSingle(values, windows, out, false, 1);
    return;
  }
  const { factor } = extrapolationOf(windows);
  for (let step = windows.from; step < windows.to; step++) out[step]! *= factor[step]!;
};

/** The last two samples of every window: their difference, for counters per second and aware of resets. */
function instant(isRate: boolean): RangeKernel {
  return (values, { last, timestamps, present }, out) => {
    for (let step = 0; step < last.length; step++) {
      if (present[step] !== FLOAT) continue;
      const to = last[step]! - 1;
      const value = values[to]!;
      const before = values[to - 1]!;
      if (isRate) {
        const seconds = (timestamps[to]! - timestamps[to - 1]!) / 1000;
        out[step] = (value < before ? value : value - before) / seconds;
      } else out[step] = value - before;
    }
  };
}

export const irate: RangeKernel = instant(true);
export const idelta: RangeKernel = instant(false);
