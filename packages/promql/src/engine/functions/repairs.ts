import type { Expr } from '../../ast.ts';
import { type Labels, labelsKey, labelValue, METRIC_NAME } from '../../labels.ts';
import { forMetric, placeOf } from '../annotations.ts';
import type { QueryContext } from '../context.ts';
import type { Grid } from '../value.ts';
import type { MonotonicityFix } from './classic-histograms.ts';

/** Notes the classic histograms whose bucket counts had to be repaired so that they ascend. */
export interface Repairs {
  note(labels: Labels, step: number, fix: MonotonicityFix): void;
  /** Puts what was noted into the query's infos. */
  report(ctx: QueryContext, argument: Expr, grid: Grid): void;
}

/** All repairs of one metric name. */
interface Repaired {
  /** Histograms by step. */
  readonly counts: Map<number, number>;
  lowest: number;
  highest: number;
  largest: number;
}

const TEXT =
  'input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)';

/** @param named the metric names of what was repaired are told */
export function createRepairs(named: boolean): Repairs {
  const byMetric = new Map<string, Repaired>();
  const seen = new Set<string>();
  return {
    note(labels, step, { lowestBound, highestBound, largestDifference }) {
      const key = `${step} ${labelsKey(labels)}`;
      if (seen.has(key)) return;
      seen.add(key);
      const name = named ? labelValue(labels, METRIC_NAME) : '';
      let repaired = byMetric.get(name);
      if (repaired === undefined) {
        repaired = { counts: new Map(), lowest: lowestBound, highest: highestBound, largest: largestDifference };
        byMetric.set(name, repaired);
      }
      repaired.counts.set(step, (repaired.counts.get(step) ?? 0) + 1);
      repaired.lowest = Math.min(repaired.lowest, lowestBound);
      repaired.highest = Math.max(repaired.highest, highestBound);
      repaired.largest = Math.max(repaired.largest, largestDifference);
    },
    report(ctx, argument, { startMs, stepMs, count }) {
      for (const [name, { counts, ...extent }] of byMetric) {
        const steps = [...counts.keys()];
        ctx.annotations.repaired(TEXT + forMetric(name), ctx.position(placeOf(argument)), {
          ...extent,
          samples: countLikePrometheus(counts, count),
          firstMs: startMs + Math.min(...steps) * stepMs,
          lastMs: startMs + Math.max(...steps) * stepMs,
        });
      }
    },
  };
}

/** Prometheus adds its running count to itself at each step after the first that has one, in 64 bits. */
function countLikePrometheus(counts: ReadonlyMap<number, number>, stepCount: number): bigint {
  let total: bigint | undefined;
  for (let step = Math.min(...counts.keys()); step < stepCount; step++) {
    const here = BigInt(counts.get(step) ?? 0);
    total = total === undefined ? here : BigInt.asIntN(64, 2n * (total + here));
  }
  return total ?? 0n;
}
