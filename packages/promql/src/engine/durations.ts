import type { AtModifier, DurationExpr, DurationValue, PositionRange } from '../ast.ts';
import type { QueryContext } from './context.ts';
import { QueryError } from './errors.ts';

/** What durations and `@` may refer to. */
export type Times = Pick<QueryContext, 'startMs' | 'endMs' | 'stepMs'>;

/** Milliseconds of an offset: any sign. @throws QueryError where it is not finite, out of range or divides by zero. */
export function offsetMs(times: Times, value: DurationValue | undefined): number {
  if (value === undefined) return 0;
  return 'ms' in value ? value.ms : millisecondsOf(value.expr, finiteSeconds(times, value.expr));
}

/** Milliseconds of a range or step. @throws QueryError unless above zero. */
export function positiveDurationMs(times: Times, value: DurationValue): number {
  if ('ms' in value) return value.ms;
  const seconds = finiteSeconds(times, value.expr);
  if (seconds <= 0) failAt(value.expr, 'duration must be greater than 0');
  return millisecondsOf(value.expr, seconds);
}

/** Prometheus has nanoseconds in 64 bits. */
function millisecondsOf(expr: DurationExpr, seconds: number): number {
  if (Math.abs(seconds) * 1e9 >= 2 ** 63) failAt(expr, 'duration is out of range');
  return Math.trunc(seconds * 1000);
}

function finiteSeconds(times: Times, expr: DurationExpr): number {
  const seconds = evaluate(times, expr);
  if (!Number.isFinite(seconds)) failAt(expr, 'duration is NaN or infinite');
  return seconds;
}

/** The query is wrong as such: Prometheus looks at durations before it evaluates anything. */
function failAt(expr: DurationExpr, message: string): never {
  const { start, end } = extent(expr);
  throw new QueryError('bad_data', `${start}:${end}: ${message}`);
}

/** Where an expression stands, as Prometheus tells it: without what is not in its tree. */
export function extent(expr: DurationExpr): PositionRange {
  switch (expr.kind) {
    case 'duration-literal':
      return expr.position;
    case 'duration-paren': {
      const inner = extent(expr.inner);
      return expr.inner.kind === 'duration-literal' ? { start: expr.position.start, end: inner.end } : inner;
    }
    case 'duration-unary':
      return { start: expr.position.start, end: extent(expr.operand).end };
    case 'duration-binary':
      return { start: extent(expr.left).start, end: extent(expr.right).end };
    case 'duration-call':
      return expr.position;
  }
}

/** The fixed time of an `@` modifier in milliseconds. */
export function atMs(times: Times, at: AtModifier): number {
  if ('timestampMs' in at) return at.timestampMs;
  return at.preprocessor === 'start' ? times.startMs : times.endMs;
}

/** Seconds. */
function evaluate(times: Times, expr: DurationExpr): number {
  switch (expr.kind) {
    case 'duration-literal':
      return expr.seconds;
    case 'duration-paren':
      return evaluate(times, expr.inner);
    case 'duration-unary':
      return expr.op === '-' ? -evaluate(times, expr.operand) : evaluate(times, expr.operand);
    case 'duration-call': {
      if (expr.func === 'step') return times.stepMs / 1000;
      if (expr.func === 'range') return (times.endMs - times.startMs) / 1000;
      const [a, b] = expr.args.map((argument) => evaluate(times, argument)) as [number, number];
      return expr.func === 'min_of' ? Math.min(a, b) : Math.max(a, b);
    }
    case 'duration-binary':
      return binary(expr, evaluate(times, expr.left), evaluate(times, expr.right));
  }
}

type BinaryDuration = Extract<DurationExpr, { kind: 'duration-binary' }>;

function binary(expr: BinaryDuration, left: number, right: number): number {
  switch (expr.op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) failAt(expr, 'division by zero');
      return left / right;
    case '%':
      if (right === 0) failAt(expr, 'modulo by zero');
      return left % right;
    case '^':
      return left ** right;
  }
}
