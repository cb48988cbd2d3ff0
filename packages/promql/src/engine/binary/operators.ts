import type { ArithmeticOp, BinaryOp, ComparisonOp } from '../../ast.ts';
import { pow } from '../../go-exponentials.ts';
import { atan2 } from '../../go-math.ts';
import { FLOAT } from '../value.ts';

export function isComparison(op: BinaryOp): op is ComparisonOp {
  return op === '==' || op === '!=' || op === '<' || op === '<=' || op === '>' || op === '>=';
}

export function isSetOperator(op: BinaryOp): op is 'and' | 'or' | 'unless' {
  return op === 'and' || op === 'or' || op === 'unless';
}

/** Whether the result measures something else than the operands, so that it loses their name. */
export function changesMetric(op: BinaryOp): boolean {
  return !isComparison(op) && op !== '</' && op !== '>/';
}

export const arithmetic: Readonly<Record<ArithmeticOp, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': pow,
  atan2,
};

export const comparison: Readonly<Record<ComparisonOp, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** Both operands of a float operation by step; absent elements are skipped. */
export interface Operands {
  readonly left: Float64Array;
  readonly leftPresent: Uint8Array;
  readonly right: Float64Array;
  readonly rightPresent: Uint8Array;
}

export function arithmeticColumns(
  op: ArithmeticOp,
  { left, leftPresent, right, rightPresent }: Operands,
  out: Float64Array,
  present: Uint8Array,
): boolean {
  let any = 0;
  for (let i = 0; i < out.length; i++) {
    const both = leftPresent[i] === FLOAT && rightPresent[i] === FLOAT ? FLOAT : 0;
    present[i] = both;
    any |= both;
  }
  if (any === 0) return false;
  switch (op) {
    case '+':
      for (let i = 0; i < out.length; i++) out[i] = left[i]! + right[i]!;
      break;
    case '-':
      for (let i = 0; i < out.length; i++) out[i] = left[i]! - right[i]!;
      break;
    case '*':
      for (let i = 0; i < out.length; i++) out[i] = left[i]! * right[i]!;
      break;
    case '/':
      for (let i = 0; i < out.length; i++) out[i] = left[i]! / right[i]!;
      break;
    default: {
      const compute = arithmetic[op];
      for (let i = 0; i < out.length; i++) if (present[i] === FLOAT) out[i] = compute(left[i]!, right[i]!);
    }
  }
  return true;
}

/** Writes 1 where the comparison holds. Floats that are absent are compared too; the caller masks them. */
function compareColumns(op: ComparisonOp, left: Float64Array, right: Float64Array, holds: Uint8Array): void {
  switch (op) {
    case '==':
      for (let i = 0; i < holds.length; i++) holds[i] = left[i]! === right[i]! ? 1 : 0;
      break;
    case '!=':
      for (let i = 0; i < holds.length; i++) holds[i] = left[i]! !== right[i]! ? 1 : 0;
      break;
    case '<':
      for (let i = 0; i < holds.length; i++) holds[i] = left[i]! < right[i]! ? 1 : 0;
      break;
    case '<=':
      for (let i = 0; i < holds.length; i++) holds[i] = left[i]! <= right[i]! ? 1 : 0;
      break;
    case '>':
      for (let i = 0; i < holds.length; i++) holds[i] = left[i]! > right[i]! ? 1 : 0;
      break;
    case '>=':
      for (let i = 0; i < holds.length; i++) holds[i] = left[i]! >= right[i]! ? 1 : 0;
      break;
  }
}

/** A filter: where the comparison holds, the value of `kept` stays. With `bool` the result is 0 or 1 instead. */
export function comparisonColumns(
  op: ComparisonOp,
  { left, leftPresent, right, rightPresent }: Operands,
  kept: Float64Array,
  bool: boolean,
  out: Float64Array,
  present: Uint8Array,
): boolean {
  compareColumns(op, left, right, present);
  let any = 0;
  for (let i = 0; i < out.length; i++) {
    const both = leftPresent[i] === FLOAT && rightPresent[i] === FLOAT;
    const holds = present[i]!;
    out[i] = bool ? holds : kept[i]!;
    const state = both && (bool || holds === 1) ? FLOAT : 0;
    present[i] = state;
    any |= state;
  }
  return any !== 0;
}
