import type { BinaryExpr, Expr } from './ast.ts';
import { printAggregateHead, printExpr, printOperator, printSubquerySuffix } from './printer.ts';

/** Bytes of an expression from which it is split over lines. */
const MAX_LINE_BYTES = 100;
/** A chain of operators is indented more from operand to operand, so that its text grows with the square of its length. */
const MAX_CHARACTERS = 2 ** 26;

/**
 * An expression over several lines, as Prometheus' `/format_query` lays it out: split where it exceeds 100 columns.
 * @throws RangeError where that gives too long a text
 */
export function prettyExpr(expr: Expr): string {
  return pretty(expr, 0);
}

function pretty(expr: Expr, level: number): string {
  if (expr.kind === 'unary') return `${indent(level)}${expr.op}${pretty(expr.expr, level).trim()}`;
  const line = shortLine(expr);
  if (line !== undefined) return expr.kind === 'subquery' ? line : indent(level) + line;
  switch (expr.kind) {
    case 'aggregate': {
      const param = expr.param === undefined ? '' : `${pretty(expr.param, level + 1)},\n`;
      return `${indent(level)}${printAggregateHead(expr)}(\n${param}${pretty(expr.expr, level + 1)}\n${indent(level)})`;
    }
    case 'call': {
      const args = expr.args.map((arg) => pretty(arg, level + 1)).join(',\n');
      return `${indent(level)}${expr.func}(\n${args}\n${indent(level)})`;
    }
    case 'paren':
      return `${indent(level)}(\n${pretty(expr.expr, level + 1)}\n${indent(level)})`;
    case 'subquery':
      return pretty(expr.expr, level) + printSubquerySuffix(expr);
    case 'binary':
      return prettyBinary(expr, level);
    default:
      return indent(level) + printExpr(expr);
  }
}

/** Goes down the left operands without recursion: `a + b + c + …` can be long. */
function prettyBinary(expr: BinaryExpr, startLevel: number): string {
  const rest: string[] = [];
  let level = startLevel;
  let left: Expr = expr;
  let length = 0;
  do {
    rest.push(`\n${indent(level)}${printOperator(left)}\n${pretty(left.right, level + 1)}`);
    length += rest.at(-1)!.length;
    if (length > MAX_CHARACTERS) throw new RangeError('the formatted expression is too long');
    left = left.left;
    level++;
  } while (left.kind === 'binary' && shortLine(left) === undefined);
  return pretty(left, level) + rest.reverse().join('');
}

function indent(level: number): string {
  return '  '.repeat(level);
}

/** The expression on one line, unless that is too long. */
function shortLine(expr: Expr): string | undefined {
  if (hasManyNodes(expr)) return undefined;
  const line = printExpr(expr);
  const isLong =
    line.length > MAX_LINE_BYTES || (line.length * 3 > MAX_LINE_BYTES && byteLength(line) > MAX_LINE_BYTES);
  return isLong ? undefined : line;
}

/** Whether there are so many nodes that they cannot be on one line: to print them to find out would take too long. */
function hasManyNodes(expr: Expr): boolean {
  const todo: Expr[] = [expr];
  let count = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (++count > MAX_LINE_BYTES) return true;
    if (next.kind === 'binary') todo.push(next.left, next.right);
    else if (next.kind === 'call') todo.push(...next.args);
    else if (next.kind === 'aggregate' || next.kind === 'paren' || next.kind === 'unary' || next.kind === 'subquery')
      todo.push(next.expr);
  }
  return false;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
