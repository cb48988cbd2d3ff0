import type { QueryContext } from '../context.ts';
import { named } from '../series.ts';
import { FLOAT, floatSeries, type RangeSeries, type StepSeries } from '../value.ts';
import { type RangeCall, windowsFor } from './evaluate.ts';
import type { Windows } from './windows.ts';

/** A range function over a series that holds histograms, perhaps beside floats. */
export function evaluateMixedSeries(
  ctx: QueryContext,
  call: RangeCall,
  element: RangeSeries,
  windows: Windows,
): StepSeries | undefined {
  const floats: number[] = [];
  for (let i = 0; i < element.timestamps.length; i++) if (element.histograms![i] === undefined) floats.push(i);
  const timestamps = Float64Array.from(floats, (i) => element.timestamps[i]!);
  const floatWindows = windowsFor(ctx, call, timestamps);
  noteIgnoredHistograms(ctx, call, windows, floatWindows);
  const values = new Float64Array(windows.first.length);
  const { present } = floatWindows;
  const column = Float64Array.from(floats, (i) => element.values[i]!);
  call.definition.kernel(column, floatWindows, values, call.parameters, call.evalTimesMs);
  if (!present.includes(FLOAT)) return undefined;
  const { labels, dropName } = named(ctx, element, call.definition.keepsName !== true);
  return floatSeries(labels, dropName, values, present);
}

/** An info where a window holds floats and histograms both. */
function noteIgnoredHistograms(ctx: QueryContext, { node }: RangeCall, all: Windows, floats: Windows): void {
  for (let step = 0; step < all.first.length; step++) {
    const total = all.last[step]! - all.first[step]!;
    const floatCount = floats.last[step]! - floats.first[step]!;
    if (floatCount === 0 || floatCount === total) continue;
    ctx.annotations.info(
      'ignored histograms in a range containing both floats and histograms',
      ctx.position(node.args[0]!.position),
    );
    return;
  }
}
