import { kahanAdd, kahanValue, meanAdd, meanValue } from '../kahan.ts';
import { FLOAT } from '../value.ts';
import { type RangeKernel, windowKernel } from './kernel.ts';

const state = new Float64Array(4);

/** Compensated sum in `state[0]` and `state[1]`; finite sums take a path without branches on magnitude. */
function sumWindow(values: Float64Array, from: number, to: number): void {
  let sum = 0;
  let compensation = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const next = sum + value;
    const added = next - sum;
    compensation += sum - (next - added) + (value - added);
    sum = next;
  }
  state[0] = sum;
  state[1] = compensation;
  if (Number.isFinite(sum + compensation)) return;
  state.fill(0);
  for (let i = from; i < to; i++) kahanAdd(state, 0, values[i]!);
}

export const sumOverTime = windowKernel((values, from, to) => {
  sumWindow(values, from, to);
  return kahanValue(state, 0);
});

export const avgOverTime = windowKernel((values, from, to) => {
  sumWindow(values, from, to);
  const count = to - from;
  if (Number.isFinite(state[0]!)) return state[0]! / count + state[1]! / count;
  state.fill(0);
  for (let i = from; i < to; i++) meanAdd(state, 0, values[i]!);
  return meanValue(state, 0);
});

export const countOverTime = windowKernel((_values, from, to) => to - from);

export const presentOverTime = windowKernel(() => 1);

export const firstOverTime = windowKernel((values, from) => values[from]!);

export const lastOverTime = windowKernel((values, _from, to) => values[to - 1]!);

export const minOverTime = windowKernel((values, from, to) => {
  let min = values[from]!;
  for (let i = from; i < to; i++) if (values[i]! < min || Number.isNaN(min)) min = values[i]!;
  return min;
});

export const maxOverTime = windowKernel((values, from, to) => {
  let max = values[from]!;
  for (let i = from; i < to; i++) if (values[i]! > max || Number.isNaN(max)) max = values[i]!;
  return max;
});

function variance(values: Float64Array, from: number, to: number): number {
  state.fill(0);
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const delta = value - (state[0]! + state[1]!);
    kahanAdd(state, 0, delta / (i - from + 1));
    kahanAdd(state, 2, delta * (value - (state[0]! + state[1]!)));
  }
  return (state[2]! + state[3]!) / (to - from);
}

export const stdvarOverTime = windowKernel(variance);

export const stddevOverTime = windowKernel((values, from, to) => Math.sqrt(variance(values, from, to)));

export const changes = windowKernel((values, from, to) => {
  let count = 0;
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    const before = values[i - 1]!;
    if (value !== before && !(Number.isNaN(value) && Number.isNaN(before))) count++;
  }
  return count;
});

export const resets = windowKernel((values, from, to) => {
  let count = 0;
  for (let i = from + 1; i < to; i++) if (values[i]! < values[i - 1]!) count++;
  return count;
});

export const tsOfFirstOverTime = windowKernel((_values, from, _to, timestamps) => timestamps[from]! / 1000);

export const tsOfLastOverTime = windowKernel((_values, _from, to, timestamps) => timestamps[to - 1]! / 1000);

export const tsOfMinOverTime = windowKernel((values, from, to, timestamps) => {
  let at = from;
  for (let i = from; i < to; i++) if (values[i]! <= values[at]! || Number.isNaN(values[at])) at = i;
  return timestamps[at]! / 1000;
});

export const tsOfMaxOverTime = windowKernel((values, from, to, timestamps) => {
  let at = from;
  for (let i = from; i < to; i++) if (values[i]! >= values[at]! || Number.isNaN(values[at])) at = i;
  return timestamps[at]! / 1000;
});

/** Sorts ascending, NaN first, as Prometheus does. */
export function sortNaNFirst(column: Float64Array): Float64Array {
  column.sort();
  let nans = 0;
  while (nans < column.length && Number.isNaN(column[column.length - 1 - nans])) nans++;
  if (nans > 0) {
    column.copyWithin(nans, 0, column.length - nans);
    column.fill(Number.NaN, 0, nans);
  }
  return column;
}

/** The φ-quantile by linear interpolation between ranks. @param sorted ascending, NaN first */
export function quantileOfSorted(q: number, sorted: Float64Array): number {
  if (sorted.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const rank = q * (sorted.length - 1);
  const floor = Math.floor(rank);
  const lower = Math.max(0, floor);
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - floor;
  // The next value does not count, be it infinite.
  if (weight === 0) return sorted[lower]!;
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

export const quantileOverTime: RangeKernel = (values, { first, last, present }, out, [q]) => {
  for (let step = 0; step < first.length; step++) {
    if (present[step] !== FLOAT) continue;
    out[step] = quantileOfSorted(q![step]!, sortNaNFirst(values.slice(first[step]!, last[step]!)));
  }
};

/** NaN as soon as a sample is NaN. */
export const madOverTime = windowKernel((values, from, to) => {
  const window = sortNaNFirst(values.slice(from, to));
  if (Number.isNaN(window[0])) return Number.NaN;
  const median = quantileOfSorted(0.5, window);
  for (let i = 0; i < window.length; i++) window[i] = Math.abs(window[i]! - median);
  return quantileOfSorted(0.5, sortNaNFirst(window));
});
