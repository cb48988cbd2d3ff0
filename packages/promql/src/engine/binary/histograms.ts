import type { BinaryExpr, BinaryOp } from '../../ast.ts';
import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  histogramsEqual,
  scaleHistogram,
  subtractHistograms,
} from '../../histogram/arithmetic.ts';
import { trimHistogram } from '../../histogram/trim.ts';
import type { FloatHistogram } from '../../histogram.ts';
import type { QueryContext } from '../context.ts';
import { ABSENT, FLOAT, HISTOGRAM, type StepSeries } from '../value.ts';

/** What the pairs of one operation give cause to note: of each step, Prometheus tells only the last. */
export interface PairNotes {
  note(step: number, order: number, kind: 'warn' | 'info', message: string): void;
  /** Passes the notes on. */
  flush(): void;
}

export function createPairNotes(ctx: QueryContext, node: BinaryExpr): PairNotes {
  const lasts = new Map<number, { order: number; kind: 'warn' | 'info'; message: string }>();
  return {
    note(step, order, kind, message) {
      const known = lasts.get(step);
      if (known === undefined || known.order <= order) lasts.set(step, { order, kind, message });
    },
    flush() {
      const position = ctx.position(node.position);
      for (const { kind, message } of lasts.values()) ctx.annotations[kind](message, position);
    },
  };
}

type Operand = Pick<StepSeries, 'values' | 'present' | 'histograms'>;

/** Says what went wrong, or could have, in one step. */
interface Notes {
  warn(message: string): void;
  info(message: string): void;
}

export interface HistogramResults {
  readonly any: boolean;
  readonly histograms: (FloatHistogram | undefined)[] | undefined;
  /** 1 at the steps at which the operation has no meaning: the pair is then as if it had not met. */
  readonly rejected: Uint8Array | undefined;
}

/**
 * The steps of a binary operation at which a side is a histogram: writes presence and float results into the columns
 * and returns the histogram results. An operation that histograms do not have yields nothing, and an info.
 * @param order place of the pair among all pairs of the operation
 */
export function histogramOperation(
  pairs: PairNotes,
  order: number,
  node: BinaryExpr,
  left: Operand,
  right: Operand,
  values: Float64Array,
  present: Uint8Array,
): HistogramResults {
  let step = 0;
  const notes: Notes = {
    warn: (message) => pairs.note(step, order, 'warn', message),
    info: (message) => pairs.note(step, order, 'info', message),
  };
  let any = false;
  let histograms: (FloatHistogram | undefined)[] | undefined;
  let rejected: Uint8Array | undefined;
  const trims = node.op === '</' || node.op === '>/';
  for (let i = 0; i < left.present.length; i++) {
    if (left.present[i] === ABSENT || right.present[i] === ABSENT) continue;
    if (left.present[i] === FLOAT && right.present[i] === FLOAT && !trims) continue;
    const a = left.present[i] === HISTOGRAM ? left.histograms![i]! : left.values[i]!;
    const b = right.present[i] === HISTOGRAM ? right.histograms![i]! : right.values[i]!;
    step = i;
    const result = operate(node.op, a, b, notes);
    if (result === undefined) {
      rejected ??= new Uint8Array(left.present.length);
      rejected[i] = 1;
      continue;
    }
    if (typeof result === 'boolean') {
      if (node.returnBool) {
        values[i] = result ? 1 : 0;
        present[i] = FLOAT;
      } else if (result) {
        histograms ??= new Array(left.present.length);
        histograms[i] = a as FloatHistogram;
        present[i] = HISTOGRAM;
      } else continue;
    } else {
      histograms ??= new Array(left.present.length);
      histograms[i] = result;
      present[i] = HISTOGRAM;
    }
    any = true;
  }
  return { any, histograms, rejected };
}

type Sample = number | FloatHistogram;

/** `undefined`: no result. A boolean is the outcome of a comparison. */
function operate(op: BinaryOp, a: Sample, b: Sample, notes: Notes): FloatHistogram | boolean | undefined {
  if (typeof a === 'number') {
    if (typeof b !== 'number' && op === '*') return compactHistogram(scaleHistogram(b, a));
  } else if (typeof b === 'number') {
    if (op === '*') return compactHistogram(scaleHistogram(a, b));
    if (op === '/') return compactHistogram(divideHistogram(a, b));
    if (op === '</') return trimHistogram(a, b, 'below');
    if (op === '>/') return trimHistogram(a, b, 'above');
  } else {
    if (op === '+' || op === '-') return combine(op, a, b, notes);
    if (op === '==') return histogramsEqual(a, b);
    if (op === '!=') return !histogramsEqual(a, b);
  }
  const [left, right] = [a, b].map((sample) => (typeof sample === 'number' ? 'float' : 'histogram'));
  notes.info(`incompatible sample types encountered for binary operator "${op}": ${left} ${op} ${right}`);
  return undefined;
}

function combine(op: '+' | '-', a: FloatHistogram, b: FloatHistogram, notes: Notes): FloatHistogram | undefined {
  const combined = op === '+' ? addHistograms(a, b) : subtractHistograms(a, b);
  const operation = op === '+' ? 'addition' : 'subtraction';
  if (combined === undefined) {
    notes.warn(`incompatible bucket layout encountered for binary operator ${op}`);
    return undefined;
  }
  if (combined.counterResetCollision) {
    notes.warn(`conflicting counter resets during histogram ${operation}`);
    return undefined;
  }
  if (combined.boundsReconciled) notes.info(`mismatched custom buckets were reconciled during ${operation}`);
  return combined.histogram;
}

export function negateHistograms(
  histograms: readonly (FloatHistogram | undefined)[],
): readonly (FloatHistogram | undefined)[] {
  return histograms.map((histogram) => histogram && scaleHistogram(histogram, -1));
}
