import type { Call, Expr } from '../ast.ts';
import { labelValue, METRIC_NAME } from '../labels.ts';
import type { Evaluator } from './evaluate.ts';
import { callRangeFunction } from './functions/call.ts';
import { isMetadataLabel } from './metadata-labels.ts';
import { type Fetched, isStepInvariant } from './plan.ts';
import type { Emit, TakeCounter } from './range/evaluate.ts';
import { rangeFunctions } from './range/table.ts';
import { selectSeries } from './select.ts';
import { type Grid, stepsWork } from './value.ts';

const UNDERSCORE = 0x5f;

/**
 * Hands over the series of a vector one after the other, for consumers that keep none of them: selectors and range
 * functions then need no memory for a whole vector. An emitted series' values are valid only until the next.
 * @param ignoresNames the consumer looks at no metric name; it may then be there although it was dropped
 * @param takeCounter is offered counters before their rates or increases are computed; then their names are dropped
 */
export async function streamVector(
  evaluator: Evaluator,
  expr: Expr,
  grid: Grid,
  ignoresNames: boolean,
  emit: Emit,
  takeCounter?: TakeCounter,
): Promise<void> {
  const { ctx, fetched } = evaluator;
  if (expr.kind === 'paren') {
    return await streamVector(evaluator, expr.expr, grid, ignoresNames, emit, takeCounter);
  }
  const invariant = grid.isRange && isStepInvariant(expr);
  if (!invariant && expr.kind === 'vector-selector') return await selectSeries(ctx, fetched, expr, grid, emit, true);
  if (!invariant && expr.kind === 'call' && rangeFunctions.has(expr.func)) {
    if (ctx.delayedNameRemoval) return await callRangeFunction(evaluator, expr, grid, emit, true, takeCounter);
    if (ignoresNames && staysDistinct(expr, fetched)) {
      const delaying = { ...evaluator, ctx: { ...ctx, delayedNameRemoval: true } };
      return await callRangeFunction(delaying, expr, grid, emit, true, takeCounter);
    }
  }
  for (const element of (await evaluator.vector(expr, grid)).series) {
    emit(element);
    if (ctx.due(stepsWork(element))) await ctx.pause();
  }
}

/** Whether series of floats that a range function is called with differ in more than their names, having all the same. */
function staysDistinct(call: Call, fetched: Fetched): boolean {
  let argument = call.args[rangeFunctions.get(call.func)!.rangeArgument ?? 0]!;
  while (argument.kind === 'paren') argument = argument.expr;
  if (argument.kind !== 'matrix-selector') return false;
  const series = fetched.get(argument.selector) ?? [];
  const name = labelValue(series[0]?.labels ?? [], METRIC_NAME);
  for (const { labels, histograms } of series) {
    if (histograms !== undefined) return false;
    let own = '';
    for (let i = 0; i < labels.length; i += 2) {
      const label = labels[i]!;
      // Most labels are told from those of the metadata by their first letter.
      if (label.charCodeAt(0) !== UNDERSCORE || !isMetadataLabel(label)) continue;
      if (label !== METRIC_NAME) return false;
      own = labels[i + 1]!;
    }
    if (own !== name) return false;
  }
  return true;
}
