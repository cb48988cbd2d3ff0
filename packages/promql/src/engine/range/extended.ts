import { lowerBound } from '../select.ts';
import { FLOAT } from '../value.ts';
import type { RangeKernel } from './kernel.ts';
import { changes, resets } from './over-time.ts';
import { type Windows, windowsOf } from './windows.ts';

/** `anchored`: windows start with the last sample before them. `smoothed`: their edges are interpolated. */
export type Extension = 'anchored' | 'smoothed';

const ALLOWED: Readonly<Record<Extension, readonly string[]>> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
};

/** Why a function cannot be called with the modifier, in Prometheus' words; `undefined` where it can. */
export function extensionError(func: string, extension: Extension): string | undefined {
  const allowed = ALLOWED[extension];
  if (allowed.includes(func)) return undefined;
  return `${extension} modifier can only be used with: ${allowed.join(', ')} - not with ${func}`;
}

/** The windows with the samples around them that an extension needs. */
export function extendedWindows(
  timestamps: Float64Array,
  endsMs: Float64Array,
  rangeMs: number,
  lookbackMs: number,
  extension: Extension,
): Windows {
  const aheadMs = extension === 'smoothed' ? lookbackMs : 0;
  const ends = aheadMs === 0 ? endsMs : endsMs.map((end) => end + aheadMs);
  const { first, last } = windowsOf(timestamps, ends, rangeMs + lookbackMs + aheadMs);
  return { first, last, timestamps, rangeMs, endsMs };
}

/** Value at a time between two neighbouring samples. A counter that was reset between them started again from zero. */
function interpolate(
  values: Float64Array,
  timestamps: Float64Array,
  at: number,
  timeMs: number,
  isCounter: boolean,
): number {
  const before = isCounter && values[at + 1]! < values[at]! ? 0 : values[at]!;
  const share = (timeMs - timestamps[at]!) / (timestamps[at + 1]! - timestamps[at]!);
  return before + (values[at + 1]! - before) * share;
}

function extendedRate(isCounter: boolean, isRate: boolean, extension: Extension): RangeKernel {
  const smoothed = extension === 'smoothed';
  return (values, windows, out, present) => {
    const { timestamps, rangeMs, endsMs } = windows;
    for (let step = 0; step < out.length; step++) {
      const endMs = endsMs[step]!;
      const startMs = endMs - rangeMs;
      let from = windows.first[step]!;
      let to = windows.last[step]! - 1;
      if (to < from) continue;
      while (from < to && timestamps[from + 1]! <= startMs) from++;
      if (smoothed) {
        let next = from;
        while (next < to && timestamps[next]! < endMs) next++;
        to = next;
        if (timestamps[from]! > endMs) continue;
      }
      if (timestamps[to]! <= startMs) continue;
      const left =
        smoothed && timestamps[from]! < startMs
          ? interpolate(values, timestamps, from, startMs, isCounter)
          : values[from]!;
      const right =
        smoothed && to > 0 && timestamps[to]! > endMs
          ? interpolate(values, timestamps, to - 1, endMs, isCounter)
          : values[to]!;
      let result = right - left;
      if (isCounter) {
        if (timestamps[from]! <= startMs) from++;
        if (timestamps[to]! >= endMs) to--;
        result += resetCorrection(values, from, to, left, right);
      }
      out[step] = isRate ? result / (rangeMs / 1000) : result;
      present[step] = FLOAT;
    }
  };
}

/** What a counter had reached before each reset between the edges. */
function resetCorrection(values: Float64Array, from: number, to: number, left: number, right: number): number {
  let correction = 0;
  let before = left;
  for (let i = from; i <= to; i++) {
    if (values[i]! < before) correction += before;
    before = values[i]!;
  }
  return right < before ? correction + before : correction;
}

/** A kernel over windows that start with the last sample at or before them, where there is one. */
function anchoredWindows(kernel: RangeKernel): RangeKernel {
  return (values, windows, out, present, parameters, evalTimesMs) => {
    const { timestamps, rangeMs, endsMs } = windows;
    const first = windows.first.slice();
    const last = windows.last.slice();
    for (let step = 0; step < first.length; step++) {
      const startMs = endsMs[step]! - rangeMs;
      const inside = lowerBound(timestamps, startMs + 1);
      if (inside >= last[step]!) last[step] = first[step]!;
      else first[step] = Math.max(first[step]!, inside - 1);
    }
    kernel(values, { ...windows, first, last }, out, present, parameters, evalTimesMs);
  };
}

/** The kernel of a function under an extension. @param func one that `extensionError` allows */
export function extendedKernel(func: string, extension: Extension): RangeKernel {
  switch (func) {
    case 'changes':
      return anchoredWindows(changes);
    case 'resets':
      return anchoredWindows(resets);
    case 'delta':
      return extendedRate(false, false, extension);
    case 'rate':
      return extendedRate(true, true, extension);
    default:
      return extendedRate(true, false, extension);
  }
}
