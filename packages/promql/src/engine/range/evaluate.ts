import type { Call } from '../../ast.ts';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { sharedByTimestamps } from '../select.ts';
import { named } from '../series.ts';
import { FLOAT, floatSeries, type RangeSeries, type RangeValue, type StepSeries, type VectorValue } from '../value.ts';
import { extendedKernel, extendedWindows } from './extended.ts';
import { evaluateMixedSeries } from './histograms.ts';
import type { RangeFunction } from './table.ts';
import { type Windows, widestWindow, windowsOf } from './windows.ts';

/** What a range function is called with, beside the series. */
export interface RangeCall {
  readonly node: Call;
  readonly definition: RangeFunction;
  readonly parameters: readonly Float64Array[];
  readonly evalTimesMs: Float64Array;
}

/** Calls a range function over all windows of all series. */
export async function evaluateRangeFunction(
  ctx: QueryContext,
  node: Call,
  definition: RangeFunction,
  range: RangeValue,
  parameters: readonly Float64Array[],
): Promise<VectorValue> {
  const { count, startMs, stepMs } = range.grid;
  const evalTimesMs = Float64Array.from({ length: count }, (_, i) => startMs + i * stepMs);
  const { extension } = range;
  const kernel = extension === undefined ? definition.kernel : extendedKernel(node.func, extension);
  const call: RangeCall = { node, definition: { ...definition, kernel }, parameters, evalTimesMs };
  const planOf = sharedByTimestamps((timestamps) => {
    const windows =
      extension === undefined
        ? windowsOf(timestamps, range.endsMs, range.rangeMs)
        : extendedWindows(timestamps, range.endsMs, range.rangeMs, ctx.lookbackMs, extension);
    return { windows, widest: widestWindow(windows) };
  });
  const series: StepSeries[] = [];
  for (const element of range.series) {
    const { windows, widest } = planOf(element.timestamps);
    if (widest === 0) continue;
    ctx.hold(widest);
    const result = evaluateSeries(ctx, call, element, windows);
    ctx.release(widest);
    if (result !== undefined) {
      ctx.hold(count);
      series.push(result);
    }
    if (definition.counter) noteIfNoCounter(ctx, node, element, windows);
    if (ctx.due(element.timestamps.length + count)) await ctx.pause();
  }
  return { kind: 'vector', series };
}

function evaluateSeries(
  ctx: QueryContext,
  call: RangeCall,
  element: RangeSeries,
  windows: Windows,
): StepSeries | undefined {
  if (element.histograms !== undefined) return evaluateMixedSeries(ctx, call, element, windows);
  const values = new Float64Array(windows.first.length);
  const present = new Uint8Array(windows.first.length);
  call.definition.kernel(element.values, windows, values, present, call.parameters, call.evalTimesMs);
  if (!present.includes(FLOAT)) return undefined;
  const { labels, dropName } = named(ctx, element, call.definition.keepsName !== true);
  return floatSeries(labels, dropName, values, present);
}

function noteIfNoCounter(ctx: QueryContext, node: Call, element: RangeSeries, windows: Windows): void {
  const name = labelValue(element.labels, METRIC_NAME);
  if (name === '' || /_(?:total|sum|count|bucket)$/.test(name)) return;
  const step = windows.first.length - 1;
  let hasFloats = false;
  for (let i = windows.first[step]!; i < windows.last[step]!; i++) hasFloats ||= element.histograms?.[i] === undefined;
  if (!hasFloats) return;
  const position = ctx.position(node.args[0]!.position);
  const type = labelValue(element.labels, '__type__');
  if (type !== '') {
    if (type === 'counter' || type === 'histogram') return;
    const message = `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got "${type}": "${name}"`;
    ctx.annotations.info(message, position);
    return;
  }
  const message = `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "${name}"`;
  ctx.annotations.info(message, position);
}
