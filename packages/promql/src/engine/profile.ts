import type { Expr } from '../ast.ts';
import { printExpr } from '../printer.ts';
import type { Evaluator } from './evaluate.ts';
import type { Fetched } from './plan.ts';
import type { RangeValue, Value } from './value.ts';

/** A node of an evaluated expression. */
export interface PlanNode {
  readonly kind: Expr['kind'];
  readonly expr: string;
  /** Series of the node's result; 0 for scalars. */
  readonly series: number;
  /** Samples read by a selector; points of the result for the others. */
  readonly samples: number;
  /** How often the node was evaluated: 0 where the node above took its series one by one. */
  readonly evaluations: number;
  /** Time until the node's result was there, its arguments included; with `trace` only. */
  readonly timeMs?: number;
  readonly children: readonly PlanNode[];
}

interface Measured {
  series: number;
  samples: number;
  evaluations: number;
  timeMs: number;
}

export interface Profile {
  /** An evaluator that measures what it is asked for. */
  measured(evaluator: Evaluator): Evaluator;
  plan(expr: Expr, fetched: Fetched): PlanNode;
}

/** @param times whether the plan tells times */
export function createProfile(times: boolean): Profile {
  const nodes = new Map<Expr, Measured>();
  const note = (expr: Expr, startedAt: number, size: { series: number; samples: number }) => {
    let node = nodes.get(expr);
    if (node === undefined) nodes.set(expr, (node = { series: 0, samples: 0, evaluations: 0, timeMs: 0 }));
    node.series = Math.max(node.series, size.series);
    node.samples += size.samples;
    node.evaluations++;
    node.timeMs += performance.now() - startedAt;
  };
  const plan = (expr: Expr, fetched: Fetched): PlanNode => {
    const node = nodes.get(expr);
    const read = readBy(expr, fetched);
    return {
      kind: expr.kind,
      expr: printExpr(expr),
      series: read?.series ?? node?.series ?? 0,
      samples: read?.samples ?? node?.samples ?? 0,
      evaluations: node?.evaluations ?? 0,
      ...(times && { timeMs: node?.timeMs ?? 0 }),
      children: childrenOf(expr).map((child) => plan(child, fetched)),
    };
  };
  return {
    measured(evaluator) {
      const { value, range } = evaluator;
      evaluator.value = async (expr, grid) => {
        const startedAt = performance.now();
        const result = await value(expr, grid);
        note(expr, startedAt, sizeOf(result, grid.count));
        return result;
      };
      evaluator.range = async (expr, grid) => {
        const startedAt = performance.now();
        const result = await range(expr, grid);
        note(expr, startedAt, rangeSize(result));
        return result;
      };
      return evaluator;
    },
    plan,
  };
}

function sizeOf(value: Value, count: number): { series: number; samples: number } {
  if (value.kind === 'vector') return { series: value.series.length, samples: value.series.length * count };
  return { series: 0, samples: value.kind === 'scalar' ? count : 0 };
}

function rangeSize({ series }: RangeValue): { series: number; samples: number } {
  return { series: series.length, samples: series.reduce((sum, { timestamps }) => sum + timestamps.length, 0) };
}

function readBy(expr: Expr, fetched: Fetched): { series: number; samples: number } | undefined {
  const selector = expr.kind === 'vector-selector' ? expr : expr.kind === 'matrix-selector' ? expr.selector : undefined;
  const columns = selector && fetched.get(selector);
  if (columns === undefined) return undefined;
  return { series: columns.length, samples: columns.reduce((sum, { timestamps }) => sum + timestamps.length, 0) };
}

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'paren':
    case 'unary':
    case 'subquery':
      return [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'aggregate':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case 'call':
      return expr.args;
    default:
      return [];
  }
}
