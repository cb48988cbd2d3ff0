import type { Expr, VectorSelector } from '@opendata/promql';

/** Every selector of a query, in the order of its text. */
export function vectorSelectors(expr: Expr): VectorSelector[] {
  switch (expr.kind) {
    case 'vector-selector':
      return [expr];
    case 'matrix-selector':
      return [expr.selector];
    case 'call':
      return expr.args.flatMap(vectorSelectors);
    case 'aggregate':
      return [...(expr.param === undefined ? [] : vectorSelectors(expr.param)), ...vectorSelectors(expr.expr)];
    case 'binary':
      return [...vectorSelectors(expr.left), ...vectorSelectors(expr.right)];
    case 'subquery':
    case 'unary':
    case 'paren':
      return vectorSelectors(expr.expr);
    case 'number':
    case 'string':
      return [];
  }
}
