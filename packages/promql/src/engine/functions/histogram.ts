import type { Call, Expr } from '../../ast.ts';
import { type Labels, labelsKey, labelValue, METRIC_NAME } from '../../labels.ts';
import { warnQuantile } from '../aggregate/evaluate.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import type { Evaluator } from '../evaluate.ts';
import { formatGeneral } from '../format.ts';
import { filterLabels, withLabel } from '../metadata-labels.ts';
import { named } from '../series.ts';
import { ABSENT, FLOAT, floatSeries, type Grid, type StepSeries, type VectorValue } from '../value.ts';
import { bucketFraction, bucketQuantile, type ClassicBuckets, type MonotonicityFix } from './classic-histograms.ts';

/** Functions over histograms; the first three take classic ones too. */
export const histogramFunctions: ReadonlySet<string> = new Set([
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_fraction',
]);

/** A classic histogram: its bucket series with their bounds. */
interface ClassicHistogram {
  readonly labels: Labels;
  readonly bounds: number[];
  readonly members: StepSeries[];
}

export async function evaluateHistogramFunction(evaluator: Evaluator, node: Call, grid: Grid): Promise<VectorValue> {
  const { ctx } = evaluator;
  const { args } = node;
  const column = async (expr: Expr) => (await evaluator.scalar(expr, grid)).values;
  switch (node.func) {
    case 'histogram_quantile': {
      const quantiles = await column(args[0]!);
      const vector = await evaluator.vector(args[1]!, grid);
      if (vector.series.length > 0) for (const q of quantiles) warnQuantile(ctx, q, args[0]!.position);
      return await classicQuantiles(ctx, node, args[1]!, vector, quantiles, undefined);
    }
    case 'histogram_quantiles': {
      const vector = await evaluator.vector(args[0]!, grid);
      const labelExpr = args[1]!;
      const label = labelExpr.kind === 'string' ? labelExpr.value : '';
      const series: StepSeries[] = [];
      for (const argument of args.slice(2)) {
        const quantiles = await column(argument);
        if (vector.series.length > 0) for (const q of quantiles) warnQuantile(ctx, q, argument.position);
        const result = await classicQuantiles(ctx, node, args[0]!, vector, quantiles, label);
        series.push(...result.series);
      }
      return { kind: 'vector', series };
    }
    case 'histogram_fraction': {
      const lower = await column(args[0]!);
      const upper = await column(args[1]!);
      const vector = await evaluator.vector(args[2]!, grid);
      const histograms = collectClassic(ctx, args[2]!, vector);
      return await overSteps(ctx, histograms, grid.count, undefined, (buckets, step) =>
        bucketFraction(lower[step]!, upper[step]!, buckets),
      );
    }
    default:
      return fail(`unknown function: ${node.func}`);
  }
}

function maybeMetricName(name: string): string {
  return name === '' ? '' : ` for metric name ${JSON.stringify(name)}`;
}

async function classicQuantiles(
  ctx: QueryContext,
  _node: Call,
  argument: Expr,
  vector: VectorValue,
  quantiles: Float64Array,
  label: string | undefined,
): Promise<VectorValue> {
  const histograms = collectClassic(ctx, argument, vector);
  const names = label === undefined ? undefined : [...new Set(quantiles)];
  const results: StepSeries[] = [];
  for (const q of names ?? [undefined]) {
    const value = await overSteps(
      ctx,
      histograms,
      quantiles.length,
      q === undefined ? undefined : [label!, q],
      (buckets, step, labels) => {
        if (q !== undefined && !Object.is(quantiles[step], q)) return undefined;
        const fix: MonotonicityFix = { forced: false, lowestBound: 0, highestBound: 0, largestDifference: 0 };
        const result = bucketQuantile(quantiles[step]!, buckets, fix);
        if (fix.forced) noteForced(ctx, argument, labels);
        return result;
      },
    );
    results.push(...value.series);
  }
  return { kind: 'vector', series: results };
}

function noteForced(ctx: QueryContext, argument: Expr, labels: Labels): void {
  const message =
    'input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)' +
    maybeMetricName(labelValue(labels, METRIC_NAME));
  ctx.annotations.info(message, ctx.position(argument.position));
}

/** Groups bucket series into histograms by their labels but `le`; series without a readable bound are noted and skipped. */
function collectClassic(ctx: QueryContext, argument: Expr, vector: VectorValue): ClassicHistogram[] {
  const byLabels = new Map<string, ClassicHistogram>();
  for (const element of vector.series) {
    if (!element.present.includes(FLOAT)) continue;
    const text = labelValue(element.labels, 'le');
    const bound = parseBound(text);
    if (bound === undefined) {
      const name = labelValue(element.labels, METRIC_NAME);
      const message = `bucket label "le" is missing or has a malformed value of ${JSON.stringify(text)}${maybeMetricName(name)}`;
      ctx.annotations.warn(message, ctx.position(argument.position));
      continue;
    }
    const kept = filterLabels(element.labels, (name) => name !== 'le');
    const { labels } = named(ctx, { labels: kept, dropName: false }, false);
    const key = labelsKey(labels);
    let histogram = byLabels.get(key);
    if (histogram === undefined) byLabels.set(key, (histogram = { labels, bounds: [], members: [] }));
    histogram.bounds.push(bound);
    histogram.members.push(element);
  }
  return [...byLabels.values()];
}

function parseBound(text: string): number | undefined {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

type StepFunction = (buckets: ClassicBuckets, step: number, labels: Labels) => number | undefined;

/** Calls a function with every histogram's buckets at every step that has any. */
async function overSteps(
  ctx: QueryContext,
  histograms: readonly ClassicHistogram[],
  count: number,
  label: readonly [name: string, value: number] | undefined,
  compute: StepFunction,
): Promise<VectorValue> {
  const series: StepSeries[] = [];
  for (const { labels, bounds, members } of histograms) {
    const values = new Float64Array(count);
    const present = new Uint8Array(count);
    for (let step = 0; step < count; step++) {
      const buckets: ClassicBuckets = { upperBounds: [], counts: [] };
      for (let m = 0; m < members.length; m++) {
        if (members[m]!.present[step] !== FLOAT) continue;
        buckets.upperBounds.push(bounds[m]!);
        buckets.counts.push(members[m]!.values[step]!);
      }
      const result = buckets.counts.length === 0 ? undefined : compute(buckets, step, labels);
      if (result === undefined) continue;
      values[step] = result;
      present[step] = FLOAT;
    }
    if (present.some((value) => value !== ABSENT)) {
      const result = named(ctx, { labels, dropName: false }, true);
      const own = label === undefined ? result.labels : withLabel(result.labels, label[0], formatGeneral(label[1]));
      series.push(floatSeries(own, result.dropName, values, present));
    }
    if (ctx.due(count * members.length * 4)) await ctx.pause();
  }
  return { kind: 'vector', series };
}
