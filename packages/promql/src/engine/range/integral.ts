import { kahanAdd, kahanValue } from '../kahan.ts';
import { FLOAT } from '../value.ts';
import type { RangeKernel } from './kernel.ts';

const LEFT = 0;
const RIGHT = 1;
const TRAPEZOID = 2;

const total = new Float64Array(2);
const middle = new Float64Array(2);

/** Whether Prometheus knows this second argument of `integral`: 0 for left sums, 1 for right ones, 2 for trapezoids. */
export function isIntegralStrategy(strategy: number): boolean {
  return strategy === LEFT || strategy === RIGHT || strategy === TRAPEZOID;
}

/**
 * The area under the samples, in value times seconds, from the first to the last sample of the window: that of one sample
 * is 0. A NaN counts as 0. Without a strategy that is known, of trapezoids.
 */
export const integral: RangeKernel = (values, { first, last, timestamps, present }, out, [strategies]) => {
  for (let step = 0; step < first.length; step++) {
    if (present[step] !== FLOAT) continue;
    const strategy = strategies?.[step];
    total.fill(0);
    for (let i = first[step]! + 1; i < last[step]!; i++) {
      const seconds = (timestamps[i]! - timestamps[i - 1]!) / 1000;
      if (strategy === LEFT) addArea(values[i - 1]!, seconds);
      else if (strategy === RIGHT) addArea(values[i]!, seconds);
      else addTrapezoid(values[i - 1]!, values[i]!, seconds);
    }
    out[step] = kahanValue(total, 0);
  }
};

function addArea(value: number, seconds: number): void {
  if (!Number.isNaN(value)) kahanAdd(total, 0, value * seconds);
}

/** The mean of both sides is itself a compensated sum, of halves, which do not overflow; both of its parts are added. */
function addTrapezoid(before: number, after: number, seconds: number): void {
  middle[0] = Number.isNaN(before) ? 0 : before / 2;
  middle[1] = 0;
  if (!Number.isNaN(after)) kahanAdd(middle, 0, after / 2);
  kahanAdd(total, 0, middle[0]! * seconds);
  kahanAdd(total, 0, middle[1]! * seconds);
}
