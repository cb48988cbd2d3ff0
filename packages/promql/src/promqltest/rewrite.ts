import type { Expr, VectorSelector } from '../ast.ts';

/** Functions whose result depends on the evaluation time or the query's times, whatever their arguments. */
const TIME_DEPENDENT = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'end',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'range',
  'start',
  'step',
  'time',
  'timestamp',
  'year',
]);

/** Whether anything in the expression depends on the evaluation time even when all selectors are pinned. */
export function dependsOnTime(expr: Expr): boolean {
  return some(expr, (node) => node.kind === 'call' && TIME_DEPENDENT.has(node.func));
}

function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'matrix-selector':
      return [expr.selector];
    case 'call':
      return expr.args;
    case 'aggregate':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'subquery':
    case 'unary':
    case 'paren':
      return [expr.expr];
    default:
      return [];
  }
}

function some(expr: Expr, test: (node: Expr) => boolean): boolean {
  return test(expr) || children(expr).some((child) => some(child, test));
}

function hasTime({ at }: Pick<VectorSelector, 'at'>): boolean {
  return at !== undefined && 'timestampMs' in at;
}

/**
 * Pins every selector and subquery that names no time of its own, by `@` and a number, to a time; what is inside a
 * subquery stays as it is.
 */
export function pinSelectors(expr: Expr, timestampMs: number): Expr {
  const at = { timestampMs };
  const pinned = (selector: VectorSelector): VectorSelector => (hasTime(selector) ? selector : { ...selector, at });
  switch (expr.kind) {
    case 'vector-selector':
      return pinned(expr);
    case 'matrix-selector':
      return { ...expr, selector: pinned(expr.selector) };
    case 'subquery':
      return hasTime(expr) ? expr : { ...expr, at };
    case 'call':
      return {
        ...expr,
        args: expr.args.map((argument, i) =>
          expr.func === 'info' && i === 1 ? argument : pinSelectors(argument, timestampMs),
        ),
      };
    case 'aggregate':
      return {
        ...expr,
        expr: pinSelectors(expr.expr, timestampMs),
        param: expr.param && pinSelectors(expr.param, timestampMs),
      };
    case 'binary':
      return { ...expr, left: pinSelectors(expr.left, timestampMs), right: pinSelectors(expr.right, timestampMs) };
    case 'unary':
    case 'paren':
      return { ...expr, expr: pinSelectors(expr.expr, timestampMs) };
    default:
      return expr;
  }
}
