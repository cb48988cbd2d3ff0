import type { FloatHistogram } from '../../histogram.ts';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import { forMetric } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import { named } from '../series.ts';
import { ABSENT, FLOAT, HISTOGRAM, type RangeSeries, type StepSeries } from '../value.ts';
import { type RangeCall, rangePosition, windowsFor } from './evaluate.ts';
import { extendedHistogramRate } from './extended-histograms.ts';
import { histogramWindowFunctions, type MixedWindow, type RangeNotes } from './histogram-windows.ts';
import type { Windows } from './windows.ts';

/** A range function over a series that holds histograms, perhaps beside floats. */
export function evaluateMixedSeries(
  ctx: QueryContext,
  call: RangeCall,
  element: RangeSeries,
  windows: Windows,
): StepSeries | undefined {
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
  let any = false;
  for (let step = 0; step < count; step++) {
    const from = windows.first[step]!;
    const to = windows.last[step]!;
    const floatCount = floatColumns.windows.last[step]! - floatColumns.windows.first[step]!;
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
  }
  if (!any) return undefined;
  const { labels, dropName } = named(ctx, element, call.definition.keepsName !== true);
  return { labels, dropName, values, present, histograms: present.includes(HISTOGRAM) ? histograms : undefined };
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
  call.definition.kernel(column, windows, values, call.parameters, call.evalTimesMs);
  return { values, windows };
}

function notesFor(ctx: QueryContext, { node, definition }: RangeCall, element: RangeSeries): RangeNotes {
  const name = labelValue(element.labels, METRIC_NAME);
  const position = ctx.position(rangePosition(node, definition.rangeArgument));
  return {
    name,
    warn: (message) => ctx.annotations.warn(message, position),
    info: (message) => ctx.annotations.info(message, position),
    ignoredHistograms() {
      const message = 'ignored histograms in a range containing both floats and histograms';
      ctx.annotations.info(message + forMetric(name), position);
    },
  };
}
