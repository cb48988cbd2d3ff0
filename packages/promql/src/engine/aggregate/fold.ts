import type { AggregateExpr } from '../../ast.ts';
import type { Labels } from '../../labels.ts';
import type { Evaluator } from '../evaluate.ts';
import { stepSeriesBytes } from '../memory.ts';
import { isMetadataLabel } from '../metadata-labels.ts';
import { streamVector } from '../stream.ts';
import { ABSENT, type Grid, type StepSeries, type VectorValue } from '../value.ts';
import * as accumulators from './accumulate.ts';
import { groupingOf } from './grouping.ts';
import { createHistogramAccumulator, type HistogramAccumulator, noteIgnoredHistograms } from './histograms.ts';

const folds = {
  avg: accumulators.avg,
  count: accumulators.count,
  group: accumulators.group,
  max: accumulators.max,
  min: accumulators.min,
  stddev: accumulators.stddev,
  stdvar: accumulators.stdvar,
  sum: accumulators.sum,
} as const;

type FoldOp = keyof typeof folds;

/** Whether the operator needs its input one series at a time only. */
export function isFold(op: AggregateExpr['op']): op is FoldOp {
  return op in folds;
}

interface FoldGroup {
  readonly labels: Labels;
  dropName: boolean;
  readonly floats: accumulators.Accumulator;
  histograms: HistogramAccumulator | undefined;
}

/** Aggregations that fold series by series: nothing but the groups' accumulators is kept. */
export async function foldAggregate(
  evaluator: Evaluator,
  node: AggregateExpr & { readonly op: FoldOp },
  grid: Grid,
): Promise<VectorValue> {
  const { ctx } = evaluator;
  const { count } = grid;
  const createAccumulator = folds[node.op];
  const grouping = groupingOf(node);
  const groups = new Map<string, FoldGroup>();
  const addsHistograms = node.op === 'sum' || node.op === 'avg';
  const ignoresHistograms = !addsHistograms && node.op !== 'count' && node.op !== 'group';
  let inputs = 0;
  const ignoresNames = node.without || !node.grouping.some(isMetadataLabel);
  await streamVector(evaluator, node.expr, grid, ignoresNames, (element) => {
    inputs++;
    const key = grouping.key(element.labels);
    let group = groups.get(key);
    if (group === undefined) {
      const labels = grouping.labels(element.labels);
      groups.set(key, (group = { labels, dropName: false, floats: createAccumulator(count), histograms: undefined }));
      ctx.hold(count);
      ctx.memory.hold(stepSeriesBytes(count) * 3);
    }
    group.dropName ||= element.dropName && ctx.delayedNameRemoval;
    group.floats.add(element);
    if (element.histograms === undefined) return;
    if (addsHistograms) {
      const { floats } = group;
      group.histograms ??= createHistogramAccumulator(ctx, node, count, (step) => floats.has!(step));
      group.histograms.add(element);
    } else if (ignoresHistograms) noteIgnoredHistograms(ctx, node, element);
  });
  ctx.release(inputs * count);
  const series: StepSeries[] = [];
  for (const { labels, dropName, floats, histograms } of groups.values()) {
    const { values, present } = floats.finish();
    const results = histograms?.finish(values, present);
    if (present.some((state) => state !== ABSENT))
      series.push({ labels, dropName, values, present, histograms: results });
  }
  return { kind: 'vector', series };
}
