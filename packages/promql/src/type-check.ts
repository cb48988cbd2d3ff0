import type {
  AggregateExpr,
  BinaryExpr,
  Call,
  Expr,
  PositionRange,
  ValueType,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { type FunctionSignature, functions } from './functions.ts';
import { quote } from './go-strings.ts';
import { METRIC_NAME } from './labels.ts';
import { matchesEmpty } from './matcher.ts';

type Report = (message: string, position: PositionRange) => void;

/** What an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector-selector':
    case 'aggregate':
      return 'vector';
    case 'matrix-selector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return functions.get(expr.func)?.returnType ?? 'none';
    case 'paren':
    case 'unary':
      return typeOf(expr.expr);
    case 'binary':
      return binaryType(typeOf(expr.left), typeOf(expr.right));
  }
}

function binaryType(left: ValueType, right: ValueType): ValueType {
  return left === 'scalar' && right === 'scalar' ? 'scalar' : 'vector';
}

/** What users know a type by. */
function typeName(type: ValueType): string {
  if (type === 'vector') return 'instant vector';
  return type === 'matrix' ? 'range vector' : type;
}

/**
 * Checks types, arities and everything else that the grammar leaves open, and settles the matching of each binary
 * operation: none but between vectors, many-to-many for set operators. It reports what is wrong and goes on.
 */
export function checkExpr(expr: Expr, query: string, report: Report): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector-selector':
      checkSelector(expr, report);
      return 'vector';
    case 'matrix-selector':
      checkSelector(expr.selector, report);
      return 'matrix';
    case 'subquery': {
      const type = checkExpr(expr.expr, query, report);
      if (type !== 'vector') report(`subquery is only allowed on instant vector, got ${type} instead`, expr.position);
      return 'matrix';
    }
    case 'paren':
      return checkExpr(expr.expr, query, report);
    case 'unary': {
      const type = checkExpr(expr.expr, query, report);
      if (type !== 'scalar' && type !== 'vector') {
        const allowed = 'unary expression only allowed on expressions of type scalar or instant vector';
        report(`${allowed}, got ${quote(typeName(type))}`, expr.position);
      }
      return type;
    }
    case 'aggregate':
      return checkAggregate(expr, query, report);
    case 'call':
      return checkCall(expr, query, report);
    case 'binary':
      return checkBinaryChain(expr, query, report);
  }
}

function checkSelector(selector: VectorSelector, report: Report): void {
  const { name, matchers, position } = selector;
  if (name !== '') {
    for (const matcher of matchers.slice(0, -1)) {
      if (matcher.name === METRIC_NAME)
        report(`metric name must not be set twice: ${quote(name)} or ${quote(matcher.value)}`, position);
    }
  } else if (matchers.every(matchesEmpty)) {
    report('vector selector must contain at least one non-empty matcher', position);
  }
}

function checkAggregate(expr: AggregateExpr, query: string, report: Report): ValueType {
  const expectType = (part: Expr, wanted: ValueType, place: string): void => {
    const type = checkExpr(part, query, report);
    if (type !== wanted) report(`expected type ${typeName(wanted)} in ${place}, got ${typeName(type)}`, part.position);
  };
  expectType(expr.expr, 'vector', 'aggregation expression');
  if (expr.param !== undefined) {
    expectType(expr.param, expr.op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
  }
  return 'vector';
}

function checkCall(call: Call, query: string, report: Report): ValueType {
  const signature = functions.get(call.func)!;
  const { argTypes, variadic } = signature;
  checkArity(call, signature, report);
  const isInfo = call.func === 'info' && call.args.length > 1;
  if (isInfo) checkInfoLabels(call, report);
  for (const [i, arg] of call.args.entries()) {
    if (i >= argTypes.length && variadic === 0) break;
    const wanted = argTypes[Math.min(i, argTypes.length - 1)]!;
    const type =
      isInfo && i === 1 && arg.kind === 'vector-selector' && arg.name === '' ? 'vector' : checkExpr(arg, query, report);
    if (type !== wanted) {
      const message = `expected type ${typeName(wanted)} in call to function ${quote(call.func)}, got ${typeName(type)}`;
      report(message, arg.position);
    }
  }
  return signature.returnType;
}

function checkArity(call: Call, { argTypes, variadic }: FunctionSignature, report: Report): void {
  const count = call.args.length;
  const least = variadic === 0 ? argTypes.length : argTypes.length - 1;
  const most = variadic < 0 ? Number.POSITIVE_INFINITY : least + variadic;
  if (count >= least && count <= most) return;
  const bound = variadic === 0 ? '' : count < least ? 'at least ' : 'at most ';
  const wanted = count < least ? least : most;
  report(`expected ${bound}${wanted} argument(s) in call to ${quote(call.func)}, got ${count}`, call.position);
}

/** `info`'s second argument is label matchers in the form of a selector: no name, and it may match everything. */
function checkInfoLabels(call: Call, report: Report): void {
  const labels = call.args[1]!;
  const type = typeOf(labels);
  if (type !== 'vector')
    report(`expected type instant vector in call to function "info", got ${typeName(type)}`, call.position);
  if (labels.kind !== 'vector-selector') report('expected label selectors only', labels.position);
  else if (labels.name !== '') report('expected label selectors only, got vector selector instead', labels.position);
}

/** Walks down the left operands without recursion: `a + b + c + …` can be long. */
function checkBinaryChain(top: BinaryExpr, query: string, report: Report): ValueType {
  const chain: BinaryExpr[] = [];
  let leftmost: Expr = top;
  while (leftmost.kind === 'binary') {
    chain.push(leftmost);
    leftmost = leftmost.left;
  }
  let type = checkExpr(leftmost, query, report);
  for (let i = chain.length - 1; i >= 0; i--) {
    const binary = chain[i]!;
    const rightType = checkExpr(binary.right, query, report);
    checkBinary(binary, type, rightType, query, report);
    type = binaryType(type, rightType);
  }
  return type;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function checkBinary(binary: BinaryExpr, left: ValueType, right: ValueType, query: string, report: Report): void {
  const { op, position } = binary;
  const matching: VectorMatching = binary.matching!;
  const isComparison = COMPARISONS.has(op);
  const isSetOperator = op === 'and' || op === 'or' || op === 'unless';
  const reportAtOperator = (message: string): void => report(message, operatorPosition(binary, query));
  if (binary.returnBool && !isComparison) reportAtOperator('bool modifier can only be used on comparison operators');
  if (isComparison && !binary.returnBool && left === 'scalar' && right === 'scalar')
    reportAtOperator('comparisons between scalars must use BOOL modifier');
  if (matching.on) {
    for (const label of matching.labels) {
      for (const included of matching.include)
        if (label === included) reportAtOperator(`label ${quote(label)} must not occur in ON and GROUP clause at once`);
    }
  }
  for (const [type, side] of [
    [left, binary.left],
    [right, binary.right],
  ] as const) {
    if (type !== 'scalar' && type !== 'vector')
      report('binary expression must contain only scalar and instant vector types', side.position);
  }
  const isFilling = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  const settled = binary as Mutable<BinaryExpr>;
  if (left !== 'vector' || right !== 'vector') {
    if (matching.labels.length > 0) report('vector matching only allowed between instant vectors', position);
    if (isFilling) report('filling in missing series only allowed between instant vectors', position);
    settled.matching = undefined;
    if (isSetOperator && (left === 'scalar' || right === 'scalar'))
      report(`set operator ${quote(op)} not allowed in binary scalar expression`, position);
  } else if (isSetOperator) {
    if (matching.cardinality !== 'one-to-one') {
      report(`no grouping allowed for ${quote(op)} operation`, position);
      report('set operations must always be many-to-many', position);
    }
    if (isFilling) report('filling in missing series not allowed for set operators', position);
    settled.matching = { ...matching, cardinality: 'many-to-many' };
  }
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** The operator with its modifiers: what is between the operands, without the spaces around it. */
function operatorPosition(binary: BinaryExpr, query: string): PositionRange {
  const bytes = new TextEncoder().encode(query);
  let start = binary.left.position.end;
  let end = binary.right.position.start;
  while (start < end && bytes[start]! <= 0x20) start++;
  while (end > start && bytes[end - 1]! <= 0x20) end--;
  return { start, end };
}
