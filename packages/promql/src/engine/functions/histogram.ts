import type { Call, Expr } from '../../ast.ts';
import { quote } from '../../go-strings.ts';
import { type Labels, labelsKey, labelValue, METRIC_NAME } from '../../labels.ts';
import { warnQuantile } from '../aggregate/evaluate.ts';
import { forMetric, placeOf } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import type { Evaluator } from '../evaluate.ts';
import { formatOpenMetrics } from '../format.ts';
import { filterLabels, withLabel } from '../metadata-labels.ts';
import { mergeSameLabels, named } from '../series.ts';
import { FLOAT, floatSeries, type Grid, HISTOGRAM, type StepSeries, type VectorValue } from '../value.ts';
import { bucketFraction, bucketQuantile, type ClassicBuckets, type MonotonicityFix } from './classic-histograms.ts';
import { type NativeStepFunction, nativeFraction, nativeQuantile } from './native-histograms.ts';
import { createRepairs, type Repairs } from './repairs.ts';

/** Functions over classic and native histograms. */
export const histogramFunctions: ReadonlySet<string> = new Set([
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_fraction',
]);

/** What has the same labels but for `le`: the bucket series of a classic histogram, a native histogram, or both. */
interface HistogramInput {
  readonly labels: Labels;
  readonly bounds: number[];
  readonly members: StepSeries[];
  native: StepSeries | undefined;
}

export async function evaluateHistogramFunction(evaluator: Evaluator, node: Call, grid: Grid): Promise<VectorValue> {
  const { ctx } = evaluator;
  const { args } = node;
  const column = async (expr: Expr) => (await evaluator.scalar(expr, grid)).values;
  switch (node.func) {
    case 'histogram_quantile': {
      const quantiles = await column(args[0]!);
      const vector = await evaluator.vector(args[1]!, grid);
      for (const q of quantiles) warnQuantile(ctx, q, placeOf(args[0]!));
      const repairs = createRepairs(ctx.delayedNameRemoval);
      const result = await quantilesOf(ctx, args[1]!, vector, quantiles, undefined, repairs);
      repairs.report(ctx, args[1]!, grid);
      return result;
    }
    case 'histogram_quantiles': {
      const vector = await evaluator.vector(args[0]!, grid);
      const labelExpr = args[1]!;
      const label = labelExpr.kind === 'string' ? labelExpr.value : '';
      const series: StepSeries[] = [];
      const repairs = createRepairs(ctx.delayedNameRemoval);
      for (const argument of args.slice(2)) {
        const quantiles = await column(argument);
        for (const q of quantiles) warnQuantile(ctx, q, placeOf(argument));
        for (const q of new Set(quantiles)) {
          // A set does not tell -0 from 0.
          const mine = quantiles.map((other) => (other === q || Object.is(other, q) ? other : SKIPPED));
          series.push(...(await quantilesOf(ctx, args[0]!, vector, mine, [label, q], repairs)).series);
        }
      }
      repairs.report(ctx, args[0]!, grid);
      return { kind: 'vector', series: grid.isRange ? await mergeSameLabels(ctx, series) : series };
    }
    case 'histogram_fraction': {
      const lower = await column(args[0]!);
      const upper = await column(args[1]!);
      const vector = await evaluator.vector(args[2]!, grid);
      const inputs = collectInputs(ctx, args[2]!, vector);
      const classic: StepFunction = (buckets, step) => bucketFraction(lower[step]!, upper[step]!, buckets);
      const native = nativeFraction(ctx, args[2]!, lower, upper);
      return await overSteps(ctx, args[2]!, inputs, grid.count, undefined, classic, native);
    }
    default:
      return fail(`unknown function: ${node.func}`);
  }
}

/** Marks the steps at which a varying quantile is another. */
const SKIPPED = Number.MAX_VALUE;

async function quantilesOf(
  ctx: QueryContext,
  argument: Expr,
  vector: VectorValue,
  quantiles: Float64Array,
  label: readonly [name: string, value: number] | undefined,
  repairs: Repairs,
): Promise<VectorValue> {
  const inputs = collectInputs(ctx, argument, vector);
  let fix: MonotonicityFix = noFix();
  const classic: StepFunction = (buckets, step, labels) => {
    if (quantiles[step] === SKIPPED) return undefined;
    const result = bucketQuantile(quantiles[step]!, buckets, fix);
    if (fix.forced) {
      repairs.note(labels, step, fix);
      fix = noFix();
    }
    return result;
  };
  const native = nativeQuantile(ctx, argument, quantiles);
  const nativeUnlessSkipped: NativeStepFunction = (histogram, step, element) =>
    quantiles[step] === SKIPPED ? undefined : native(histogram, step, element);
  return await overSteps(ctx, argument, inputs, quantiles.length, label, classic, nativeUnlessSkipped);
}

function noFix(): MonotonicityFix {
  return { forced: false, lowestBound: 0, highestBound: 0, largestDifference: 0 };
}

/** Groups series by their labels but `le`; bucket series without a readable bound are noted and skipped. */
function collectInputs(ctx: QueryContext, argument: Expr, vector: VectorValue): HistogramInput[] {
  const byLabels = new Map<string, HistogramInput>();
  const inputOf = (labels: Labels): HistogramInput => {
    const key = labelsKey(labels);
    let input = byLabels.get(key);
    if (input === undefined) byLabels.set(key, (input = { labels, bounds: [], members: [], native: undefined }));
    return input;
  };
  for (const element of vector.series) {
    if (element.histograms !== undefined && element.present.includes(HISTOGRAM)) {
      inputOf(element.labels).native = element;
    }
    if (!element.present.includes(FLOAT)) continue;
    const text = labelValue(element.labels, 'le');
    const bound = parseBound(text);
    if (bound === undefined) {
      // Where Prometheus drops names at once it has done so by now.
      const name = ctx.delayedNameRemoval ? forMetric(labelValue(element.labels, METRIC_NAME)) : '';
      const message = `bucket label "le" is missing or has a malformed value of ${quote(text)}${name}`;
      ctx.annotations.warn(message, ctx.position(placeOf(argument)));
      continue;
    }
    const input = inputOf(filterLabels(element.labels, (name) => name !== 'le'));
    input.bounds.push(bound);
    input.members.push(element);
  }
  for (const input of byLabels.values()) sortByBound(input);
  return [...byLabels.values()];
}

/** So that the buckets of most steps are in order already. */
function sortByBound({ bounds, members }: HistogramInput): void {
  const pairs = bounds.map((bound, i) => ({ bound, member: members[i]! }));
  pairs.sort((a, b) => a.bound - b.bound || 0);
  for (const [i, { bound, member }] of pairs.entries()) {
    bounds[i] = bound;
    members[i] = member;
  }
}

/** NaN and numbers too large for a float are no bounds. */
function parseBound(text: string): number | undefined {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  const bound = Number(text);
  return Number.isFinite(bound) ? bound : undefined;
}

/** The buckets are valid until the next call. */
type StepFunction = (buckets: ClassicBuckets, step: number, labels: Labels) => number | undefined;

/** Calls a function with every histogram at every step that has one; a classic and a native one together are noted. */
async function overSteps(
  ctx: QueryContext,
  argument: Expr,
  inputs: readonly HistogramInput[],
  count: number,
  label: readonly [name: string, value: number] | undefined,
  classic: StepFunction,
  native: NativeStepFunction,
): Promise<VectorValue> {
  const series: StepSeries[] = [];
  for (const input of inputs) {
    const { labels, members } = input;
    const values = new Float64Array(count);
    const present = new Uint8Array(count);
    const whole: ClassicBuckets = { upperBounds: input.bounds, counts: input.bounds.map(() => 0) };
    for (let step = 0; step < count; step++) {
      const buckets = bucketsAt(input, step, whole);
      const histogram = input.native?.present[step] === HISTOGRAM ? input.native.histograms![step] : undefined;
      let result: number | undefined;
      if (histogram === undefined) result = buckets && classic(buckets, step, labels);
      else if (buckets === undefined) result = native(histogram, step, input.native!);
      else {
        const name = ctx.delayedNameRemoval ? labelValue(labels, METRIC_NAME) : '';
        const message = `vector contains a mix of classic and native histograms${forMetric(name)}`;
        ctx.annotations.warn(message, ctx.position(placeOf(argument)));
      }
      if (result === undefined) continue;
      values[step] = result;
      present[step] = FLOAT;
    }
    if (present.includes(FLOAT)) {
      const result = named(ctx, { labels, dropName: false }, true);
      const own = label === undefined ? result.labels : withLabel(result.labels, label[0], formatOpenMetrics(label[1]));
      series.push(floatSeries(own, result.dropName, values, present));
    }
    if (ctx.due(count * (members.length + 4) * 4)) await ctx.pause();
  }
  return { kind: 'vector', series };
}

/** @param whole all bounds, with counts to be overwritten: the answer at steps where no bucket is missing */
function bucketsAt(
  { members, bounds }: HistogramInput,
  step: number,
  whole: ClassicBuckets,
): ClassicBuckets | undefined {
  const { counts } = whole;
  let m = 0;
  for (; m < members.length; m++) {
    const { present, values } = members[m]!;
    if (present[step] !== FLOAT) break;
    counts[m] = values[step]!;
  }
  if (m === members.length) return m === 0 ? undefined : whole;
  let buckets: ClassicBuckets | undefined;
  for (m = 0; m < members.length; m++) {
    if (members[m]!.present[step] !== FLOAT) continue;
    buckets ??= { upperBounds: [], counts: [] };
    buckets.upperBounds.push(bounds[m]!);
    buckets.counts.push(members[m]!.values[step]!);
  }
  return buckets;
}
