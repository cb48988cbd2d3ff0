import { integral } from './integral.ts';
import type { RangeKernel } from './kernel.ts';
import * as overTime from './over-time.ts';
import * as rates from './rate.ts';
import * as regression from './regression.ts';

export interface RangeFunction {
  readonly kernel: RangeKernel;
  /** The result keeps the metric name. */
  readonly keepsName?: true;
  /** Expects a counter: a metric that is not named like one is worth an info. */
  readonly counter?: true;
  /** Of `rate` and `increase`: whether it is per second. */
  readonly isRate?: boolean;
  /** Samples that a window needs for a result; 1 unless given. */
  readonly minSamples?: 2;
  /** Index of the range argument; 0 unless given. */
  readonly rangeArgument?: number;
}

export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ['avg_over_time', { kernel: overTime.avgOverTime }],
  ['changes', { kernel: overTime.changes }],
  ['count_over_time', { kernel: overTime.countOverTime }],
  ['delta', { kernel: rates.delta, minSamples: 2 }],
  ['deriv', { kernel: regression.deriv, minSamples: 2 }],
  ['double_exponential_smoothing', { kernel: regression.doubleExponentialSmoothing, minSamples: 2 }],
  ['first_over_time', { kernel: overTime.firstOverTime, keepsName: true }],
  ['idelta', { kernel: rates.idelta, minSamples: 2 }],
  ['increase', { kernel: rates.increase, minSamples: 2, counter: true, isRate: false }],
  ['integral', { kernel: integral }],
  ['irate', { kernel: rates.irate, minSamples: 2 }],
  ['last_over_time', { kernel: overTime.lastOverTime, keepsName: true }],
  ['mad_over_time', { kernel: overTime.madOverTime }],
  ['max_over_time', { kernel: overTime.maxOverTime }],
  ['min_over_time', { kernel: overTime.minOverTime }],
  ['predict_linear', { kernel: regression.predictLinear, minSamples: 2 }],
  ['present_over_time', { kernel: overTime.presentOverTime }],
  ['quantile_over_time', { kernel: overTime.quantileOverTime, rangeArgument: 1 }],
  ['rate', { kernel: rates.rate, minSamples: 2, counter: true, isRate: true }],
  ['resets', { kernel: overTime.resets }],
  ['stddev_over_time', { kernel: overTime.stddevOverTime }],
  ['stdvar_over_time', { kernel: overTime.stdvarOverTime }],
  ['sum_over_time', { kernel: overTime.sumOverTime }],
  ['ts_of_first_over_time', { kernel: overTime.tsOfFirstOverTime }],
  ['ts_of_last_over_time', { kernel: overTime.tsOfLastOverTime }],
  ['ts_of_max_over_time', { kernel: overTime.tsOfMaxOverTime }],
  ['ts_of_min_over_time', { kernel: overTime.tsOfMinOverTime }],
]);
