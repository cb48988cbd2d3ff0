import type { AggregateExpr } from '../../ast.ts';
import { createHistogramSum, type HistogramSum } from '../../histogram/sum.ts';
import type { FloatHistogram } from '../../histogram.ts';
import { type Labels, labelValue, METRIC_NAME } from '../../labels.ts';
import { mixedBuckets, placeOf } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import { hintsConflict, seenHint } from '../reset-hints.ts';
import { ABSENT, FLOAT, HISTOGRAM, type StepSeries } from '../value.ts';

/** The histograms of a group by step, for `sum` and `avg`. */
export interface HistogramAccumulator {
  add(member: StepSeries): void;
  /** Adds the histogram results to the float columns; steps that hold both kinds have no result. */
  finish(values: Float64Array, present: Uint8Array): (FloatHistogram | undefined)[];
}

/** @param hasFloat whether the group had a float at a step so far */
export function createHistogramAccumulator(
  ctx: QueryContext,
  node: AggregateExpr,
  count: number,
  hasFloat: (step: number) => boolean,
): HistogramAccumulator {
  const sums: (HistogramSum | undefined)[] = new Array(count);
  const incompatible = new Uint8Array(count);
  const mixed = new Uint8Array(count);
  const hints = new Uint8Array(count);
  const position = ctx.position(placeOf(node.expr));
  const addAt = (step: number, histogram: FloatHistogram, labels: Labels) => {
    const sum = sums[step];
    hints[step]! |= seenHint(histogram);
    if (sum === undefined) {
      // After a float nothing comes of histograms, and they are not looked at.
      if (hasFloat(step)) mixed[step] = 1;
      else sums[step] = createHistogramSum(histogram);
    } else if (incompatible[step] === 0 && !sum.add(histogram)) {
      incompatible[step] = 1;
      if (hasFloat(step)) mixed[step] = 1;
      ctx.annotations.warn(mixedBuckets(labelValue(labels, METRIC_NAME)), position);
    }
  };
  return {
    add({ labels, present, histograms }) {
      for (let step = 0; step < count; step++) {
        if (present[step] === HISTOGRAM) addAt(step, histograms![step]!, labels);
      }
    },
    finish(_values, present) {
      return Array.from(sums, (sum, step) => {
        const isIncompatible = incompatible[step] === 1;
        if (mixed[step] === 0 && sum === undefined) return undefined;
        if (sum?.boundsReconciled) {
          ctx.annotations.info('mismatched custom buckets were reconciled during aggregation', position);
        }
        // What comes after incompatible histograms is not looked at either.
        if (mixed[step] === 1 || (present[step] === FLOAT && !isIncompatible)) {
          ctx.annotations.warn('encountered a mix of histograms and floats for aggregation', position);
          present[step] = ABSENT;
          return undefined;
        }
        if (!isIncompatible && hintsConflict(hints[step]!)) {
          ctx.annotations.warn('conflicting counter resets during histogram aggregation', position);
        }
        present[step] = isIncompatible ? ABSENT : HISTOGRAM;
        if (isIncompatible) return undefined;
        return node.op === 'avg' ? sum!.mean() : sum!.sum();
      });
    },
  };
}

/** Notes that an operator without a meaning for histograms met some. */
export function noteIgnoredHistograms(
  ctx: QueryContext,
  node: AggregateExpr,
  member: StepSeries,
  position = placeOf(node.expr),
): void {
  if (member.histograms === undefined || !member.present.includes(HISTOGRAM)) return;
  ctx.annotations.info(`ignored histogram in ${node.op} aggregation`, ctx.position(position));
}
