import { FLOAT } from '../value.ts';
import type { Windows } from './windows.ts';

/**
 * A function over the float samples of a range, for all steps of one series: writes `out[step]` where
 * `windows.present[step]` says that there is a result. `parameters` are the function's scalar arguments by step;
 * `evalTimesMs` the evaluation times; `ascending` says that no value is NaN or below the one before it.
 */
export type RangeKernel = (
  values: Float64Array,
  windows: Windows,
  out: Float64Array,
  parameters: readonly Float64Array[],
  evalTimesMs: Float64Array,
  ascending: boolean,
) => void;

/** A kernel from a function of one window [from, to), which is never empty. */
export function windowKernel(
  compute: (values: Float64Array, from: number, to: number, timestamps: Float64Array) => number,
): RangeKernel {
  return (values, { first, last, timestamps, present }, out) => {
    for (let step = 0; step < first.length; step++) {
      if (present[step] === FLOAT) out[step] = compute(values, first[step]!, last[step]!, timestamps);
    }
  };
}
