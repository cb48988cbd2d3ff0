import type { AggregateExpr } from '../../ast.ts';
import type { QueryContext } from '../context.ts';
import { HISTOGRAM, type StepSeries } from '../value.ts';
import type { Group } from './grouping.ts';

/**
 * Aggregations over groups that hold histograms. `undefined`: the operator treats them as absent (noted as an info),
 * and the float accumulator does the rest.
 */
export function aggregateHistograms(
  ctx: QueryContext,
  node: AggregateExpr,
  group: Group,
  _count: number,
): readonly StepSeries[] | undefined {
  if (node.op === 'count' || node.op === 'group') return undefined;
  if (group.members.some((member) => member.present.includes(HISTOGRAM))) {
    ctx.annotations.info(`ignored histogram in ${node.op} aggregation`, ctx.position(node.expr.position));
  }
  return undefined;
}
