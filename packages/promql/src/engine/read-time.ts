import type { Expr, SubqueryExpr, VectorSelector } from '../ast.ts';
import { typeOf } from '../type-check.ts';
import { atMs, offsetMs, type Times } from './durations.ts';

/** When samples are read: at a fixed time, or some time before the evaluation. */
interface ReadTime {
  readonly atMs: number | undefined;
  readonly offsetMs: number;
}

/** Of all vectors that an expression reads; `undefined` where there is none, or they differ. Scalars do not count. */
export function readTimeOf(times: Times, expr: Expr): ReadTime | undefined {
  switch (expr.kind) {
    case 'vector-selector':
      return readTimeOfNode(times, expr, 0);
    case 'matrix-selector':
      return readTimeOfNode(times, expr.selector, 0);
    case 'subquery': {
      const inner = readTimeOf(times, expr.expr);
      return inner?.atMs === undefined && inner !== undefined ? readTimeOfNode(times, expr, inner.offsetMs) : inner;
    }
    case 'unary':
    case 'paren':
    case 'aggregate':
      return readTimeOf(times, expr.expr);
    case 'call': {
      const vector = expr.args.find(isVector);
      return vector && readTimeOf(times, vector);
    }
    case 'binary': {
      const sides = [expr.left, expr.right].filter(isVector).map((side) => readTimeOf(times, side));
      const [first, second] = sides;
      if (sides.length < 2) return first;
      return first?.atMs === second?.atMs && first?.offsetMs === second?.offsetMs ? first : undefined;
    }
    default:
      return undefined;
  }
}

function readTimeOfNode(times: Times, node: VectorSelector | SubqueryExpr, innerMs: number): ReadTime {
  const before = offsetMs(times, node.offset) + innerMs;
  return node.at === undefined
    ? { atMs: undefined, offsetMs: before }
    : { atMs: atMs(times, node.at) - before, offsetMs: 0 };
}

function isVector(expr: Expr): boolean {
  const type = typeOf(expr);
  return type === 'vector' || type === 'matrix';
}

/** Any query over a range: start, end and step tell expressions apart that are not the same. */
const SOME_RANGE: Times = { startMs: 0, endMs: 1_000_000_007, stepMs: 1_009 };

/** Whether everything is read at one time that no step of a query changes. */
export function readsAtFixedTime(expr: Expr): boolean {
  return readTimeOf(SOME_RANGE, expr)?.atMs !== undefined;
}
