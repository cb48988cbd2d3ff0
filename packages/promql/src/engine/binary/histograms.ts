import type { BinaryExpr } from '../../ast.ts';
import type { FloatHistogram } from '../../histogram.ts';
import type { QueryContext } from '../context.ts';
import { ABSENT, HISTOGRAM, type StepSeries } from '../value.ts';

type Operand = Pick<StepSeries, 'values' | 'present' | 'histograms'>;

/**
 * The steps of a binary operation at which a side is a histogram: writes presence and float results into the columns
 * and returns the histogram results. An operation that histograms do not have yields nothing, and an info.
 */
export function histogramOperation(
  ctx: QueryContext,
  node: BinaryExpr,
  left: Operand,
  right: Operand,
  _values: Float64Array,
  _present: Uint8Array,
): { any: boolean; histograms: (FloatHistogram | undefined)[] | undefined } {
  for (let i = 0; i < left.present.length; i++) {
    if (left.present[i] === ABSENT || right.present[i] === ABSENT) continue;
    const leftType = left.present[i] === HISTOGRAM ? 'histogram' : 'float';
    const rightType = right.present[i] === HISTOGRAM ? 'histogram' : 'float';
    const message = `incompatible sample types encountered for binary operator "${node.op}": ${leftType} ${node.op} ${rightType}`;
    ctx.annotations.info(message, ctx.position(node.position));
  }
  return { any: false, histograms: undefined };
}

export function negateHistograms(
  histograms: readonly (FloatHistogram | undefined)[],
): readonly (FloatHistogram | undefined)[] {
  return histograms.map(
    (histogram) =>
      histogram && {
        ...histogram,
        counterResetHint: 'gauge' as const,
        zeroCount: -histogram.zeroCount,
        count: -histogram.count,
        sum: -histogram.sum,
        positiveBuckets: histogram.positiveBuckets.map((x) => -x),
        negativeBuckets: histogram.negativeBuckets.map((x) => -x),
      },
  );
}
