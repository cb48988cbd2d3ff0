import type {
  AtModifier,
  BinaryExpr,
  DurationExpr,
  DurationValue,
  Expr,
  Matcher,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { formatFloat } from './engine/format.ts';
import { functions } from './functions.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The tree in the shape of Prometheus' `/api/v1/parse_query`. Durations and times are in milliseconds; a duration that
 * is an expression is 0 there, and stands beside as a tree of its own.
 */
export function exprToJson(expr: Expr): JsonValue {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatFloat(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'vector-selector':
      return { ...selectorToJson(expr), type: 'vectorSelector' };
    case 'matrix-selector':
      return { ...selectorToJson(expr.selector), ...durationToJson('range', expr.range), type: 'matrixSelector' };
    case 'subquery':
      return {
        expr: exprToJson(expr.expr),
        ...durationToJson('offset', expr.offset),
        ...durationToJson('range', expr.range),
        ...durationToJson('step', expr.step),
        ...atToJson(expr.at),
        type: 'subquery',
      };
    case 'call':
      return { args: expr.args.map(exprToJson), func: functionToJson(expr.func), type: 'call' };
    case 'aggregate':
      return {
        expr: exprToJson(expr.expr),
        grouping: expr.grouping,
        op: expr.op,
        param: expr.param === undefined ? null : exprToJson(expr.param),
        type: 'aggregation',
        without: expr.without,
      };
    case 'binary':
      return binaryToJson(expr);
    case 'unary':
      return { expr: exprToJson(expr.expr), op: expr.op, type: 'unaryExpr' };
    case 'paren':
      return { expr: exprToJson(expr.expr), type: 'parenExpr' };
  }
}

/** From the innermost left operand on, without recursion: `a + b + c + …` can be long. */
function binaryToJson(expr: BinaryExpr): JsonValue {
  const chain: BinaryExpr[] = [];
  let left: Expr = expr;
  for (; left.kind === 'binary'; left = left.left) chain.push(left);
  return chain.reduceRight<JsonValue>(
    (lhs, { matching, op, returnBool, right }) => ({
      bool: returnBool,
      lhs,
      matching: matching === undefined ? null : matchingToJson(matching),
      op,
      rhs: exprToJson(right),
      type: 'binaryExpr',
    }),
    exprToJson(left),
  );
}

function selectorToJson(selector: VectorSelector): { readonly [key: string]: JsonValue } {
  return {
    anchored: selector.anchored,
    matchers: selector.matchers.map(({ name, type, value }: Matcher) => ({ name, type, value })),
    name: selector.name,
    ...durationToJson('offset', selector.offset),
    smoothed: selector.smoothed,
    ...atToJson(selector.at),
  };
}

function atToJson(at: AtModifier | undefined): { readonly [key: string]: JsonValue } {
  if (at === undefined) return { startOrEnd: null, timestamp: null };
  return 'preprocessor' in at
    ? { startOrEnd: at.preprocessor, timestamp: null }
    : { startOrEnd: null, timestamp: at.timestampMs };
}

function durationToJson(name: string, duration: DurationValue | undefined): { readonly [key: string]: JsonValue } {
  const isExpr = duration !== undefined && 'expr' in duration;
  return {
    [name]: duration !== undefined && 'ms' in duration ? duration.ms : 0,
    [`${name}Expr`]: isExpr ? durationExprToJson(duration.expr, false) : null,
  };
}

/** `wrapped`: in parentheses, which are no node of their own unless around a number. */
function durationExprToJson(expr: DurationExpr, wrapped: boolean): JsonValue {
  const node = (op: string, lhs: DurationExpr | undefined, rhs: DurationExpr | undefined): JsonValue => ({
    lhs: lhs === undefined ? null : durationExprToJson(lhs, false),
    op,
    rhs: rhs === undefined ? null : durationExprToJson(rhs, false),
    type: 'durationExpr',
    wrapped,
  });
  switch (expr.kind) {
    case 'duration-literal':
      if (wrapped) return node('+', undefined, expr);
      return { duration: expr.isDuration, type: 'numberLiteral', val: formatFloat(expr.seconds) };
    case 'duration-call':
      return node(expr.func, expr.args[0], expr.args[1]);
    case 'duration-unary':
      return node(expr.op, undefined, expr.operand);
    case 'duration-binary':
      return node(expr.op, expr.left, expr.right);
    case 'duration-paren':
      return durationExprToJson(expr.inner, true);
  }
}

function functionToJson(name: string): JsonValue {
  const { argTypes, returnType, variadic } = functions.get(name)!;
  return { argTypes, name, returnType, variadic };
}

function matchingToJson({ cardinality, fillLeft, fillRight, include, labels, on }: VectorMatching): JsonValue {
  return {
    card: cardinality,
    fillValues: { lhs: fillLeft ?? null, rhs: fillRight ?? null },
    include,
    labels,
    on,
  };
}
