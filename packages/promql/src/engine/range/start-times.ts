import { ABSENT, FLOAT } from '../value.ts';
import type { Windows } from './windows.ts';

/** Whether the start timestamp of sample `i` says that the counter began anew after sample `i - 1`. */
export function startedAnew(timestamps: Float64Array, starts: Float64Array, i: number): boolean {
  return startsBetween(starts[i - 1]!, timestamps[i - 1]!, starts[i]!, timestamps[i]!);
}

/**
 * Whether a counter began anew after the sample before: it started in between, or exactly then while that sample has a
 * start of its own (a delta, not an unknown start).
 */
export function startsBetween(startBefore: number, before: number, start: number, time: number): boolean {
  if (start === 0 || start >= time) return false;
  return start > before || (start === before && startBefore !== 0 && startBefore < before);
}

/** Whether a start timestamp lies before the previous sample without being that sample's own. */
export function startOverlaps(timestamps: Float64Array, starts: Float64Array, i: number): boolean {
  const start = starts[i]!;
  return start !== 0 && start < timestamps[i - 1]! && start !== starts[i - 1]!;
}

/** Whether the counter was zero at a known time inside the window, before its first sample. */
export function startsInside(timestamps: Float64Array, starts: Float64Array, first: number, startMs: number): boolean {
  const start = starts[first]!;
  return start !== 0 && start > startMs && start < timestamps[first]!;
}

/** Seconds that a difference covers and by which it may be extrapolated to either side. */
export interface Coverage {
  sampledS: number;
  toStartS: number;
  toEndS: number;
}

/** Coverage of a window whose first difference is taken from zero at the start timestamp. */
export function coverageFromStart(
  timestamps: Float64Array,
  starts: Float64Array,
  first: number,
  last: number,
  endMs: number,
): Coverage {
  const average = last === first ? 0 : (timestamps[last]! - timestamps[first]!) / 1000 / (last - first);
  const toEnd = (endMs - timestamps[last]!) / 1000;
  return {
    sampledS: (timestamps[last]! - starts[first]!) / 1000,
    toStartS: 0,
    toEndS: toEnd >= average * 1.1 ? average / 2 : toEnd,
  };
}

/** Coverage of a window without a usable start timestamp. */
export function coverage(
  timestamps: Float64Array,
  first: number,
  last: number,
  startMs: number,
  endMs: number,
): Coverage {
  const sampledS = (timestamps[last]! - timestamps[first]!) / 1000;
  const average = sampledS / (last - first);
  const toStart = (timestamps[first]! - startMs) / 1000;
  const toEnd = (endMs - timestamps[last]!) / 1000;
  return {
    sampledS,
    toStartS: toStart >= average * 1.1 ? average / 2 : toStart,
    toEndS: toEnd >= average * 1.1 ? average / 2 : toEnd,
  };
}

/** A function of counters that knows start timestamps: writes results and their presence. */
export type StartKernel = (
  values: Float64Array,
  starts: Float64Array,
  windows: Windows,
  out: Float64Array,
  present: Uint8Array,
) => void;

function extrapolated(isRate: boolean): StartKernel {
  return (values, starts, { first, last, timestamps, rangeMs, endsMs }, out, present) => {
    for (let step = 0; step < first.length; step++) {
      const from = first[step]!;
      const to = last[step]! - 1;
      present[step] = ABSENT;
      if (to < from) continue;
      const startMs = endsMs[step]! - rangeMs;
      const fromZero = startsInside(timestamps, starts, from, startMs);
      if (to === from && !fromZero) continue;
      let increase = values[to]! - (fromZero ? 0 : values[from]!);
      for (let i = from + 1; i <= to; i++) {
        if (values[i]! < values[i - 1]! || startedAnew(timestamps, starts, i)) increase += values[i - 1]!;
      }
      const covered = fromZero
        ? coverageFromStart(timestamps, starts, from, to, endsMs[step]!)
        : coverage(timestamps, from, to, startMs, endsMs[step]!);
      if (!fromZero && increase > 0 && values[from]! >= 0) {
        covered.toStartS = Math.min(covered.toStartS, covered.sampledS * (values[from]! / increase));
      }
      const factor = (covered.sampledS + covered.toStartS + covered.toEndS) / covered.sampledS;
      out[step] = increase * (isRate ? factor / (rangeMs / 1000) : factor);
      present[step] = FLOAT;
    }
  };
}

const irate: StartKernel = (values, starts, { last, timestamps, present: windowPresent }, out, present) => {
  present.set(windowPresent);
  for (let step = 0; step < last.length; step++) {
    if (present[step] !== FLOAT) continue;
    const to = last[step]! - 1;
    const reset = values[to]! < values[to - 1]! || startedAnew(timestamps, starts, to);
    const seconds = (timestamps[to]! - timestamps[to - 1]!) / 1000;
    out[step] = (reset ? values[to]! : values[to]! - values[to - 1]!) / seconds;
  }
};

const resets: StartKernel = (values, starts, { first, last, timestamps, present: windowPresent }, out, present) => {
  present.set(windowPresent);
  for (let step = 0; step < first.length; step++) {
    let count = 0;
    for (let i = first[step]! + 1; i < last[step]!; i++) {
      if (values[i]! < values[i - 1]! || startedAnew(timestamps, starts, i)) count++;
    }
    out[step] = count;
  }
};

/** Functions that take start timestamps into account. */
export const startKernels: ReadonlyMap<string, StartKernel> = new Map([
  ['increase', extrapolated(false)],
  ['irate', irate],
  ['rate', extrapolated(true)],
  ['resets', resets],
]);
