import type { BinaryExpr, Expr, SubqueryExpr, UnaryExpr } from '../ast.ts';
import type { FloatHistogram } from '../histogram.ts';
import { aggregate } from './aggregate/evaluate.ts';
import { foldAggregate, isFold } from './aggregate/fold.ts';
import { negateHistograms } from './binary/histograms.ts';
import { vectorVector } from './binary/match.ts';
import { isSetOperator } from './binary/operators.ts';
import { scalarScalar, vectorScalar } from './binary/scalars.ts';
import { setOperation } from './binary/sets.ts';
import type { QueryContext } from './context.ts';
import { positiveDurationMs } from './durations.ts';
import { QueryError } from './errors.ts';
import { evaluateCall } from './functions/call.ts';
import { valueBytes } from './memory.ts';
import { endTimes, type Fetched, isStepInvariant, singleStep, subqueryGrid } from './plan.ts';
import { evaluateMatrixSelector, evaluateVectorSelector } from './select.ts';
import { mergeSameLabels, named } from './series.ts';
import { sharedTimes } from './shared-times.ts';
import {
  ABSENT,
  allPresent,
  columnAllocator,
  FLOAT,
  type Grid,
  gridTimes,
  HISTOGRAM,
  HISTOGRAM_WORK,
  type RangeSeries,
  type RangeValue,
  type ScalarValue,
  type StepSeries,
  stepsWork,
  type Value,
  type VectorValue,
} from './value.ts';

/** Evaluates expressions of one query. */
export interface Evaluator {
  readonly ctx: QueryContext;
  readonly fetched: Fetched;
  /** Any expression but a range vector, at every step of the grid. */
  value(expr: Expr, grid: Grid): Promise<Value>;
  vector(expr: Expr, grid: Grid): Promise<VectorValue>;
  scalar(expr: Expr, grid: Grid): Promise<ScalarValue>;
  range(expr: Expr, grid: Grid): Promise<RangeValue>;
}

/** Nested evaluations on one stack. */
const CALLS_IN_A_ROW = 256;

export function createEvaluator(ctx: QueryContext, fetched: Fetched): Evaluator {
  let nesting = 0;
  const evaluator: Evaluator = {
    ctx,
    fetched,
    async value(expr, grid) {
      const { memory } = ctx;
      // What is awaited goes on with an empty stack: expressions may nest more deeply than calls can.
      if (++nesting % CALLS_IN_A_ROW === 0) await undefined;
      const before = memory.heldBytes;
      const value =
        grid.isRange && isStepInvariant(expr)
          ? await broadcast(ctx, await evaluate(evaluator, expr, singleStep(grid)), grid.count)
          : await evaluate(evaluator, expr, grid);
      memory.settle(before, valueBytes(value, grid.count));
      nesting--;
      return value;
    },
    async vector(expr, grid) {
      const value = await evaluator.value(expr, grid);
      if (value.kind !== 'vector') throw unexpected('vector', value.kind);
      return value;
    },
    async scalar(expr, grid) {
      const value = await evaluator.value(expr, grid);
      if (value.kind !== 'scalar') throw unexpected('scalar', value.kind);
      return value;
    },
    async range(expr, grid) {
      if (expr.kind === 'paren') return await evaluator.range(expr.expr, grid);
      if (expr.kind === 'matrix-selector') return await evaluateMatrixSelector(ctx, fetched, expr, grid);
      if (expr.kind === 'subquery') return await evaluateSubquery(evaluator, expr, grid);
      throw unexpected('range vector', expr.kind);
    },
  };
  return evaluator;
}

function unexpected(wanted: string, got: string): QueryError {
  return new QueryError('internal', `expected a ${wanted}, got a ${got}`);
}

async function evaluate(evaluator: Evaluator, expr: Expr, grid: Grid): Promise<Value> {
  const { ctx, fetched } = evaluator;
  switch (expr.kind) {
    case 'number':
      return { kind: 'scalar', values: new Float64Array(grid.count).fill(expr.value) };
    case 'string':
      return { kind: 'string', value: expr.value };
    case 'paren':
      return await evaluator.value(expr.expr, grid);
    case 'vector-selector':
      return await evaluateVectorSelector(ctx, fetched, expr, grid);
    case 'unary':
      return await unary(ctx, expr, await evaluator.value(expr.expr, grid));
    case 'binary':
      return await binary(evaluator, expr, grid);
    case 'aggregate': {
      if (isFold(expr.op)) return await foldAggregate(evaluator, { ...expr, op: expr.op }, grid);
      const parameter = expr.param && (await evaluator.value(expr.param, grid));
      const vector = await evaluator.vector(expr.expr, grid);
      const result = await aggregate(ctx, expr, vector, parameter, grid.count);
      ctx.release(vector.series.length * grid.count);
      return result;
    }
    case 'call':
      return await evaluateCall(evaluator, expr, grid);
    case 'matrix-selector':
    case 'subquery':
      throw unexpected('value', expr.kind);
  }
}

/** Repeats a single step. */
async function broadcast(ctx: QueryContext, value: Value, count: number): Promise<Value> {
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', values: new Float64Array(count).fill(value.values[0]!) };
  const series: StepSeries[] = [];
  const columns = columnAllocator(count);
  for (const { labels, dropName, values, present, histograms } of value.series) {
    const state = present[0]!;
    series.push({
      labels,
      dropName,
      values: columns().fill(values[0]!),
      present: state === FLOAT ? allPresent(count) : new Uint8Array(count).fill(state),
      histograms: state === HISTOGRAM ? new Array(count).fill(histograms![0]) : undefined,
    });
    if (ctx.due(count)) await ctx.pause();
  }
  return { kind: 'vector', series };
}

async function unary(ctx: QueryContext, node: UnaryExpr, value: Value): Promise<Value> {
  if (node.op === '+' || value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', values: value.values.map((x) => -x) };
  const series: StepSeries[] = [];
  for (const element of value.series) {
    const histograms = element.histograms && negateHistograms(element.histograms);
    series.push({ ...element, ...named(ctx, element, true), values: element.values.map((x) => -x), histograms });
    if (ctx.due(4 * stepsWork(element))) await ctx.pause();
  }
  return { kind: 'vector', series: ctx.delayedNameRemoval ? series : await mergeSameLabels(ctx, series) };
}

async function binary(evaluator: Evaluator, node: BinaryExpr, grid: Grid): Promise<Value> {
  const { ctx } = evaluator;
  const left = await evaluator.value(node.left, grid);
  const right = await evaluator.value(node.right, grid);
  if (left.kind === 'string' || right.kind === 'string') throw unexpected('number', 'string');
  if (left.kind === 'scalar') {
    if (right.kind === 'scalar') return scalarScalar(node, left, right);
    return await vectorScalar(ctx, node, right, left, true);
  }
  if (right.kind === 'scalar') return await vectorScalar(ctx, node, left, right, false);
  const inputs = (left.series.length + right.series.length) * grid.count;
  const result = isSetOperator(node.op)
    ? await setOperation(ctx, node, left, right, grid)
    : await vectorVector(ctx, node, left, right, grid);
  ctx.hold(result.series.length * grid.count);
  ctx.release(inputs);
  return result;
}

/** The inner expression at every multiple of the step that a window covers, as series of samples. */
async function evaluateSubquery(evaluator: Evaluator, node: SubqueryExpr, grid: Grid): Promise<RangeValue> {
  const { ctx } = evaluator;
  const inner = subqueryGrid(ctx, node, grid);
  const endsMs = endTimes(ctx, node, grid);
  const rangeMs = positiveDurationMs(ctx, node.range);
  if (inner.count === 0) return { series: [], rangeMs, endsMs, grid, extension: undefined };
  const value = await evaluator.value(node.expr, inner);
  const times = gridTimes(inner);
  const elements =
    value.kind === 'vector'
      ? value.series
      : value.kind === 'scalar'
        ? [
            {
              labels: [],
              dropName: false,
              values: value.values,
              present: allPresent(inner.count),
              histograms: undefined,
            },
          ]
        : [];
  const series: RangeSeries[] = [];
  const timesOf = sharedTimes(times);
  for (const element of elements) {
    series.push(toRangeSeries(element, timesOf(element.present)));
    if (ctx.due(inner.count * (element.histograms === undefined ? 1 : HISTOGRAM_WORK))) await ctx.pause();
  }
  return { series, rangeMs, endsMs, grid, extension: undefined };
}

/** @param timestamps of the steps at which it is present */
function toRangeSeries(element: StepSeries, timestamps: Float64Array): RangeSeries {
  const { labels, dropName, values, present, histograms } = element;
  const count = timestamps.length;
  const base = { labels, dropName, timestamps, ascending: false, startTimestamps: undefined };
  if (count === present.length) return { ...base, values, histograms: histograms?.map(withUnknownReset) };
  const kept = new Float64Array(count);
  const keptHistograms = histograms && new Array(count);
  let n = 0;
  for (let i = 0; i < present.length; i++) {
    if (present[i] === ABSENT) continue;
    kept[n] = values[i]!;
    if (keptHistograms !== undefined) keptHistograms[n] = withUnknownReset(histograms![i]);
    n++;
  }
  return { ...base, values: kept, histograms: keptHistograms };
}

/** Steps of a subquery skip and repeat samples, so that what a sample says about the one before it does not hold. */
function withUnknownReset(histogram: FloatHistogram | undefined): FloatHistogram | undefined {
  if (histogram === undefined || histogram.counterResetHint === 'gauge') return histogram;
  return { ...histogram, counterResetHint: 'unknown' };
}
