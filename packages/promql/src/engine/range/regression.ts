import { kahanAdd } from '../kahan.ts';
import { FLOAT } from '../value.ts';
import type { RangeKernel } from './kernel.ts';

const sums = new Float64Array(8);
const line = { slope: 0, intercept: 0 };

/** Least squares over the samples [from, to), x in seconds relative to `interceptMs`; the result is in `line`. */
function fitLine(
  values: Float64Array,
  timestamps: Float64Array,
  from: number,
  to: number,
  interceptMs: number,
): typeof line {
  sums.fill(0);
  const first = values[from]!;
  let constant = true;
  for (let i = from; i < to; i++) {
    const y = values[i]!;
    if (i > from && y !== first) constant = false;
    const x = (timestamps[i]! - interceptMs) / 1000;
    kahanAdd(sums, 0, x);
    kahanAdd(sums, 2, y);
    kahanAdd(sums, 4, x * y);
    kahanAdd(sums, 6, x * x);
  }
  if (constant) {
    const infinite = first === Infinity || first === -Infinity;
    line.slope = infinite ? Number.NaN : 0;
    line.intercept = infinite ? Number.NaN : first;
    return line;
  }
  const n = to - from;
  const sumX = sums[0]! + sums[1]!;
  const sumY = sums[2]! + sums[3]!;
  const sumXY = sums[4]! + sums[5]!;
  const sumX2 = sums[6]! + sums[7]!;
  const covariance = sumXY - (sumX * sumY) / n;
  const variance = sumX2 - (sumX * sumX) / n;
  line.slope = covariance / variance;
  line.intercept = sumY / n - (line.slope * sumX) / n;
  return line;
}

export const deriv: RangeKernel = (values, { first, last, timestamps, present }, out) => {
  for (let step = 0; step < first.length; step++) {
    const from = first[step]!;
    const to = last[step]!;
    if (present[step] !== FLOAT) continue;
    out[step] = fitLine(values, timestamps, from, to, timestamps[from]!).slope;
  }
};

export const predictLinear: RangeKernel = (values, { first, last, timestamps, present }, out, [ahead], evalTimesMs) => {
  for (let step = 0; step < first.length; step++) {
    const from = first[step]!;
    const to = last[step]!;
    if (present[step] !== FLOAT) continue;
    const { slope, intercept } = fitLine(values, timestamps, from, to, evalTimesMs[step]!);
    out[step] = slope * ahead![step]! + intercept;
  }
};

/** Holt's linear smoothing with factors inside (0, 1). */
export const doubleExponentialSmoothing: RangeKernel = (values, { first, last, present }, out, [smoothing, trends]) => {
  for (let step = 0; step < first.length; step++) {
    const from = first[step]!;
    const to = last[step]!;
    const smoothingFactor = smoothing![step]!;
    const trendFactor = trends![step]!;
    if (present[step] !== FLOAT) continue;
    let before = 0;
    let level = values[from]!;
    let trend = values[from + 1]! - level;
    for (let i = from + 1; i < to; i++) {
      const x = smoothingFactor * values[i]!;
      if (i > from + 1) trend = trendFactor * (level - before) + (1 - trendFactor) * trend;
      const y = (1 - smoothingFactor) * (level + trend);
      before = level;
      level = x + y;
    }
    out[step] = level;
  }
};
