import type {
  AggregateExpr,
  AtModifier,
  BinaryExpr,
  DurationExpr,
  DurationValue,
  Expr,
  Matcher,
  MatrixSelector,
  SubqueryExpr,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { formatDuration } from './durations.ts';
import { formatFloat } from './engine/format.ts';
import { quote } from './go-strings.ts';
import { compareStrings, METRIC_NAME } from './labels.ts';
import { formatShortest } from './numbers.ts';

/** An expression on one line, as Prometheus prints it. It parses to the same tree, positions apart. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr.value, expr.isDuration);
    case 'string':
      return quote(expr.value);
    case 'vector-selector':
      return `${printMatchers(expr)}${printAt(expr.at)}${printExtension(expr)}${printOffset(expr.offset)}`;
    case 'matrix-selector':
      return printMatrixSelector(expr);
    case 'subquery':
      return printExpr(expr.expr) + printSubquerySuffix(expr);
    case 'call':
      return `${expr.func}(${expr.args.map(printExpr).join(', ')})`;
    case 'aggregate': {
      const param = expr.param === undefined ? '' : `${printExpr(expr.param)}, `;
      return `${printAggregateHead(expr)}(${param}${printExpr(expr.expr)})`;
    }
    case 'binary':
      return printBinary(expr);
    case 'unary':
      return expr.op + printExpr(expr.expr);
    case 'paren':
      return `(${printExpr(expr.expr)})`;
  }
}

function printNumber(value: number, isDuration: boolean): string {
  // Nanoseconds cut off, then milliseconds.
  return isDuration ? formatDuration(Math.trunc(value * 1e9) / 1e6) : formatFloat(value);
}

/** Goes down the left operands without recursion: `a + b + c + …` can be long. */
function printBinary(expr: BinaryExpr): string {
  const tail: string[] = [];
  let left: Expr = expr;
  while (left.kind === 'binary') {
    tail.push(` ${printOperator(left)} ${printExpr(left.right)}`);
    left = left.left;
  }
  return printExpr(left) + tail.reverse().join('');
}

/** The operator with `bool` and what says how sides match. */
export function printOperator({ op, returnBool, matching }: BinaryExpr): string {
  return op + (returnBool ? ' bool' : '') + (matching === undefined ? '' : printMatching(matching));
}

function printMatching({ cardinality, labels, on, include, fillLeft, fillRight }: VectorMatching): string {
  const isGrouped = cardinality === 'many-to-one' || cardinality === 'one-to-many';
  let text = '';
  if (labels.length > 0 || on || isGrouped) text += ` ${on ? 'on' : 'ignoring'} (${printLabels(labels)})`;
  if (isGrouped) text += ` group_${cardinality === 'many-to-one' ? 'left' : 'right'} (${printLabels(include)})`;
  if (fillLeft !== undefined && fillLeft === fillRight) return `${text} fill (${formatShortest(fillLeft)})`;
  if (fillLeft !== undefined) text += ` fill_left (${formatShortest(fillLeft)})`;
  if (fillRight !== undefined) text += ` fill_right (${formatShortest(fillRight)})`;
  return text;
}

/** `sum by (job) `: all before the parenthesis. */
export function printAggregateHead({ op, without, grouping }: AggregateExpr): string {
  if (without) return `${op} without (${printLabels(grouping)}) `;
  return grouping.length > 0 ? `${op} by (${printLabels(grouping)}) ` : op;
}

function printLabels(labels: readonly string[]): string {
  return labels.map(printLabelName).join(', ');
}

function printLabelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}

function printMatrixSelector({ selector, range }: MatrixSelector): string {
  const { at, offset } = selector;
  return `${printMatchers(selector)}[${printDuration(range)}]${printExtension(selector)}${printAt(at)}${printOffset(offset)}`;
}

/** `[5m:1m] @ 1.000 offset 5m`: all after a subquery's expression. */
export function printSubquerySuffix({ range, step, at, offset }: SubqueryExpr): string {
  return `[${printDuration(range)}:${step === undefined ? '' : printDuration(step)}]${printAt(at)}${printOffset(offset)}`;
}

function printMatchers({ name, matchers }: VectorSelector): string {
  const parts: string[] = [];
  for (const matcher of matchers) {
    const isName = matcher.name === METRIC_NAME && matcher.type === '=' && matcher.value === name && name !== '';
    if (!isName) parts.push(printMatcher(matcher));
  }
  // Prometheus prints nothing for `{}`, which no longer parses.
  if (parts.length === 0) return name === '' ? '{}' : name;
  return `${name}{${parts.sort(compareStrings).join(',')}}`;
}

/** `job=~"api.*"`, its name quoted where it must be. */
export function printMatcher({ name, type, value }: Matcher): string {
  return printLabelName(name) + type + quote(value);
}

function printExtension({ anchored, smoothed }: VectorSelector): string {
  if (anchored) return ' anchored';
  return smoothed ? ' smoothed' : '';
}

function printAt(at: AtModifier | undefined): string {
  if (at === undefined) return '';
  return 'preprocessor' in at ? ` @ ${at.preprocessor}()` : ` @ ${(at.timestampMs / 1000).toFixed(3)}`;
}

function printOffset(offset: DurationValue | undefined): string {
  return offset === undefined ? '' : ` offset ${printDuration(offset)}`;
}

function printDuration(duration: DurationValue): string {
  return 'ms' in duration ? formatDuration(duration.ms) : printDurationExpr(duration.expr);
}

function printDurationExpr(expr: DurationExpr): string {
  switch (expr.kind) {
    case 'duration-literal':
      return printNumber(expr.seconds, expr.isDuration);
    case 'duration-call':
      return `${expr.func}(${expr.args.map(printDurationExpr).join(', ')})`;
    case 'duration-unary':
      return (expr.op === '-' ? '-' : '') + printDurationExpr(expr.operand);
    case 'duration-binary':
      return `${printDurationExpr(expr.left)} ${expr.op} ${printDurationExpr(expr.right)}`;
    case 'duration-paren':
      return `(${printDurationExpr(expr.inner)})`;
  }
}
