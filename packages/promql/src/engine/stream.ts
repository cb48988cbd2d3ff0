import type { Expr } from '../ast.ts';
import type { Evaluator } from './evaluate.ts';
import { callRangeFunction } from './functions/call.ts';
import { isStepInvariant } from './plan.ts';
import type { Emit } from './range/evaluate.ts';
import { rangeFunctions } from './range/table.ts';
import { selectSeries } from './select.ts';
import type { Grid } from './value.ts';

/**
 * Hands over the series of a vector one after the other, for consumers that keep none of them: selectors and range
 * functions then need no memory for a whole vector. An emitted series' values are valid only until the next.
 */
export async function streamVector(evaluator: Evaluator, expr: Expr, grid: Grid, emit: Emit): Promise<void> {
  const { ctx, fetched } = evaluator;
  if (expr.kind === 'paren') return await streamVector(evaluator, expr.expr, grid, emit);
  const invariant = grid.count > 1 && isStepInvariant(expr);
  if (!invariant && expr.kind === 'vector-selector') return await selectSeries(ctx, fetched, expr, grid, emit, true);
  if (!invariant && ctx.delayedNameRemoval && expr.kind === 'call' && rangeFunctions.has(expr.func)) {
    return await callRangeFunction(evaluator, expr, grid, emit, true);
  }
  for (const element of (await evaluator.vector(expr, grid)).series) {
    emit(element);
    if (ctx.due(grid.count)) await ctx.pause();
  }
}
