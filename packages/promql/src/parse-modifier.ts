import type { AtModifier, DurationValue, Expr, MatrixSelector, SubqueryExpr, VectorSelector } from './ast.ts';
import { acceptNumber, parseOffsetDuration, parsePositiveDuration } from './parse-duration.ts';
import type { ErrorContext, TokenStream } from './token-stream.ts';

const DURATION_STARTS = 'number, duration, step(), or range()';
const IN_OFFSET: ErrorContext = { place: 'offset', expected: DURATION_STARTS };
const IN_AT: ErrorContext = { place: '@', expected: 'timestamp' };
const IN_RANGE: ErrorContext = { place: 'subquery or range selector', expected: DURATION_STARTS };
const AFTER_RANGE: ErrorContext = { place: 'subquery or range', expected: '":" or "]"' };
const IN_STEP: ErrorContext = { place: 'subquery selector', expected: 'number, duration, step(), range(), or "]"' };
const AFTER_STEP: ErrorContext = { place: 'subquery selector', expected: '"]"' };

const MAX_TIMESTAMP_SECONDS = 2 ** 63;

/** `[…]`, `offset`, `@`, `anchored` and `smoothed` after an expression, in any order and number. */
export function parseModifiers(stream: TokenStream, expr: Expr): Expr {
  const outer = stream.context;
  for (;;) {
    switch (stream.peek()) {
      case '[':
        expr = parseBrackets(stream, expr);
        break;
      case 'offset':
        stream.take();
        stream.context = IN_OFFSET;
        expr = applyOffset(stream, expr, parseOffsetDuration(stream));
        break;
      case '@':
        stream.take();
        stream.context = IN_AT;
        expr = parseAt(stream, expr);
        break;
      case 'anchored':
      case 'smoothed':
        expr = applyExtension(stream, expr, stream.take() as 'anchored' | 'smoothed');
        break;
      default:
        return expr;
    }
    stream.context = outer;
  }
}

function parseBrackets(stream: TokenStream, expr: Expr): Expr {
  stream.take();
  const { start } = stream;
  stream.context = IN_RANGE;
  const range = parsePositiveDuration(stream);
  if (stream.accept(':')) return parseSubquery(stream, expr, range);
  stream.expect(']', AFTER_RANGE);
  const problem = rangeProblem(expr);
  if (problem !== undefined) stream.error(problem, start, stream.end);
  if (expr.kind !== 'vector-selector') return stream.abort();
  return { kind: 'matrix-selector', selector: expr, range, position: stream.positionFrom(expr.position) };
}

function rangeProblem(expr: Expr): string | undefined {
  if (expr.kind !== 'vector-selector') return 'ranges only allowed for vector selectors';
  if (expr.offset !== undefined) return 'no offset modifiers allowed before range';
  return expr.at === undefined ? undefined : 'no @ modifiers allowed before range';
}

function parseSubquery(stream: TokenStream, expr: Expr, range: DurationValue): SubqueryExpr {
  let step: DurationValue | undefined;
  stream.context = IN_STEP;
  if (!stream.accept(']')) {
    step = parsePositiveDuration(stream);
    stream.expect(']', AFTER_STEP);
  }
  const position = stream.positionFrom(expr.position);
  return { kind: 'subquery', expr, range, step, offset: undefined, at: undefined, position };
}

type Selecting = VectorSelector | MatrixSelector | SubqueryExpr;

function isSelecting(expr: Expr): expr is Selecting {
  return expr.kind === 'vector-selector' || expr.kind === 'matrix-selector' || expr.kind === 'subquery';
}

/** The node that keeps offset and `@`: a range selector's is its inner selector. */
function timing(expr: Selecting): VectorSelector | SubqueryExpr {
  return expr.kind === 'matrix-selector' ? expr.selector : expr;
}

/** The expression with some fields of its timing node replaced, ending where the token last taken ends. */
function withTiming(
  stream: TokenStream,
  expr: Selecting,
  change: { readonly offset: DurationValue | undefined } | { readonly at: AtModifier },
): Expr {
  const position = stream.positionFrom(expr.position);
  if (expr.kind !== 'matrix-selector') return { ...expr, ...change, position };
  return { ...expr, selector: { ...expr.selector, ...change }, position };
}

function applyOffset(stream: TokenStream, expr: Expr, offset: DurationValue | undefined): Expr {
  if (!isSelecting(expr)) {
    const message =
      'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery';
    stream.errorAt(message, expr.position);
    return expr;
  }
  if (timing(expr).offset !== undefined) stream.errorAt('offset may not be set multiple times', expr.position);
  return withTiming(stream, expr, { offset });
}

function parseAt(stream: TokenStream, expr: Expr): Expr {
  const kind = stream.peek();
  if (kind === 'start' || kind === 'end') {
    stream.take();
    stream.expect('(');
    stream.expect(')');
    return applyAt(stream, expr, { preprocessor: kind });
  }
  const isNegative = stream.accept('-');
  if (!isNegative) stream.accept('+');
  const number = acceptNumber(stream) ?? stream.unexpected();
  const seconds = isNegative ? -number.value : number.value;
  if (!(Math.abs(seconds) < MAX_TIMESTAMP_SECONDS)) {
    stream.errorAt(`timestamp out of bounds for @ modifier: ${formatSeconds(seconds)}`, expr.position);
  }
  return applyAt(stream, expr, { timestampMs: toTimestampMs(seconds) });
}

/** Half a millisecond goes away from zero; what 64 bits cannot hold becomes the least number, as in Prometheus. */
function toTimestampMs(seconds: number): number {
  const ms = (seconds < 0 ? -1 : 1) * Math.round(Math.abs(seconds) * 1000);
  if (!(Math.abs(ms) < 2 ** 63)) return -(2 ** 63);
  return ms === 0 ? 0 : ms;
}

/** Go's `%f`. */
function formatSeconds(seconds: number): string {
  if (Number.isNaN(seconds)) return 'NaN';
  if (!Number.isFinite(seconds)) return seconds > 0 ? '+Inf' : '-Inf';
  return `${BigInt(seconds)}.000000`;
}

function applyAt(stream: TokenStream, expr: Expr, at: AtModifier): Expr {
  if (!isSelecting(expr)) {
    const message = '@ modifier must be preceded by an instant vector selector or range vector selector or a subquery';
    stream.errorAt(message, expr.position);
    return expr;
  }
  if (timing(expr).at !== undefined) {
    stream.errorAt('@ <timestamp> may not be set multiple times', expr.position);
    return expr;
  }
  return withTiming(stream, expr, { at });
}

function applyExtension(stream: TokenStream, expr: Expr, extension: 'anchored' | 'smoothed'): Expr {
  if (expr.kind === 'subquery') {
    stream.errorAt(`${extension} modifier is not supported for subqueries`, expr.position);
    return expr;
  }
  if (expr.kind !== 'vector-selector' && expr.kind !== 'matrix-selector') {
    stream.errorAt(`${extension} modifier not implemented`, expr.position);
    return expr;
  }
  const selector = expr.kind === 'vector-selector' ? expr : expr.selector;
  const extended: VectorSelector = { ...selector, [extension]: true };
  if (extended.anchored && extended.smoothed) {
    stream.errorAt('anchored and smoothed modifiers cannot be used together', expr.position);
  }
  return expr.kind === 'vector-selector' ? extended : { ...expr, selector: extended };
}
