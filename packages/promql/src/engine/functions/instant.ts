import type { QueryContext } from '../context.ts';
import { named } from '../series.ts';
import {
  ABSENT,
  columnAllocator,
  FLOAT,
  floatSeries,
  presenceAllocator,
  type StepSeries,
  type VectorValue,
} from '../value.ts';
import { maxOf, minOf } from './math.ts';

/** Writes the function's value at the steps where `present` is FLOAT; may unset `present`. */
export type ColumnFunction = (values: Float64Array, out: Float64Array, present: Uint8Array) => void;

/** A column function from a function of one value. */
export function mapFloats(compute: (x: number) => number): ColumnFunction {
  return (values, out, present) => {
    for (let i = 0; i < out.length; i++) if (present[i] === FLOAT) out[i] = compute(values[i]!);
  };
}

/** Applies a function to the floats of every series and drops the metric name; histograms are ignored. */
export async function mapVector(ctx: QueryContext, vector: VectorValue, compute: ColumnFunction): Promise<VectorValue> {
  const [first] = vector.series;
  const count = first === undefined ? 0 : first.present.length;
  const allocate = columnAllocator(count);
  const allocatePresent = presenceAllocator(count);
  const series: StepSeries[] = [];
  for (const element of vector.series) {
    const present = allocatePresent();
    present.set(element.present);
    if (element.histograms !== undefined) unsetHistograms(present);
    const out = allocate();
    compute(element.values, out, present);
    if (present.includes(FLOAT)) {
      const { labels, dropName } = named(ctx, element, true);
      series.push(floatSeries(labels, dropName, out, present));
    }
    if (ctx.due(out.length)) await ctx.pause();
  }
  return { kind: 'vector', series };
}

function unsetHistograms(present: Uint8Array): void {
  for (let i = 0; i < present.length; i++) if (present[i] !== FLOAT) present[i] = ABSENT;
}

/** `round(v, to)`. */
export function roundTo(nearest: Float64Array): ColumnFunction {
  return (values, out, present) => {
    for (let i = 0; i < out.length; i++) {
      if (present[i] !== FLOAT) continue;
      const inverse = 1 / nearest[i]!;
      out[i] = Math.floor(values[i]! * inverse + 0.5) / inverse;
    }
  };
}

function clampOne(value: number, min: number | undefined, max: number | undefined): number {
  const capped = max === undefined ? value : minOf(max, value);
  return min === undefined ? capped : maxOf(min, capped);
}

/** `clamp(v, min, max)`: nothing where min is above max. */
export function clampTo(min: Float64Array | undefined, max: Float64Array | undefined): ColumnFunction {
  return (values, out, present) => {
    for (let i = 0; i < out.length; i++) {
      if (present[i] !== FLOAT) continue;
      const low = min?.[i] ?? -Infinity;
      const high = max?.[i] ?? Infinity;
      if (high < low) present[i] = 0;
      else out[i] = clampOne(values[i]!, min?.[i], max?.[i]);
    }
  };
}
