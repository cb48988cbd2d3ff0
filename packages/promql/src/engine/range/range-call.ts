import type { Call, PositionRange } from '../../ast.ts';
import type { QueryContext } from '../context.ts';
import type { RangeValue } from '../value.ts';
import { extendedWindows } from './extended.ts';
import type { RangeFunction } from './table.ts';
import { type WindowIndexes, type Windows, windowsOf } from './windows.ts';

/** What a range function is called with, beside the series. */
export interface RangeCall {
  readonly node: Call;
  readonly definition: RangeFunction;
  readonly parameters: readonly Float64Array[];
  readonly evalTimesMs: Float64Array;
  readonly range: RangeValue;
}

/** The windows of a call over samples at these times. */
export function windowsFor(
  ctx: QueryContext,
  { node, definition, range }: RangeCall,
  timestamps: Float64Array,
  scratch?: WindowIndexes,
): Windows {
  const { endsMs, rangeMs, extension } = range;
  if (extension === undefined) return windowsOf(timestamps, endsMs, rangeMs, definition.minSamples, scratch);
  return extendedWindows(node.func, timestamps, endsMs, rangeMs, ctx.lookbackMs, extension);
}

/** Where notes on the range of a call point: inside its parentheses; a subquery has no place for Prometheus. */
export function rangePosition(node: Call): PositionRange {
  let argument = node.args[0]!;
  while (argument.kind === 'paren') argument = argument.expr;
  return argument.kind === 'subquery' ? { start: 0, end: 0 } : argument.position;
}
