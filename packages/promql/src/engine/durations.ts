import type { AtModifier, DurationExpr, DurationValue } from '../ast.ts';
import type { QueryContext } from './context.ts';
import { fail } from './errors.ts';

type Times = Pick<QueryContext, 'startMs' | 'endMs' | 'stepMs'>;

/** Milliseconds of an offset: any sign. @throws QueryError on division by zero. */
export function offsetMs(times: Times, value: DurationValue | undefined): number {
  if (value === undefined) return 0;
  return 'ms' in value ? value.ms : Math.trunc(evaluate(times, value.expr) * 1000);
}

/** Milliseconds of a range or step. @throws QueryError unless above zero. */
export function positiveDurationMs(times: Times, value: DurationValue): number {
  const ms = offsetMs(times, value);
  if (!(ms > 0)) fail('duration must be greater than 0');
  return ms;
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
      return binary(expr.op, evaluate(times, expr.left), evaluate(times, expr.right));
  }
}

function binary(op: '+' | '-' | '*' | '/' | '%' | '^', left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) fail('division by zero');
      return left / right;
    case '%':
      if (right === 0) fail('modulo by zero');
      return left % right;
    case '^':
      return left ** right;
  }
}
