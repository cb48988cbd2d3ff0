import type { FloatHistogram } from '../../histogram.ts';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import { ignoredHistograms, mixedFloatsAndHistograms } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import { named } from '../series.ts';
import {
  ABSENT,
  FLOAT,
  HISTOGRAM,
  HISTOGRAM_WORK,
  type RangeSeries,
  type RangeValue,
  type StepSeries,
} from '../value.ts';
import { windowsAround } from './extended.ts';
import { extendedHistogramRate } from './extended-histograms.ts';
import { histogramWindowFunctions, type MixedWindow, type RangeNotes } from './histogram-windows.ts';
import { type RangeCall, rangePosition, windowsFor } from './range-call.ts';
import type { Windows } from './windows.ts';

/** A range function over a series that holds histograms, perhaps beside floats. */
export async function evaluateMixedSeries(
  ctx: QueryContext,
  call: RangeCall,
  element: RangeSeries,
  windows: Windows,
): Promise<StepSeries | undefined> {
  const floatColumns = evaluateFloats(ctx, call, element);
  const { node, range } = call;
  const notes = notesFor(ctx, call, element);
  const extendsRates = range.extension !== undefined && node.func !== 'changes' && node.func !== 'resets';
  const compute = extendsRates
    ? extendedHistogramRate(node.func, range.extension!)
    : histogramWindowFunctions.get(node.func);
  const count = windows.first.length;
  const series = ctx.useStartTimestamps ? element : { ...element, startTimestamps: undefined };
  const values = floatColumns.values;
  const present = floatColumns.windows.present.slice();
  const histograms: (FloatHistogram | undefined)[] = new Array(count);
  const isMixed = extendsRates ? mixedAround(ctx, range, element) : undefined;
  let any = false;
  for (let step = 0; step < count; step++) {
    if (isMixed?.[step] === 1) {
      notes.warn(mixedFloatsAndHistograms(notes.name));
      present[step] = ABSENT;
      continue;
    }
    const from = windows.first[step]!;
    const to = windows.last[step]!;
    const floatCount = countFloats(element, from, to);
    if (compute === undefined) {
      if (floatCount > 0 && floatCount < to - from) notes.ignoredHistograms();
    } else if (floatCount < to - from && (range.extension === undefined || windows.present[step] === FLOAT)) {
      const endMs = windows.endsMs[step]!;
      const window: MixedWindow = { series, from, to, floatCount, endMs, rangeMs: windows.rangeMs, notes };
      const result = compute(window);
      present[step] = result === undefined ? ABSENT : typeof result === 'number' ? FLOAT : HISTOGRAM;
      if (typeof result === 'number') values[step] = result;
      else histograms[step] = result;
    }
    any ||= present[step] !== ABSENT;
    if (ctx.due((1 + to - from) * HISTOGRAM_WORK)) await ctx.pause();
  }
  if (!any) return undefined;
  const { labels, dropName } = named(ctx, element, call.definition.keepsName !== true);
  return { labels, dropName, values, present, histograms: present.includes(HISTOGRAM) ? histograms : undefined };
}

function countFloats({ histograms }: RangeSeries, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (histograms![i] === undefined) count++;
  return count;
}

/** 1 at the steps that have both floats and histograms in reach of an extension, were it only before the window. */
function mixedAround(ctx: QueryContext, { endsMs, rangeMs, extension }: RangeValue, element: RangeSeries): Uint8Array {
  const { first, last } = windowsAround(element.timestamps, endsMs, rangeMs, ctx.lookbackMs, extension!);
  return Uint8Array.from(first, (from, step) => {
    let floats = 0;
    for (let i = from; i < last[step]!; i++) if (element.histograms![i] === undefined) floats++;
    return floats > 0 && floats < last[step]! - from ? 1 : 0;
  });
}

/** The function over the floats alone. */
function evaluateFloats(
  ctx: QueryContext,
  call: RangeCall,
  element: RangeSeries,
): { values: Float64Array; windows: Windows } {
  const floats: number[] = [];
  for (let i = 0; i < element.timestamps.length; i++) if (element.histograms![i] === undefined) floats.push(i);
  const timestamps = Float64Array.from(floats, (i) => element.timestamps[i]!);
  const column = Float64Array.from(floats, (i) => element.values[i]!);
  const windows = windowsFor(ctx, call, timestamps);
  const values = new Float64Array(windows.first.length);
  call.definition.kernel(column, windows, values, call.parameters, call.evalTimesMs, false);
  return { values, windows };
}

function notesFor(ctx: QueryContext, { node }: RangeCall, element: RangeSeries): RangeNotes {
  const name = labelValue(element.labels, METRIC_NAME);
  // Of the first argument, also where that is not the range.
  const position = ctx.position(rangePosition(node));
  return {
    name,
    warn: (message) => ctx.annotations.warn(message, position),
    info: (message) => ctx.annotations.info(message, position),
    ignoredHistograms() {
      ctx.annotations.info(ignoredHistograms(name), position);
    },
  };
}
