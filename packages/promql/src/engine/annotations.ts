import type { Expr, PositionRange } from '../ast.ts';
import { quote } from '../go-strings.ts';

/** Warnings and infos of a query, each text once: with the position where it was noted last. */
export interface Annotations {
  warn(message: string, position: string): void;
  info(message: string, position: string): void;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export function createAnnotations(): Annotations {
  const warnings = new Map<string, string>();
  const infos = new Map<string, string>();
  const withPositions = (notes: ReadonlyMap<string, string>) =>
    [...notes].map(([message, position]) => (position === '' ? message : `${message} (${position})`));
  return {
    warn(message, position) {
      warnings.set(`PromQL warning: ${message}`, position);
    },
    info(message, position) {
      infos.set(`PromQL info: ${message}`, position);
    },
    get warnings() {
      return withPositions(warnings);
    },
    get infos() {
      return withPositions(infos);
    },
  };
}

/** Where notes on an operand point: inside its parentheses. */
export function placeOf(expr: Expr): PositionRange {
  return expr.kind === 'paren' ? placeOf(expr.expr) : expr.position;
}

/** ` for metric name "…"`, or nothing where the series has no name. */
export function forMetric(name: string): string {
  return name === '' ? '' : ` for metric name ${quote(name)}`;
}

export function mixedBuckets(name: string): string {
  return `vector contains a mix of histograms with exponential and custom buckets schemas${forMetric(name)}`;
}

export function mixedFloatsAndHistograms(name: string): string {
  return `encountered a mix of histograms and floats${forMetric(name)}`;
}
