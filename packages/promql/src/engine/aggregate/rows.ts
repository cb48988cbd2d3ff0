import { FLOAT, type StepSeries } from '../value.ts';

/** Most steps whose values are gathered in one pass over the members, and most values. */
const MAX_STEPS = 16;
const MAX_VALUES = 2 ** 18;

/** The floats of a group's members by step: a row a step, in the order of the members. */
export interface Rows {
  /** How many rows there are. */
  readonly steps: number;
  /** Room in each. */
  readonly length: number;
  readonly values: Float64Array;
  /** Whose value it is, as an index of the group's members. */
  readonly members: Int32Array;
  /** Values in each row. */
  readonly counts: Int32Array;
}

/** @param length the number of members */
export function createRows(steps: number, length: number): Rows {
  const rows = Math.min(MAX_STEPS, steps, Math.max(1, Math.floor(MAX_VALUES / length)));
  return {
    steps: rows,
    length,
    values: new Float64Array(rows * length),
    members: new Int32Array(rows * length),
    counts: new Int32Array(rows),
  };
}

/** Fills the rows with the steps in [from, to), at most as many as there are rows. */
export function gatherRows(members: readonly StepSeries[], from: number, to: number, rows: Rows): void {
  rows.counts.fill(0);
  for (let m = 0; m < members.length; m++) append(members[m]!, m, from, to, rows);
}

function append({ values, present }: StepSeries, m: number, from: number, to: number, rows: Rows): void {
  const { counts, length } = rows;
  for (let step = from, row = 0; step < to; step++, row++) {
    if (present[step] !== FLOAT) continue;
    const at = row * length + counts[row]!;
    rows.values[at] = values[step]!;
    rows.members[at] = m;
    counts[row]! += 1;
  }
}
