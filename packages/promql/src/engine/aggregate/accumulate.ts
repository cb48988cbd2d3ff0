import type { SumColumns } from '../range/rate-sums.ts';
import { ABSENT, allPresent, FLOAT, type StepSeries } from '../value.ts';

/** Folds the members of a group step by step: one call a member, then `finish`. */
export interface Accumulator {
  add(member: StepSeries): void;
  /** Whether a float was added at a step; of `sum` and `avg`. */
  has?(step: number): boolean;
  /** Result columns. */
  finish(): { readonly values: Float64Array; readonly present: Uint8Array };
}

export type AccumulatorFactory = (count: number) => Accumulator;

/** A sum to which others may have added. */
export interface SumAccumulator extends Accumulator {
  /** Says that something was added to the columns at the steps in [from, to). */
  see(from: number, to: number): void;
}

/** Where the floats of a member are, where they are in one stretch [from, to); to is -1 where there are gaps. */
interface Stretch {
  column: Uint8Array | undefined;
  from: number;
  to: number;
}

/** Members that follow each other mostly have the same presence. */
function findStretch(stretch: Stretch, present: Uint8Array): void {
  if (present === stretch.column) return;
  stretch.column = present;
  const from = present.indexOf(FLOAT);
  stretch.from = from;
  stretch.to = from < 0 ? 0 : endOfStretch(present, from);
}

/** Compensated sum. @param columns zeros to add to, new ones unless given; they may be used again after `finish` */
export const sum = (count: number, columns?: SumColumns): SumAccumulator => {
  const sums = columns?.sums ?? new Float64Array(count);
  const losses = columns?.losses ?? new Float64Array(count);
  const seen = new Uint8Array(count);
  const all = allPresent(count);
  let complete = false;
  const stretch: Stretch = { column: undefined, from: 0, to: 0 };
  const see = (from: number, to: number): void => {
    if (from === 0 && to === count) complete = true;
    else seen.fill(FLOAT, from, to);
  };
  return {
    add({ values, present }) {
      if (present === all) {
        sumStretch(values, 0, count, sums, losses);
        complete = true;
        return;
      }
      findStretch(stretch, present);
      const { from, to } = stretch;
      if (to < 0) sumPresent(values, present, sums, losses, seen);
      else if (from >= 0) {
        sumStretch(values, from, to, sums, losses);
        see(from, to);
      }
    },
    see,
    has: (step) => complete || seen[step] === FLOAT,
    finish() {
      if (complete) seen.fill(FLOAT);
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        const total = sums[i]!;
        // What went to infinity has lost nothing else.
        values[i] = total - total === 0 ? total + losses[i]! : total;
      }
      return { values, present: seen };
    },
  };
};

/** Where the floats that begin at `from` end; -1 where there are more behind a gap. */
function endOfStretch(present: Uint8Array, from: number): number {
  let to = from;
  while (to < present.length && present[to] === FLOAT) to++;
  return present.indexOf(FLOAT, to) < 0 ? to : -1;
}

/**
 * Adds a value at every step from one to another. What an addition loses to rounding is found without a branch (Knuth's two-sum), which
 * gives exactly what Neumaier's comparison of magnitudes does.
 */
function sumStretch(values: Float64Array, from: number, to: number, sums: Float64Array, losses: Float64Array): void {
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const before = sums[i]!;
    const after = before + value;
    const added = after - before;
    losses[i]! += before - (after - added) + (value - added);
    sums[i] = after;
  }
}

function sumPresent(
  values: Float64Array,
  present: Uint8Array,
  sums: Float64Array,
  losses: Float64Array,
  seen: Uint8Array,
): void {
  for (let i = 0; i < sums.length; i++) {
    if (present[i] !== FLOAT) continue;
    const value = values[i]!;
    const before = sums[i]!;
    const after = before + value;
    const added = after - before;
    losses[i]! += before - (after - added) + (value - added);
    sums[i] = after;
    seen[i] = FLOAT;
  }
}

/** Compensated mean, kept incrementally once the sum overflows. */
export const avg: AccumulatorFactory = (count) => {
  const sums = new Float64Array(count);
  const compensation = new Float64Array(count);
  const counts = new Float64Array(count);
  const incremental = new Uint8Array(count);
  const seen = new Uint8Array(count);
  const kahan = (i: number, value: number) => {
    const before = sums[i]!;
    const after = before + value;
    if (after === Infinity || after === -Infinity) compensation[i] = 0;
    else if (Math.abs(before) >= Math.abs(value)) compensation[i]! += before - after + value;
    else compensation[i]! += value - after + before;
    sums[i] = after;
  };
  const add = (i: number, value: number) => {
    const n = ++counts[i]!;
    if (incremental[i] === 0) {
      const after = sums[i]! + value;
      if (n === 1 || (after !== Infinity && after !== -Infinity)) {
        kahan(i, value);
        return;
      }
      incremental[i] = 1;
      overflowed = true;
      sums[i]! /= n - 1;
      compensation[i]! /= n - 1;
    }
    const weight = (n - 1) / n;
    sums[i]! *= weight;
    compensation[i]! *= weight;
    kahan(i, value / n);
  };
  const stretch: Stretch = { column: undefined, from: 0, to: 0 };
  let overflowed = false;
  return {
    add({ values, present }) {
      findStretch(stretch, present);
      const { from, to } = stretch;
      if (overflowed || to < 0) {
        for (let i = 0; i < count; i++) if (present[i] === FLOAT) add(i, values[i]!);
      } else if (from >= 0) {
        const stop = meanStretch(values, from, to, sums, compensation, counts);
        for (let i = stop; i < to; i++) add(i, values[i]!);
        seen.fill(FLOAT, from, to);
        return;
      }
      for (let i = 0; i < count; i++) if (present[i] === FLOAT) seen[i] = FLOAT;
    },
    has: (step) => seen[step] === FLOAT,
    finish() {
      for (let i = 0; i < count; i++) {
        const n = incremental[i] === 1 ? 1 : counts[i]!;
        sums[i] = sums[i]! / n + compensation[i]! / n;
      }
      return { values: sums, present: seen };
    },
  };
};

/** `sumStretch` with counts, up to the first step that is not finite; returns that, or `to`. */
function meanStretch(
  values: Float64Array,
  from: number,
  to: number,
  sums: Float64Array,
  compensation: Float64Array,
  counts: Float64Array,
): number {
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const before = sums[i]!;
    const after = before + value;
    if (after - after !== 0) return i;
    const added = after - before;
    compensation[i]! += before - (after - added) + (value - added);
    sums[i] = after;
    counts[i]! += 1;
  }
  return to;
}

export const count: AccumulatorFactory = (steps) => {
  const values = new Float64Array(steps);
  const seen = new Uint8Array(steps);
  const all = allPresent(steps);
  let complete = 0;
  return {
    add({ present }) {
      if (present === all) {
        complete++;
        return;
      }
      for (let i = 0; i < steps; i++) {
        if (present[i] === ABSENT) continue;
        values[i]! += 1;
        seen[i] = FLOAT;
      }
    },
    finish() {
      if (complete > 0) seen.fill(FLOAT);
      for (let i = 0; i < steps; i++) values[i]! += complete;
      return { values, present: seen };
    },
  };
};

export const group: AccumulatorFactory = (steps) => {
  const values = new Float64Array(steps).fill(1);
  const seen = new Uint8Array(steps);
  return {
    add({ present }) {
      for (let i = 0; i < steps; i++) if (present[i] !== ABSENT) seen[i] = FLOAT;
    },
    finish: () => ({ values, present: seen }),
  };
};

/** The largest (sign 1) or smallest (sign -1); NaN only where there is nothing else. */
function extreme(sign: 1 | -1): AccumulatorFactory {
  return (steps) => {
    const values = new Float64Array(steps).fill(Number.NaN);
    const seen = new Uint8Array(steps);
    return {
      add(member) {
        if (member.present === allPresent(steps)) {
          largest(member.values, values, sign);
          seen.fill(FLOAT);
          return;
        }
        for (let i = 0; i < steps; i++) {
          if (member.present[i] !== FLOAT) continue;
          const value = member.values[i]!;
          const known = values[i]!;
          if (value * sign > known * sign || Number.isNaN(known)) values[i] = value;
          seen[i] = FLOAT;
        }
      },
      finish: () => ({ values, present: seen }),
    };
  };
}

function largest(candidates: Float64Array, values: Float64Array, sign: 1 | -1): void {
  for (let i = 0; i < values.length; i++) {
    const value = candidates[i]!;
    const known = values[i]!;
    if (value * sign > known * sign || Number.isNaN(known)) values[i] = value;
  }
}

export const min: AccumulatorFactory = extreme(-1);
export const max: AccumulatorFactory = extreme(1);

/** Welford's running variance. */
function variance(finish: (variance: number) => number): AccumulatorFactory {
  return (steps) => {
    const means = new Float64Array(steps);
    const squares = new Float64Array(steps);
    const counts = new Float64Array(steps);
    const seen = new Uint8Array(steps);
    return {
      add({ values, present }) {
        for (let i = 0; i < steps; i++) {
          if (present[i] !== FLOAT) continue;
          const value = values[i]!;
          const n = ++counts[i]!;
          seen[i] = FLOAT;
          if (n === 1) {
            means[i] = value;
            squares[i] = value - value;
            continue;
          }
          const delta = value - means[i]!;
          means[i]! += delta / n;
          squares[i]! += delta * (value - means[i]!);
        }
      },
      finish() {
        const results = squares.map((square, i) => finish(square / counts[i]!));
        return { values: results, present: seen };
      },
    };
  };
}

export const stdvar: AccumulatorFactory = variance((value) => value);
export const stddev: AccumulatorFactory = variance(Math.sqrt);
