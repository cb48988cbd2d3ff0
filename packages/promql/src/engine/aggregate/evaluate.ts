import type { AggregateExpr } from '../../ast.ts';
import { hasInvalidUtf8, quote } from '../../go-strings.ts';
import { placeOf } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import { formatGeneral } from '../format.ts';
import { maxOf, minOf } from '../functions/math.ts';
import { labelsHashFraction } from '../hash.ts';
import { ABSENT, type StepSeries, type Value, type VectorValue } from '../value.ts';
import { countValues } from './count-values.ts';
import { type Group, groupSeries } from './grouping.ts';
import { noteIgnoredHistograms } from './histograms.ts';
import { quantileOfGroup } from './quantile.ts';
import { firstOfGroup, topOfGroup } from './top.ts';

/** Aggregations that need whole groups. @param parameter the evaluated parameter, where the operator has one */
export async function aggregate(
  ctx: QueryContext,
  node: AggregateExpr,
  vector: VectorValue,
  parameter: Value | undefined,
  count: number,
): Promise<VectorValue> {
  const scalars = parameter?.kind === 'scalar' ? parameter.values : new Float64Array(count);
  const text = parameter?.kind === 'string' ? parameter.value : '';
  const evaluateGroup = groupEvaluator(ctx, node, scalars, text, count, vector.series.length);
  const grouped = node.op === 'count_values' ? groupedBeside(node, text) : node;
  const series: StepSeries[] = [];
  for (const group of await groupSeries(ctx, grouped, vector.series)) {
    for (const result of await evaluateGroup(group)) series.push(result);
  }
  return { kind: 'vector', series };
}

/** The grouping of `count_values`: its label takes part with the value that it is given, whatever it was. */
function groupedBeside(node: AggregateExpr, label: string): AggregateExpr {
  const others = node.grouping.filter((name) => name !== label);
  return { ...node, grouping: node.without ? [...others, label] : others };
}

type GroupEvaluator = (group: Group) => Promise<readonly StepSeries[]>;

function groupEvaluator(
  ctx: QueryContext,
  node: AggregateExpr,
  scalars: Float64Array,
  text: string,
  count: number,
  seriesCount: number,
): GroupEvaluator {
  switch (node.op) {
    case 'topk':
    case 'bottomk': {
      const ks = memberLimits(scalars, seriesCount);
      return async (group) => {
        if (ks.some((k) => k >= 1)) {
          for (const member of group.members) noteIgnoredHistograms(ctx, node, member, node.position);
        }
        return await topOfGroup(ctx, group, ks, node.op === 'topk' ? 1 : -1);
      };
    }
    case 'limitk': {
      const ks = memberLimits(scalars, seriesCount);
      return (group) => firstOfGroup(ctx, group, ks);
    }
    case 'limit_ratio': {
      const ratios = sampleRatios(ctx, node, scalars);
      return (group) => sampleByHash(ctx, group, ratios);
    }
    case 'quantile':
      for (const q of outliers(scalars, 0, 1)) warnQuantile(ctx, q, placeOf(node.param!));
      return async (group) => {
        for (const member of group.members) noteIgnoredHistograms(ctx, node, member);
        return await quantileOfGroup(ctx, group, scalars);
      };
    case 'count_values':
      if (!isValidLabelName(text)) fail(`invalid label name ${quote(text)}`);
      return (group) => countValues(ctx, node, group, text, count);
    default:
      return fail(`unknown aggregation: ${node.op}`);
  }
}

/** k of `topk` and its kind by step: at most the number of series. @throws QueryError for NaN and what is no integer */
function memberLimits(scalars: Float64Array, seriesCount: number): Float64Array {
  if (scalars.some(Number.isNaN)) fail('Parameter value is NaN');
  return scalars.map((k) => {
    if (k >= 2 ** 63) fail(`Scalar value ${formatGeneral(k)} overflows int64`);
    return Math.max(0, Math.min(Math.trunc(k), seriesCount));
  });
}

function sampleRatios(ctx: QueryContext, node: AggregateExpr, scalars: Float64Array): Float64Array {
  if (scalars.some(Number.isNaN)) fail('Ratio value is NaN');
  for (const ratio of outliers(scalars, -1, 1)) {
    const message = `ratio value should be between -1 and 1, got ${formatGeneral(ratio)}, capping to ${Math.sign(ratio)}`;
    ctx.annotations.warn(message, ctx.position(placeOf(node.param!)));
  }
  return scalars.map((ratio) => Math.max(-1, Math.min(1, ratio)));
}

/**
 * What is noted of a parameter over the steps: a NaN, the smallest value where it is below the bounds and the largest
 * where it is above. If there is a NaN both are that, unless infinite.
 */
function outliers(values: Float64Array, low: number, high: number): number[] {
  const found: number[] = [];
  if (values.some(Number.isNaN)) found.push(Number.NaN);
  const smallest = values.reduce(minOf, low);
  const largest = values.reduce(maxOf, high);
  if (smallest < low) found.push(smallest);
  if (largest > high) found.push(largest);
  return found;
}

/** What hashing the labels of a series with 64 bits costs, in samples. */
const HASH_WORK = 10_000;

/** `limit_ratio`: a share of the series, chosen by the hash of their labels; a negative ratio is the complement. */
async function sampleByHash(ctx: QueryContext, group: Group, ratios: Float64Array): Promise<StepSeries[]> {
  const kept: StepSeries[] = [];
  for (const member of group.members) {
    const fraction = labelsHashFraction(member.labels);
    if (ctx.due(ratios.length + HASH_WORK)) await ctx.pause();
    const present = member.present.map((value, step) => {
      const ratio = ratios[step]!;
      const inside = ratio >= 0 ? fraction < ratio : fraction >= 1 + ratio;
      return inside ? value : ABSENT;
    });
    if (present.some((value) => value !== ABSENT)) kept.push({ ...member, present });
  }
  return kept;
}

/** Notes a quantile outside [0, 1]. */
export function warnQuantile(ctx: QueryContext, q: number, position: AggregateExpr['position']): void {
  if (q >= 0 && q <= 1) return;
  ctx.annotations.warn(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`, ctx.position(position));
}

/** Any UTF-8 text but the empty one is a label name. */
export function isValidLabelName(name: string): boolean {
  return name !== '' && !hasInvalidUtf8(name);
}
