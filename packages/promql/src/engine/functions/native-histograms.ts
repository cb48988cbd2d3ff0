import type { Call, Expr } from '../../ast.ts';
import { bucketList } from '../../histogram/bucket-list.ts';
import {
  histogramFraction,
  histogramQuantile,
  histogramVariance,
  isQuantileAtOpenBucket,
} from '../../histogram/quantile.ts';
import type { FloatHistogram } from '../../histogram.ts';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import { forMetric, placeOf } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import type { Evaluator } from '../evaluate.ts';
import { named } from '../series.ts';
import { FLOAT, floatSeries, type Grid, HISTOGRAM, type StepSeries, stepsWork, type VectorValue } from '../value.ts';

/** Floats that a native histogram has. */
export const nativeHistogramFunctions: ReadonlyMap<string, (histogram: FloatHistogram) => number> = new Map([
  ['histogram_avg', ({ sum, count }: FloatHistogram) => sum / count],
  ['histogram_count', ({ count }: FloatHistogram) => count],
  ['histogram_stddev', (histogram: FloatHistogram) => Math.sqrt(histogramVariance(histogram))],
  ['histogram_stdvar', histogramVariance],
  ['histogram_sum', ({ sum }: FloatHistogram) => sum],
]);

/** Applies such a function; floats in the vector are ignored. */
export async function mapHistograms(evaluator: Evaluator, node: Call, grid: Grid): Promise<VectorValue> {
  const { ctx } = evaluator;
  const compute = nativeHistogramFunctions.get(node.func)!;
  const vector = await evaluator.vector(node.args[0]!, grid);
  const series: StepSeries[] = [];
  for (const element of vector.series) {
    if (element.histograms === undefined) continue;
    const values = new Float64Array(grid.count);
    const present = new Uint8Array(grid.count);
    for (let step = 0; step < grid.count; step++) {
      if (element.present[step] !== HISTOGRAM) continue;
      values[step] = compute(element.histograms[step]!);
      present[step] = FLOAT;
    }
    if (present.includes(FLOAT)) {
      const { labels, dropName } = named(ctx, element, true);
      series.push(floatSeries(labels, dropName, values, present));
    }
    if (ctx.due(stepsWork(element))) await ctx.pause();
  }
  return { kind: 'vector', series };
}

/** A function of one histogram at one step, with its annotations. */
export type NativeStepFunction = (histogram: FloatHistogram, step: number, element: StepSeries) => number | undefined;

export function nativeQuantile(ctx: QueryContext, argument: Expr, quantiles: Float64Array): NativeStepFunction {
  return (histogram, step, { labels }) => {
    const q = quantiles[step]!;
    const result = histogramQuantile(q, histogram);
    if (Number.isNaN(histogram.sum) && q >= 0 && q <= 1 && !isQuantileAtOpenBucket(q, histogram)) {
      const { count } = histogram;
      const inBuckets = bucketTotal(histogram);
      const isBeyond = Number.isNaN(result) && Math.min(inBuckets, count) < q * count;
      if (isBeyond || inBuckets < count) {
        const effect = isBeyond ? 'result is NaN' : 'result is skewed higher';
        const name = forMetric(labelValue(labels, METRIC_NAME));
        const message = `input to histogram_quantile has NaN observations, ${effect}${name}`;
        ctx.annotations.info(message, ctx.position(placeOf(argument)));
      }
    }
    return result;
  };
}

export function nativeFraction(
  ctx: QueryContext,
  argument: Expr,
  lower: Float64Array,
  upper: Float64Array,
): NativeStepFunction {
  return (histogram, step, { labels }) => {
    const isEmpty = !(lower[step]! < upper[step]!);
    if (!isEmpty && Number.isNaN(histogram.sum) && bucketTotal(histogram) < histogram.count) {
      const name = forMetric(labelValue(labels, METRIC_NAME));
      const message = `input to histogram_fraction has NaN observations, which are excluded from all fractions${name}`;
      ctx.annotations.info(message, ctx.position(placeOf(argument)));
    }
    return histogramFraction(lower[step]!, upper[step]!, histogram);
  };
}

function bucketTotal(histogram: FloatHistogram): number {
  return bucketList(histogram).reduce((total, bucket) => total + bucket.count, 0);
}
