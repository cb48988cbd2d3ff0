import type { DurationExpr, DurationValue } from './ast.ts';
import { DurationError, parseDuration } from './durations.ts';
import { parseNumber } from './numbers.ts';
import type { TokenStream } from './token-stream.ts';
import { LOWEST_PRECEDENCE, PRECEDENCE, SIGN_OPERAND_PRECEDENCE, type TokenKind } from './tokens.ts';

/** Seconds beyond which Prometheus' durations (nanoseconds in 63 bits) end. */
const MAX_SECONDS = 2 ** 63 / 1e9;

export interface NumberToken {
  /** A duration's is in seconds. */
  readonly value: number;
  readonly isDuration: boolean;
}

/** Takes a number or duration; `undefined` where the next token is neither. */
export function acceptNumber(stream: TokenStream): NumberToken | undefined {
  const kind = stream.peek();
  if (kind !== 'number' && kind !== 'duration') return undefined;
  stream.take();
  const isDuration = kind === 'duration';
  return { value: isDuration ? readDuration(stream) : readNumber(stream), isDuration };
}

function readNumber(stream: TokenStream): number {
  const number = parseNumber(stream.text());
  if ('value' in number) return number.value;
  stream.error(number.error, stream.start, stream.end);
  return 0;
}

function readDuration(stream: TokenStream): number {
  try {
    const ms = parseDuration(stream.text());
    // Whole seconds and the rest apart, which rounds as Go does.
    return Math.floor(ms / 1000) + (ms % 1000) / 1000;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    stream.error(error.message, stream.start, stream.end);
    return 0;
  }
}

/** A range or a subquery's step: everything between `[`, `:` and `]`. */
export function parsePositiveDuration(stream: TokenStream): DurationValue {
  const expr = parseDurationExpr(stream, LOWEST_PRECEDENCE);
  if (expr.kind !== 'duration-literal') return { expr };
  if (!(expr.seconds > 0)) stream.errorAt('duration must be greater than 0', expr.position);
  return { ms: toMs(expr.seconds) };
}

/**
 * What follows `offset`; `undefined` for an offset of zero, which is as none. A number, a call, and a sign before a
 * number, call or parenthesis end it: `foo offset -2 ^ 2` is `(foo offset -2) ^ 2`. Other forms go on.
 */
export function parseOffsetDuration(stream: TokenStream): DurationValue | undefined {
  const expr = parseOffsetExpr(stream);
  if (expr.kind !== 'duration-literal') return { expr };
  return Math.round(expr.seconds * 1e9) === 0 ? undefined : { ms: toMs(expr.seconds) };
}

function parseOffsetExpr(stream: TokenStream): DurationExpr {
  const kind = stream.peek();
  if (kind === '(') return parseDurationExpr(stream, LOWEST_PRECEDENCE);
  if (kind !== '+' && kind !== '-') return parseDurationOperand(stream);
  const sign = takeSign(stream);
  const next = stream.peek();
  if (next === 'number' || next === 'duration') return applySign(stream, sign, takeLiteral(stream));
  if (next !== '+' && next !== '-') {
    const signed = applySign(stream, sign, parseDurationOperand(stream));
    // Prometheus' tree has this `+`, which does not print.
    return signed.kind === 'duration-call'
      ? { kind: 'duration-unary', op: '+', operand: signed, position: signed.position }
      : signed;
  }
  const signed = applySign(stream, sign, parseDurationExpr(stream, SIGN_OPERAND_PRECEDENCE));
  return parseDurationOperators(stream, signed, LOWEST_PRECEDENCE);
}

function parseDurationExpr(stream: TokenStream, minPrecedence: number): DurationExpr {
  const kind = stream.peek();
  if (kind !== '+' && kind !== '-') return parseDurationOperators(stream, parseDurationOperand(stream), minPrecedence);
  const sign = takeSign(stream);
  const signed = applySign(stream, sign, parseDurationExpr(stream, SIGN_OPERAND_PRECEDENCE));
  return parseDurationOperators(stream, signed, minPrecedence);
}

function parseDurationOperators(stream: TokenStream, left: DurationExpr, minPrecedence: number): DurationExpr {
  for (;;) {
    const op = stream.peek();
    if (!isDurationOperator(op)) return left;
    const precedence = PRECEDENCE.get(op)!;
    if (precedence < minPrecedence) return left;
    stream.take();
    const { start, end } = stream;
    const right = parseDurationExpr(stream, op === '^' ? precedence : precedence + 1);
    const position = { start: left.position.start, end: right.position.end };
    left = { kind: 'duration-binary', op, left, right, position };
    if ((op === '/' || op === '%') && right.kind === 'duration-literal' && right.seconds === 0) {
      stream.error(op === '/' ? 'division by zero' : 'modulo by zero', start, end);
      left = zero(left);
    }
  }
}

function isDurationOperator(kind: TokenKind): kind is '+' | '-' | '*' | '/' | '%' | '^' {
  return kind === '+' || kind === '-' || kind === '*' || kind === '/' || kind === '%' || kind === '^';
}

function parseDurationOperand(stream: TokenStream): DurationExpr {
  const kind = stream.peek();
  switch (kind) {
    case 'number':
    case 'duration': {
      const literal = takeLiteral(stream);
      if (!isOutOfRange(literal.seconds)) return literal;
      stream.errorAt('duration out of range', literal.position);
      return zero(literal);
    }
    case 'step':
    case 'range':
    case 'min_of':
    case 'max_of':
      return parseDurationCall(stream, kind);
    case '(': {
      stream.take();
      const start = stream.byteOffset(stream.start);
      const inner = parseDurationExpr(stream, LOWEST_PRECEDENCE);
      stream.expect(')');
      // Doubled parentheses are one pair, as in Prometheus' tree.
      if (inner.kind === 'duration-paren') return inner;
      return { kind: 'duration-paren', inner, position: { start, end: stream.byteOffset(stream.end) } };
    }
    default:
      return stream.unexpected();
  }
}

function takeLiteral(stream: TokenStream): DurationLiteral {
  const { value, isDuration } = acceptNumber(stream)!;
  return { kind: 'duration-literal', seconds: value, isDuration, position: stream.tokenPosition() };
}

function parseDurationCall(stream: TokenStream, func: 'step' | 'range' | 'min_of' | 'max_of'): DurationExpr {
  stream.take();
  const name = stream.tokenPosition();
  stream.expect('(');
  const args: DurationExpr[] = [];
  if (func === 'min_of' || func === 'max_of') {
    args.push(parseDurationExpr(stream, LOWEST_PRECEDENCE));
    stream.expect(',');
    args.push(parseDurationExpr(stream, LOWEST_PRECEDENCE));
  }
  stream.expect(')');
  return { kind: 'duration-call', func, args, position: stream.positionFrom(name) };
}

type DurationLiteral = Extract<DurationExpr, { kind: 'duration-literal' }>;

interface Sign {
  readonly op: '+' | '-';
  readonly start: number;
  readonly end: number;
}

function takeSign(stream: TokenStream): Sign {
  const op = stream.take() as '+' | '-';
  return { op, start: stream.start, end: stream.end };
}

/** A sign joins a number; `+` changes nothing else. */
function applySign(stream: TokenStream, sign: Sign, operand: DurationExpr): DurationExpr {
  const position = { start: stream.byteOffset(sign.start), end: operand.position.end };
  if (operand.kind === 'duration-literal') {
    const seconds = sign.op === '-' ? -operand.seconds : operand.seconds;
    if (!isOutOfRange(seconds)) return { ...operand, seconds, position };
    stream.error('duration out of range', sign.start, sign.end);
    return zero(operand);
  }
  return sign.op === '+' ? operand : { kind: 'duration-unary', op: '-', operand, position };
}

function zero(expr: DurationExpr): DurationExpr {
  return { kind: 'duration-literal', seconds: 0, isDuration: false, position: expr.position };
}

function isOutOfRange(seconds: number): boolean {
  return seconds > MAX_SECONDS || seconds < -MAX_SECONDS;
}

/** Whole milliseconds of what Prometheus keeps as whole nanoseconds; NaN is the least of them there. */
function toMs(seconds: number): number {
  if (Number.isNaN(seconds)) return -Math.trunc(MAX_SECONDS * 1000);
  const ms = Math.trunc(Math.round(seconds * 1e9) / 1e6);
  return ms === 0 ? 0 : ms;
}
