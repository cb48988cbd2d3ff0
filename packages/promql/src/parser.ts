import type { BinaryOp, Expr, Matcher, NumberLiteral, ParenExpr, VectorMatching } from './ast.ts';
import { unquote } from './go-strings.ts';
import { parseAggregate, parseCall } from './parse-call.ts';
import { acceptNumber } from './parse-duration.ts';
import { parseGrouping } from './parse-grouping.ts';
import { parseModifiers } from './parse-modifier.ts';
import { parseSelector } from './parse-selector.ts';
import { TokenStream } from './token-stream.ts';
import {
  AGGREGATE_OPS,
  LOWEST_PRECEDENCE,
  METRIC_NAME_KINDS,
  PRECEDENCE,
  SIGN_OPERAND_PRECEDENCE,
  startsExpression,
  type TokenKind,
} from './tokens.ts';
import { checkExpr } from './type-check.ts';

/**
 * Parses and checks a PromQL expression: the language of Prometheus 3.14 with everything that is experimental there
 * enabled.
 * @throws ParseError
 */
export function parseExpr(query: string): Expr {
  return new TokenStream(query).run((stream) => {
    if (stream.peek() === 'eof') {
      stream.error('no expression found in input', 0, 0);
      stream.abort();
    }
    const expr = parseExpression(stream, LOWEST_PRECEDENCE);
    if (stream.peek() !== 'eof') stream.unexpected();
    stream.throwErrors();
    checkExpr(expr, query, (message, position) => stream.errorAt(message, position));
    stream.throwErrors();
    return expr;
  });
}

/**
 * Parses a lone instant vector selector (`up{job="x"}`), as `match[]` parameters are. Unlike in an expression, the
 * matchers may all match the empty string.
 * @throws ParseError
 */
export function parseMetricSelector(query: string): readonly Matcher[] {
  return new TokenStream(query).run((stream) => {
    const kind = stream.peek();
    if (kind !== '{' && !METRIC_NAME_KINDS.has(kind)) stream.unexpected();
    const selector = parseSelector(stream);
    if (stream.peek() !== 'eof') stream.unexpected();
    stream.throwErrors();
    return selector.matchers;
  });
}

/** Parses an expression of operators that bind at least as tightly as `minPrecedence`. */
export function parseExpression(stream: TokenStream, minPrecedence: number): Expr {
  let left = parseOperand(stream);
  for (;;) {
    const op = stream.peek();
    const precedence = PRECEDENCE.get(op);
    if (precedence === undefined || precedence < minPrecedence) return left;
    stream.take();
    const returnBool = stream.accept('bool');
    const matching = parseMatching(stream);
    const right = parseExpression(stream, op === '^' ? precedence : precedence + 1);
    left = {
      kind: 'binary',
      op: op as BinaryOp,
      left,
      right,
      matching,
      returnBool,
      position: { start: left.position.start, end: right.position.end },
    };
  }
}

function parseOperand(stream: TokenStream): Expr {
  const kind = stream.peek();
  if (kind === '+' || kind === '-') return parseSigned(stream, kind);
  const operand = parsePrimary(stream, kind);
  return parseModifiers(stream, operand);
}

/** A sign becomes part of the number that follows it; before anything else it is an operation. */
function parseSigned(stream: TokenStream, op: '+' | '-'): Expr {
  stream.take();
  const start = stream.byteOffset(stream.start);
  const expr = parseExpression(stream, SIGN_OPERAND_PRECEDENCE);
  const position = { start, end: expr.position.end };
  if (expr.kind === 'number') return { ...expr, value: op === '-' ? -expr.value : expr.value, position };
  return { kind: 'unary', op, expr, position };
}

function parsePrimary(stream: TokenStream, kind: TokenKind): Expr {
  switch (kind) {
    case '(':
      return parseParens(stream);
    case 'number':
    case 'duration':
      return parseNumberLiteral(stream);
    case 'string':
      stream.take();
      return { kind: 'string', value: unquote(stream.text()), position: stream.tokenPosition() };
    case '{':
      return parseSelector(stream);
    case 'identifier':
    case 'start':
    case 'end':
    case 'step':
    case 'range':
    case 'min_of':
    case 'max_of':
      return parseCall(stream) ?? parseSelector(stream, stream.start, stream.end);
  }
  if (AGGREGATE_OPS.has(kind)) return parseAggregate(stream) ?? parseSelector(stream, stream.start, stream.end);
  if (METRIC_NAME_KINDS.has(kind)) return parseSelector(stream);
  return stream.unexpected();
}

function parseParens(stream: TokenStream): ParenExpr {
  stream.take();
  const start = stream.byteOffset(stream.start);
  const expr = parseExpression(stream, LOWEST_PRECEDENCE);
  stream.expect(')');
  return { kind: 'paren', expr, position: { start, end: stream.byteOffset(stream.end) } };
}

function parseNumberLiteral(stream: TokenStream): NumberLiteral {
  const { value, isDuration } = acceptNumber(stream)!;
  return { kind: 'number', value, isDuration, position: stream.tokenPosition() };
}

/** `on (…)`, `ignoring (…)`, `group_left (…)`, `fill (…)` and their like, or the default where there are none. */
function parseMatching(stream: TokenStream): VectorMatching {
  let cardinality: VectorMatching['cardinality'] = 'one-to-one';
  let labels: readonly string[] = [];
  let include: readonly string[] = [];
  const first = stream.peek();
  if (first === 'on' || first === 'ignoring') {
    stream.take();
    labels = parseGrouping(stream);
    const group = stream.peek();
    if (group === 'group_left' || group === 'group_right') {
      stream.take();
      cardinality = group === 'group_left' ? 'many-to-one' : 'one-to-many';
      if (!canFollowGroup(stream.peek())) include = parseGrouping(stream);
    }
  }
  let fillLeft: number | undefined;
  let fillRight: number | undefined;
  if (stream.accept('fill')) fillLeft = fillRight = parseFillValue(stream);
  else if (stream.accept('fill_left')) {
    fillLeft = parseFillValue(stream);
    if (stream.accept('fill_right')) fillRight = parseFillValue(stream);
  } else if (stream.accept('fill_right')) {
    fillRight = parseFillValue(stream);
    if (stream.accept('fill_left')) fillLeft = parseFillValue(stream);
  }
  return { cardinality, labels, on: first === 'on', include, fillLeft, fillRight };
}

/** Whether `group_left` may go without labels before this token. */
function canFollowGroup(kind: TokenKind): boolean {
  if (kind === '(') return false;
  return startsExpression(kind) || kind === 'fill' || kind === 'fill_left' || kind === 'fill_right';
}

function parseFillValue(stream: TokenStream): number {
  stream.expect('(');
  const isNegative = stream.accept('-');
  if (!isNegative) stream.accept('+');
  const number = acceptNumber(stream) ?? stream.unexpected();
  stream.expect(')');
  return isNegative ? -number.value : number.value;
}
