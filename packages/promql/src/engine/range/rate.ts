import { FLOAT } from '../value.ts';
import type { RangeKernel } from './kernel.ts';
import type { Windows } from './windows.ts';

/** What extrapolation needs to know of a window's timestamps: shared by all series with the same timestamps. */
interface Extrapolation {
  /** Seconds between first and last sample. */
  readonly sampledS: Float64Array;
  /** Seconds to extrapolate before the first sample, before the cut at zero for counters. */
  readonly toStartS: Float64Array;
  readonly toEndS: Float64Array;
}

const extrapolations = new WeakMap<Windows, Extrapolation>();

function extrapolationOf(windows: Windows): Extrapolation {
  let known = extrapolations.get(windows);
  if (known === undefined) extrapolations.set(windows, (known = extrapolate(windows)));
  return known;
}

function extrapolate({ first, last, timestamps, rangeMs, endsMs }: Windows): Extrapolation {
  const count = first.length;
  const sampledS = new Float64Array(count);
  const toStartS = new Float64Array(count);
  const toEndS = new Float64Array(count);
  for (let step = 0; step < count; step++) {
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
  }
  return { sampledS, toStartS, toEndS };
}

let resetIndexes = new Int32Array(64);

/** Collects the indexes in [from, to) whose value is below the one before; returns how many there are. */
function findResets(values: Float64Array, from: number, to: number): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) {
    if (values[i]! < values[i - 1]!) {
      if (count === resetIndexes.length) {
        const grown = new Int32Array(count * 2);
        grown.set(resetIndexes);
        resetIndexes = grown;
      }
      resetIndexes[count++] = i;
    }
  }
  return count;
}

/** Writes last - first of every window with at least two samples. */
function differences(values: Float64Array, { first, last }: Windows, out: Float64Array, present: Uint8Array): void {
  for (let step = 0; step < first.length; step++) {
    const from = first[step]!;
    const to = last[step]! - 1;
    if (to <= from) continue;
    out[step] = values[to]! - values[from]!;
    present[step] = FLOAT;
  }
}

/** Adds what the counter had reached before each of its resets inside the window. */
function addResets(values: Float64Array, { first, last }: Windows, out: Float64Array): void {
  const count = first.length;
  if (count === 0) return;
  const resets = findResets(values, first[0]!, last[count - 1]!);
  if (resets === 0) return;
  let low = 0;
  for (let step = 0; step < count; step++) {
    const from = first[step]!;
    const to = last[step]!;
    while (low < resets && resetIndexes[low]! <= from) low++;
    for (let i = low; i < resets && resetIndexes[i]! < to; i++) out[step]! += values[resetIndexes[i]! - 1]!;
  }
}

function extrapolateGauge(windows: Windows, out: Float64Array, present: Uint8Array): void {
  const { sampledS, toStartS, toEndS } = extrapolationOf(windows);
  for (let step = 0; step < out.length; step++) {
    if (present[step] !== FLOAT) continue;
    const sampled = sampledS[step]!;
    out[step]! *= (sampled + toStartS[step]! + toEndS[step]!) / sampled;
  }
}

/** A counter cannot have been below zero: extrapolation to the start stops where the line crosses it. */
function extrapolateCounter(
  values: Float64Array,
  windows: Windows,
  out: Float64Array,
  present: Uint8Array,
  perSeconds: number,
): void {
  const { sampledS, toStartS, toEndS } = extrapolationOf(windows);
  const { first } = windows;
  for (let step = 0; step < out.length; step++) {
    if (present[step] !== FLOAT) continue;
    const sampled = sampledS[step]!;
    const increase = out[step]!;
    const start = values[first[step]!]!;
    let toStart = toStartS[step]!;
    if (increase > 0 && start >= 0) {
      const toZero = sampled * (start / increase);
      if (toZero < toStart) toStart = toZero;
    }
    out[step] = increase * ((sampled + toStart + toEndS[step]!) / sampled / perSeconds);
  }
}

export const rate: RangeKernel = (values, windows, out, present) => {
  differences(values, windows, out, present);
  addResets(values, windows, out);
  extrapolateCounter(values, windows, out, present, windows.rangeMs / 1000);
};

export const increase: RangeKernel = (values, windows, out, present) => {
  differences(values, windows, out, present);
  addResets(values, windows, out);
  extrapolateCounter(values, windows, out, present, 1);
};

export const delta: RangeKernel = (values, windows, out, present) => {
  differences(values, windows, out, present);
  extrapolateGauge(windows, out, present);
};

/** The last two samples of every window: their difference, for counters per second and aware of resets. */
function instant(isRate: boolean): RangeKernel {
  return (values, { first, last, timestamps }, out, present) => {
    for (let step = 0; step < first.length; step++) {
      const to = last[step]! - 1;
      if (to <= first[step]!) continue;
      const intervalMs = timestamps[to]! - timestamps[to - 1]!;
      if (intervalMs === 0) continue;
      const value = values[to]!;
      const before = values[to - 1]!;
      if (isRate) out[step] = (value < before ? value : value - before) / (intervalMs / 1000);
      else out[step] = value - before;
      present[step] = FLOAT;
    }
  };
}

export const irate: RangeKernel = instant(true);
export const idelta: RangeKernel = instant(false);
