import type { BinaryExpr, Expr } from './ast.ts';
import { printAggregateHead, printExpr, printOperator, printSubquerySuffix } from './printer.ts';

/** Bytes of an expression from which it is split over lines. */
const MAX_LINE_BYTES = 100;

/** An expression over several lines, as Prometheus' `/format_query` lays it out: split where it exceeds 100 columns. */
export function prettyExpr(expr: Expr): string {
  return pretty(expr, 0);
}

function pretty(expr: Expr, level: number): string {
  if (expr.kind === 'unary') return `${indent(level)}${expr.op}${pretty(expr.expr, level).trim()}`;
  const line = printExpr(expr);
  if (!isTooLong(line)) return expr.kind === 'subquery' ? line : indent(level) + line;
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
      return indent(level) + line;
  }
}

function prettyBinary(expr: BinaryExpr, level: number): string {
  const left = pretty(expr.left, level + 1);
  return `${left}\n${indent(level)}${printOperator(expr)}\n${pretty(expr.right, level + 1)}`;
}

function indent(level: number): string {
  return '  '.repeat(level);
}

function isTooLong(line: string): boolean {
  return line.length > MAX_LINE_BYTES || (line.length * 3 > MAX_LINE_BYTES && byteLength(line) > MAX_LINE_BYTES);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
