import type { Call, Expr, PositionRange } from '../../ast.ts';
import { warnQuantile } from '../aggregate/evaluate.ts';
import { placeOf } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import type { Evaluator } from '../evaluate.ts';
import { formatFixed, formatGeneral } from '../format.ts';
import { type Emit, evaluateRangeFunction, type TakeCounter } from '../range/evaluate.ts';
import { extensionError } from '../range/extended.ts';
import { isIntegralStrategy } from '../range/integral.ts';
import { rangeFunctions } from '../range/table.ts';
import { windowsOf } from '../range/windows.ts';
import { evaluateVectorSelector } from '../select.ts';
import { mergeSameLabels } from '../series.ts';
import {
  allPresent,
  FLOAT,
  floatSeries,
  type Grid,
  type RangeValue,
  type StepSeries,
  type Value,
  type VectorValue,
} from '../value.ts';
import { absent, absentOverTime } from './absent.ts';
import { evaluateHistogramFunction, histogramFunctions } from './histogram.ts';
import { evaluateInfo } from './info.ts';
import { type ColumnFunction, clampTo, mapFloats, mapVector, roundTo } from './instant.ts';
import { labelJoin, labelReplace } from './labels.ts';
import { dateFunctions, mathFunctions, maxOf, minOf } from './math.ts';
import { mapHistograms, nativeHistogramFunctions } from './native-histograms.ts';
import { floatsOnly, sortByLabels, sortByValue } from './sort.ts';

/** Evaluates a function call at every step of the grid. */
export async function evaluateCall(evaluator: Evaluator, node: Call, grid: Grid): Promise<Value> {
  checkExtensions(node);
  if (rangeFunctions.has(node.func)) {
    const series: StepSeries[] = [];
    await callRangeFunction(evaluator, node, grid, (element) => series.push(element), false);
    return await merged(evaluator, { kind: 'vector', series });
  }
  const compute = mathFunctions.get(node.func) ?? dateFunctions.get(node.func);
  if (compute !== undefined) return await merged(evaluator, await callMap(evaluator, node, grid, mapFloats(compute)));
  if (histogramFunctions.has(node.func))
    return await merged(evaluator, await evaluateHistogramFunction(evaluator, node, grid));
  if (nativeHistogramFunctions.has(node.func))
    return await merged(evaluator, await mapHistograms(evaluator, node, grid));
  return await callOther(evaluator, node, grid);
}

/** @throws QueryError for `anchored` and `smoothed` with a function that has no meaning for them */
function checkExtensions(node: Call): void {
  for (let argument of node.args) {
    while (argument.kind === 'paren') argument = argument.expr;
    if (argument.kind !== 'matrix-selector') continue;
    const { anchored, smoothed } = argument.selector;
    const message =
      (anchored ? extensionError(node.func, 'anchored') : undefined) ??
      (smoothed ? extensionError(node.func, 'smoothed') : undefined);
    if (message !== undefined) fail(message);
  }
}

/** Without delayed name removal, dropping names may make label sets equal. */
async function merged({ ctx }: Evaluator, vector: VectorValue): Promise<VectorValue> {
  if (ctx.delayedNameRemoval) return vector;
  return { kind: 'vector', series: await mergeSameLabels(ctx, vector.series) };
}

/** Calls a range function. @param reuse an emitted series' values are valid only until the next */
export async function callRangeFunction(
  evaluator: Evaluator,
  node: Call,
  grid: Grid,
  emit: Emit,
  reuse: boolean,
  takeCounter?: TakeCounter,
): Promise<void> {
  checkExtensions(node);
  const definition = rangeFunctions.get(node.func)!;
  const rangeAt = definition.rangeArgument ?? 0;
  const parameters: Float64Array[] = [];
  for (const [i, argument] of node.args.entries()) {
    if (i !== rangeAt) parameters.push((await evaluator.scalar(argument, grid)).values);
  }
  const range = await evaluator.range(node.args[rangeAt]!, grid);
  if (node.func === 'quantile_over_time' && parameters[0]!.some((q) => !(q >= 0 && q <= 1))) {
    const sampled = stepsWithFloats(range);
    for (const [step, q] of parameters[0]!.entries()) {
      if (sampled[step] === 1) warnQuantile(evaluator.ctx, q, placeOf(node.args[0]!));
    }
  }
  if (node.func === 'integral' && node.args.length > 1 && !parameters[0]!.every(isIntegralStrategy)) {
    const sampled = stepsWithFloats(range);
    for (const [step, strategy] of parameters[0]!.entries()) {
      if (sampled[step] === 1) warnStrategy(evaluator.ctx, strategy, placeOf(node.args[1]!));
    }
  }
  if (node.func === 'double_exponential_smoothing') checkSmoothingFactors(range, parameters);
  await evaluateRangeFunction(evaluator.ctx, node, definition, range, parameters, emit, reuse, takeCounter);
}

function warnStrategy(ctx: QueryContext, strategy: number, position: PositionRange): void {
  if (isIntegralStrategy(strategy)) return;
  const message = `strategy should be 0, 1, or 2 (default), using 2, got ${formatGeneral(strategy)}`;
  ctx.annotations.warn(message, ctx.position(position));
}

/** 1 at the steps whose window holds a float of any series. */
function stepsWithFloats(range: RangeValue): Uint8Array {
  const sampled = new Uint8Array(range.grid.count);
  for (const { timestamps, histograms } of range.series) {
    const { first, last } = windowsOf(timestamps, range.endsMs, range.rangeMs);
    for (let step = 0; step < sampled.length; step++) {
      for (let i = first[step]!; i < last[step]! && sampled[step] === 0; i++) {
        if (histograms?.[i] === undefined) sampled[step] = 1;
      }
    }
  }
  return sampled;
}

/** @throws QueryError for factors outside (0, 1) at any step that has a sample */
function checkSmoothingFactors(range: RangeValue, [smoothing, trends]: readonly Float64Array[]): void {
  const wrong = (factor: number) => factor <= 0 || factor >= 1;
  if (!smoothing!.some(wrong) && !trends!.some(wrong)) return;
  for (const { timestamps } of range.series) {
    const { first, last } = windowsOf(timestamps, range.endsMs, range.rangeMs);
    for (let step = 0; step < first.length; step++) {
      if (first[step] === last[step]) continue;
      const expected = (name: string, short: string, factor: number) =>
        fail(`invalid ${name} factor. Expected: 0 < ${short} < 1, got: ${formatFixed(factor)}`);
      if (wrong(smoothing![step]!)) expected('smoothing', 'sf', smoothing![step]!);
      if (wrong(trends![step]!)) expected('trend', 'tf', trends![step]!);
    }
  }
}

/** A function of a vector's floats; without an argument, of the evaluation time. */
async function callMap(evaluator: Evaluator, node: Call, grid: Grid, compute: ColumnFunction): Promise<VectorValue> {
  const [argument] = node.args;
  const vector = argument === undefined ? vectorOf(timesInSeconds(grid)) : await evaluator.vector(argument, grid);
  return await mapVector(evaluator.ctx, vector, compute);
}

function vectorOf(values: Float64Array): VectorValue {
  return { kind: 'vector', series: [floatSeries([], false, values, allPresent(values.length))] };
}

function timesInSeconds({ startMs, stepMs, count }: Grid): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => (startMs + i * stepMs) / 1000);
}

function text(expr: Expr): string {
  if (expr.kind === 'paren') return text(expr.expr);
  if (expr.kind !== 'string') fail(`expected a string literal, got a ${expr.kind}`);
  return expr.value;
}

async function callOther(evaluator: Evaluator, node: Call, grid: Grid): Promise<Value> {
  const { ctx } = evaluator;
  const { args } = node;
  const scalar = (value: number): Value => ({ kind: 'scalar', values: new Float64Array(grid.count).fill(value) });
  const column = async (i: number) => (await evaluator.scalar(args[i]!, grid)).values;
  switch (node.func) {
    case 'time':
      return { kind: 'scalar', values: timesInSeconds(grid) };
    case 'pi':
      return scalar(Math.PI);
    case 'start':
      return scalar(ctx.startMs / 1000);
    case 'end':
      return scalar(ctx.endMs / 1000);
    case 'range':
      return scalar((ctx.endMs - ctx.startMs) / 1000);
    case 'step':
      return scalar(ctx.startMs === ctx.endMs ? 0 : ctx.stepMs / 1000);
    case 'max_of':
    case 'min_of': {
      const [a, b] = [await column(0), await column(1)];
      const choose = node.func === 'max_of' ? maxOf : minOf;
      return { kind: 'scalar', values: a.map((x, i) => choose(x, b[i]!)) };
    }
    case 'scalar':
      return { kind: 'scalar', values: singleValues(await evaluator.vector(args[0]!, grid), grid.count) };
    case 'vector':
      return vectorOf((await evaluator.scalar(args[0]!, grid)).values);
    case 'start_timestamp':
    case 'timestamp':
      return await merged(evaluator, await timestamp(evaluator, node, grid));
    case 'round': {
      const nearest = args[1] === undefined ? new Float64Array(grid.count).fill(1) : await column(1);
      return await merged(evaluator, await callMap(evaluator, node, grid, roundTo(nearest)));
    }
    case 'clamp':
      return await merged(evaluator, await callMap(evaluator, node, grid, clampTo(await column(1), await column(2))));
    case 'clamp_min':
      return await merged(evaluator, await callMap(evaluator, node, grid, clampTo(await column(1), undefined)));
    case 'clamp_max':
      return await merged(evaluator, await callMap(evaluator, node, grid, clampTo(undefined, await column(1))));
    case 'absent':
      return await absent(ctx, args[0]!, await evaluator.vector(args[0]!, grid), grid.count);
    case 'absent_over_time':
      return await absentOverTime(ctx, args[0]!, await evaluator.range(args[0]!, grid));
    case 'label_replace': {
      const [destination, replacement, source, regex] = args.slice(1).map(text) as [string, string, string, string];
      // Its own errors come before those of its argument.
      const relabel = labelReplace(destination, replacement, source, regex);
      return await relabel(ctx, await evaluator.vector(args[0]!, grid));
    }
    case 'label_join': {
      const [destination, separator, ...sources] = args.slice(1).map(text) as [string, string, ...string[]];
      const relabel = labelJoin(destination, separator, sources);
      return await relabel(ctx, await evaluator.vector(args[0]!, grid));
    }
    case 'sort':
    case 'sort_desc':
    case 'sort_by_label':
    case 'sort_by_label_desc':
      return await sorted(evaluator, node, await evaluator.vector(args[0]!, grid), grid);
    case 'info':
      return await evaluateInfo(evaluator, node, grid);
    default:
      return fail(`unknown function: ${node.func}`);
  }
}

async function sorted({ ctx }: Evaluator, node: Call, vector: VectorValue, grid: Grid): Promise<VectorValue> {
  const byLabel = node.func.startsWith('sort_by_label');
  if (grid.isRange) {
    const message = 'sort is ineffective for range queries since results are always ordered by labels';
    ctx.annotations.warn(message, ctx.position(node.position));
    return byLabel ? vector : floatsOnly(vector);
  }
  const sign = node.func.endsWith('_desc') ? -1 : 1;
  if (byLabel) return await sortByLabels(ctx, vector, node.args.slice(1).map(text), sign);
  return await sortByValue(ctx, vector, sign);
}

/** `scalar(v)`: the value of the only series, NaN where there is not exactly one float. */
function singleValues(vector: VectorValue, count: number): Float64Array {
  const values = new Float64Array(count).fill(Number.NaN);
  const seen = new Uint8Array(count);
  for (const element of vector.series) {
    for (let i = 0; i < count; i++) {
      if (element.present[i] !== FLOAT) continue;
      values[i] = seen[i] === 0 ? element.values[i]! : Number.NaN;
      seen[i] = 1;
    }
  }
  return values;
}

async function timestamp(evaluator: Evaluator, node: Call, grid: Grid): Promise<VectorValue> {
  let argument = node.args[0]!;
  while (argument.kind === 'paren') argument = argument.expr;
  const { ctx, fetched } = evaluator;
  let vector: VectorValue;
  if (argument.kind === 'vector-selector') {
    const time = node.func === 'timestamp' ? 'sample' : 'start';
    vector = await evaluateVectorSelector(ctx, fetched, argument, grid, time);
    return await mapVector(
      ctx,
      vector,
      mapFloats((x) => x),
    );
  }
  vector = await evaluator.vector(argument, grid);
  // Only samples as they are stored have a start.
  if (node.func === 'start_timestamp') return { kind: 'vector', series: [] };
  const times = timesInSeconds(grid);
  const series = vector.series.map((element) => ({
    ...element,
    values: times,
    present: element.present.map((value) => (value === 0 ? 0 : FLOAT)),
    histograms: undefined,
  }));
  return await mapVector(
    ctx,
    { kind: 'vector', series },
    mapFloats((x) => x),
  );
}
