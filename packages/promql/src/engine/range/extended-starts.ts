import { lowerBound } from '../lower-bound.ts';
import { ABSENT, FLOAT } from '../value.ts';
import { type Extension, interpolateAt } from './extended.ts';
import { type StartKernel, startKernels, startsBetween } from './start-times.ts';

/** A sample of a counter, or the zero at a start timestamp. */
interface CounterSample {
  readonly timeMs: number;
  readonly value: number;
  readonly startMs: number;
}

/** The value at an end of a window, and the start timestamp that holds there, 0 if none is known. */
interface Edge {
  readonly value: number;
  readonly startMs: number;
}

/** Unlike between the samples of `rate` without modifiers, the same start timestamp twice is no new start here. */
function beginsAnew(before: CounterSample, { startMs, timeMs }: CounterSample): boolean {
  return startMs !== before.startMs && startsBetween(before.startMs, before.timeMs, startMs, timeMs);
}

/** Whether a sample says that its counter started after a time, and that time lies before the sample. */
function startsAfter(afterMs: number, { startMs, timeMs }: CounterSample): boolean {
  return startMs !== 0 && startMs > afterMs && startMs < timeMs;
}

/** The value on the line between two samples, or that of the first. */
function valueAt(before: CounterSample, after: CounterSample, timeMs: number, onLine: boolean): number {
  return onLine ? interpolateAt(timeMs, before.timeMs, before.value, after.timeMs, after.value, true) : before.value;
}

function zeroAtStart({ startMs }: CounterSample): CounterSample {
  return { timeMs: startMs, value: 0, startMs };
}

/**
 * The edge at a time that only later samples are known for: zero where the counter started after it, and the sample's
 * value if its start is out of reach.
 */
function edgeBefore(first: CounterSample, timeMs: number, reachMs: number, onLine: boolean): number {
  if (!startsAfter(reachMs, first)) return first.value;
  if (startsAfter(timeMs, first) || !onLine) return 0;
  return valueAt(zeroAtStart(first), first, timeMs, true);
}

function leftEdge(first: CounterSample, next: CounterSample, startMs: number, reachMs: number, onLine: boolean): Edge {
  const known = first.startMs > startMs ? 0 : first.startMs;
  if (first.timeMs === startMs) return first;
  if (first.timeMs > startMs) return { value: edgeBefore(first, startMs, reachMs, onLine), startMs: known };
  if (startsAfter(startMs, next)) return { value: valueAt(first, zeroAtStart(next), startMs, onLine), startMs: known };
  if (!beginsAnew(first, next)) return { value: valueAt(first, next, startMs, onLine), startMs: known };
  return { value: valueAt(zeroAtStart(next), next, startMs, onLine), startMs: next.startMs };
}

function rightEdge(
  before: CounterSample | undefined,
  last: CounterSample,
  endMs: number,
  reachMs: number,
  onLine: boolean,
): Edge {
  const known = last.startMs > endMs ? 0 : last.startMs;
  if (last.timeMs <= endMs) return { value: last.value, startMs: known };
  if (before === undefined) return { value: edgeBefore(last, endMs, reachMs, onLine), startMs: known };
  if (startsAfter(endMs, last)) {
    return { value: valueAt(before, zeroAtStart(last), endMs, onLine), startMs: before.startMs };
  }
  const from = beginsAnew(before, last) ? zeroAtStart(last) : before;
  return { value: valueAt(from, last, endMs, onLine), startMs: known };
}

function extendedIncrease(isRate: boolean, extension: Extension, lookbackMs: number): StartKernel {
  const onLine = extension === 'smoothed';
  return (values, starts, { first, last, timestamps, rangeMs, endsMs }, out, present) => {
    const sample = (i: number): CounterSample => ({
      timeMs: timestamps[i]!,
      value: values[i]!,
      startMs: starts[i]!,
    });
    for (let step = 0; step < out.length; step++) {
      present[step] = ABSENT;
      const endMs = endsMs[step]!;
      const startMs = endMs - rangeMs;
      const reachMs = startMs - lookbackMs;
      let from = first[step]!;
      let to = last[step]! - 1;
      if (to < from) continue;
      if (onLine) to = Math.min(to, lowerBound(timestamps, endMs));
      if (timestamps[to]! <= startMs) continue;
      if (onLine && timestamps[from]! > endMs) {
        if (!startsAfter(reachMs, sample(from)) || startsAfter(endMs, sample(from))) continue;
      }
      const left = leftEdge(sample(from), sample(Math.min(from + 1, to)), startMs, reachMs, onLine);
      const right = rightEdge(to > from ? sample(to - 1) : undefined, sample(to), endMs, reachMs, onLine);
      if (timestamps[from]! <= startMs) from++;
      if (timestamps[to]! >= endMs) to--;
      let result = right.value - left.value;
      let before: CounterSample = { ...left, timeMs: startMs };
      for (let i = from; i <= to + 1; i++) {
        const current = i > to ? { ...right, timeMs: endMs } : sample(i);
        if (current.value < before.value || beginsAnew(before, current)) result += before.value;
        before = current;
      }
      out[step] = isRate ? result / (rangeMs / 1000) : result;
      present[step] = FLOAT;
    }
  };
}

/** The kernel of a function of counters under an extension that knows start timestamps; others take none into account. */
export function extendedStartKernel(func: string, extension: Extension, lookbackMs: number): StartKernel | undefined {
  if (func === 'resets') return startKernels.get(func);
  if (func === 'rate' || func === 'increase') return extendedIncrease(func === 'rate', extension, lookbackMs);
  return undefined;
}
