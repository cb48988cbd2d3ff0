import type { QueryContext } from '../context.ts';
import { quantileOfSorted, sortNaNFirst } from '../range/over-time.ts';
import { FLOAT, floatSeries, GATHER_WORK, type StepSeries } from '../value.ts';
import { dropsName, type Group } from './grouping.ts';
import { createRows, gatherRows } from './rows.ts';

/** Fewer values are simply sorted. */
const MIN_SELECTED = 32;

/** `quantile` of one group. @param qs by step */
export async function quantileOfGroup(ctx: QueryContext, group: Group, qs: Float64Array): Promise<StepSeries[]> {
  const { members, labels } = group;
  const values = new Float64Array(qs.length);
  const present = new Uint8Array(qs.length);
  const rows = createRows(qs.length, members.length);
  for (let from = 0; from < qs.length; from += rows.steps) {
    const to = Math.min(qs.length, from + rows.steps);
    if (ctx.due(members.length * GATHER_WORK * (to - from))) await ctx.pause();
    gatherRows(members, from, to, rows);
    for (let step = from; step < to; step++) {
      const count = rows.counts[step - from]!;
      if (count === 0) continue;
      if (ctx.due(members.length * GATHER_WORK)) await ctx.pause();
      const start = (step - from) * members.length;
      values[step] = quantileOf(qs[step]!, rows.values.subarray(start, start + count));
      present[step] = FLOAT;
    }
  }
  return present.includes(FLOAT) ? [floatSeries(labels, dropsName(group), values, present)] : [];
}

/** The φ-quantile of values in any order, which it moves. */
export function quantileOf(q: number, values: Float64Array): number {
  const { length } = values;
  if (length < MIN_SELECTED || !(q >= 0 && q <= 1) || hasNaN(values)) return quantileOfSorted(q, sortNaNFirst(values));
  const rank = q * (length - 1);
  const lower = Math.floor(rank);
  selectNth(values, lower);
  const weight = rank - lower;
  if (weight === 0) return values[lower]!;
  const upper = lower + 1 < length ? smallest(values, lower + 1) : values[lower]!;
  return values[lower]! * (1 - weight) + upper * weight;
}

function hasNaN(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

/** Moves the n-th smallest value to index n: nothing above it is left of it, nothing below it right. */
function selectNth(values: Float64Array, n: number): void {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = medianOfThree(values[low]!, values[(low + high) >>> 1]!, values[high]!);
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (n <= j) high = j;
    else if (n >= i) low = i;
    else return;
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

function smallest(values: Float64Array, from: number): number {
  let found = values[from]!;
  for (let i = from + 1; i < values.length; i++) if (values[i]! < found) found = values[i]!;
  return found;
}
