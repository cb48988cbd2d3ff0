import { lowerBound } from '../lower-bound.ts';
import { ABSENT, FLOAT, type RangeSeries } from '../value.ts';
import type { RangeKernel } from './kernel.ts';
import { changes, resets } from './over-time.ts';
import { holding, type Windows, windowsOf } from './windows.ts';

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

/** All samples that may count under an extension: as far as the lookback reaches before the windows, and after them. */
export function windowsAround(
  timestamps: Float64Array,
  endsMs: Float64Array,
  rangeMs: number,
  lookbackMs: number,
  extension: Extension,
): Windows {
  const aheadMs = extension === 'smoothed' ? lookbackMs : 0;
  const ends = aheadMs === 0 ? endsMs : endsMs.map((end) => end + aheadMs);
  return windowsOf(timestamps, ends, rangeMs + lookbackMs + aheadMs);
}

/** The windows with the samples around them that a function needs under an extension. */
export function extendedWindows(
  func: string,
  timestamps: Float64Array,
  endsMs: Float64Array,
  rangeMs: number,
  lookbackMs: number,
  extension: Extension,
): Windows {
  const { first, last, ...windows } = windowsAround(timestamps, endsMs, rangeMs, lookbackMs, extension);
  const present = windows.present.slice();
  const anchors = func === 'changes' || func === 'resets';
  for (let step = 0; step < first.length; step++) {
    if (present[step] === ABSENT) continue;
    const endMs = endsMs[step]!;
    const inside = lowerBound(timestamps, endMs - rangeMs + 1);
    const reaches =
      anchors || extension === 'anchored'
        ? inside < last[step]!
        : reachesWindow(timestamps, first[step]!, last[step]!, endMs, rangeMs);
    if (!reaches) present[step] = ABSENT;
    first[step] = Math.max(first[step]!, inside - 1);
  }
  const { widest } = holding(1, first, last);
  return {
    first,
    last,
    timestamps,
    rangeMs,
    endsMs,
    present,
    from: 0,
    to: first.length,
    isOneStretch: false,
    widest,
    single: false,
  };
}

/** Whether interpolation has samples to work with: not all of them before or all of them after the window. */
function reachesWindow(timestamps: Float64Array, from: number, to: number, endMs: number, rangeMs: number): boolean {
  return timestamps[from]! <= endMs && timestamps[to - 1]! > endMs - rangeMs;
}

/** Value at a time on the line between two samples. A counter that was reset between them started again from zero. */
export function interpolateAt(
  timeMs: number,
  beforeMs: number,
  valueBefore: number,
  afterMs: number,
  valueAfter: number,
  isCounter: boolean,
): number {
  const from = isCounter && valueAfter < valueBefore ? 0 : valueBefore;
  return from + ((valueAfter - from) * (timeMs - beforeMs)) / (afterMs - beforeMs);
}

/** The same of the samples `at` and `at + 1`. */
function interpolate(
  values: Float64Array,
  timestamps: Float64Array,
  at: number,
  timeMs: number,
  isCounter: boolean,
): number {
  return interpolateAt(timeMs, timestamps[at]!, values[at]!, timestamps[at + 1]!, values[at + 1]!, isCounter);
}

/** The samples of a window under an extension, its edges among them; `undefined` where there are none. */
export function extendedSamples(
  { timestamps, values }: Pick<RangeSeries, 'timestamps' | 'values'>,
  endMs: number,
  rangeMs: number,
  lookbackMs: number,
  extension: Extension,
): { readonly timestamps: Float64Array; readonly values: Float64Array } | undefined {
  const around = windowsAround(timestamps, Float64Array.of(endMs), rangeMs, lookbackMs, extension);
  const startMs = endMs - rangeMs;
  const end = around.last[0]! - 1;
  let from = Math.max(around.first[0]!, Math.min(lowerBound(timestamps, startMs + 1), end) - 1);
  let to = extension === 'smoothed' ? Math.min(end, lowerBound(timestamps, endMs)) : end;
  if (from > to || timestamps[to]! <= startMs) return undefined;
  const smoothed = extension === 'smoothed';
  const interpolatesLeft = smoothed && timestamps[from]! < startMs;
  const interpolatesRight = smoothed && to > around.first[0]! && timestamps[to]! > endMs;
  const left = interpolatesLeft ? interpolate(values, timestamps, from, startMs, false) : values[from]!;
  const right = interpolatesRight ? interpolate(values, timestamps, to - 1, endMs, false) : values[to]!;
  if (timestamps[from]! <= startMs) from++;
  if (timestamps[to]! >= endMs) to--;
  const count = Math.max(0, to + 1 - from);
  const extended = { timestamps: new Float64Array(count + 2), values: new Float64Array(count + 2) };
  extended.timestamps.set(timestamps.subarray(from, from + count), 1);
  extended.values.set(values.subarray(from, from + count), 1);
  extended.timestamps[0] = startMs;
  extended.values[0] = left;
  extended.timestamps[count + 1] = endMs;
  extended.values[count + 1] = right;
  return extended;
}

function extendedRate(isCounter: boolean, isRate: boolean, extension: Extension): RangeKernel {
  const smoothed = extension === 'smoothed';
  return (values, { first, last, timestamps, rangeMs, endsMs, present }, out) => {
    for (let step = 0; step < out.length; step++) {
      if (present[step] !== FLOAT) continue;
      const endMs = endsMs[step]!;
      const startMs = endMs - rangeMs;
      let from = first[step]!;
      let to = last[step]! - 1;
      if (smoothed) to = Math.min(to, lowerBound(timestamps, endMs));
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

/** The kernel of a function under an extension. @param func one that `extensionError` allows */
export function extendedKernel(func: string, extension: Extension): RangeKernel {
  switch (func) {
    case 'changes':
      return changes;
    case 'resets':
      return resets;
    case 'delta':
      return extendedRate(false, false, extension);
    case 'rate':
      return extendedRate(true, true, extension);
    default:
      return extendedRate(true, false, extension);
  }
}
