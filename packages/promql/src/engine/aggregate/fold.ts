import type { AggregateExpr, Expr } from '../../ast.ts';
import type { Labels } from '../../labels.ts';
import type { Evaluator } from '../evaluate.ts';
import { stepSeriesBytes } from '../memory.ts';
import { isMetadataLabel } from '../metadata-labels.ts';
import type { Emit, TakeCounter } from '../range/evaluate.ts';
import { RateSums, type SumColumns } from '../range/rate-sums.ts';
import { rangeFunctions } from '../range/table.ts';
import { streamVector } from '../stream.ts';
import { ABSENT, type Grid, lastPresentStep, type StepSeries, type VectorValue } from '../value.ts';
import * as accumulators from './accumulate.ts';
import { dropsName, groupingOf, type NameSteps, noteLast } from './grouping.ts';
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

interface RateSum {
  readonly columns: SumColumns;
  readonly floats: accumulators.SumAccumulator;
}

interface FoldGroup extends NameSteps {
  readonly labels: Labels;
  readonly floats: accumulators.Accumulator;
  /** A sum of rates, where they are added by a kernel. */
  readonly rates: RateSum | undefined;
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
  const rateSums = node.op === 'sum' && isRateCall(node.expr) ? RateSums.open(count) : undefined;
  const groupOf = (all: Labels): FoldGroup => {
    const key = grouping.key(all);
    let group = groups.get(key);
    if (group === undefined) {
      const rates = rateSums && rateSumOf(rateSums, count);
      const floats = rates?.floats ?? createAccumulator(count);
      groups.set(
        key,
        (group = {
          labels: grouping.labels(all),
          lastKept: -1,
          lastDropped: -1,
          floats,
          rates,
          histograms: undefined,
        }),
      );
      ctx.hold(count);
      ctx.memory.hold(stepSeriesBytes(count) * 3);
    }
    return group;
  };
  const takeCounter: TakeCounter = ({ labels, values, ascending }, windows, isRate) => {
    const group = groupOf(labels);
    if (group.rates === undefined) return false;
    const { columns, floats } = group.rates;
    const steps = rateSums!.add(columns, values, windows, isRate, ascending);
    if (steps === undefined) return false;
    inputs++;
    if (ctx.delayedNameRemoval) noteLast(group, true, steps.to - 1);
    floats.see(steps.from, steps.to);
    return true;
  };
  const emit: Emit = (element) => {
    inputs++;
    const group = groupOf(element.labels);
    if (ctx.delayedNameRemoval) noteLast(group, element.dropName, lastPresentStep(element.present));
    group.floats.add(element);
    if (element.histograms === undefined) return;
    if (addsHistograms) {
      const { floats } = group;
      group.histograms ??= createHistogramAccumulator(ctx, node, count, (step) => floats.has!(step));
      group.histograms.add(element);
    } else if (ignoresHistograms) noteIgnoredHistograms(ctx, node, element);
  };
  try {
    await streamVector(evaluator, node.expr, grid, ignoresNames, emit, rateSums && takeCounter);
    ctx.release(inputs * count);
    return { kind: 'vector', series: resultsOf(groups.values()) };
  } finally {
    rateSums?.close();
  }
}

function resultsOf(groups: Iterable<FoldGroup>): StepSeries[] {
  const series: StepSeries[] = [];
  for (const group of groups) {
    const { labels, floats, histograms } = group;
    const { values, present } = floats.finish();
    const results = histograms?.finish(values, present);
    if (present.some((state) => state !== ABSENT))
      series.push({ labels, dropName: dropsName(group), values, present, histograms: results });
  }
  return series;
}

function rateSumOf(rateSums: RateSums, count: number): RateSum | undefined {
  const columns = rateSums.columns();
  return columns && { columns, floats: accumulators.sum(count, columns) };
}

/** Whether an expression is a call that gives rates or increases. */
function isRateCall(expr: Expr): boolean {
  if (expr.kind === 'paren') return isRateCall(expr.expr);
  return expr.kind === 'call' && rangeFunctions.get(expr.func)?.isRate !== undefined;
}
