import { FLOAT } from '../value.ts';
import type { Windows } from './windows.ts';

/**
 * A function over the float samples of a range, for all steps of one series: writes `out[step]` and marks
 * `present[step]` where the function has a result. `parameters` are the function's scalar arguments by step;
 * `evalTimesMs` the evaluation times.
 */
export type RangeKernel = (
  values: Float64Array,
  windows: Windows,
  out: Float64Array,
  present: Uint8Array,
  parameters: readonly Float64Array[],
  evalTimesMs: Float64Array,
) => void;

/** A kernel from a function of one window [from, to) that is never empty. */
export function windowKernel(
  compute: (values: Float64Array, from: number, to: number, timestamps: Float64Array) => number,
): RangeKernel {
  return (values, { first, last, timestamps }, out, present) => {
    for (let step = 0; step < first.length; step++) {
      const from = first[step]!;
      const to = last[step]!;
      if (from === to) continue;
      out[step] = compute(values, from, to, timestamps);
      present[step] = FLOAT;
    }
  };
}
