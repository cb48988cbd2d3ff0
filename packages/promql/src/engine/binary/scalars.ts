import type { ArithmeticOp, BinaryExpr, ComparisonOp } from '../../ast.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import { mergeSameLabels, named } from '../series.ts';
import {
  allPresent,
  columnAllocator,
  type ScalarValue,
  type StepSeries,
  stepsWork,
  type VectorValue,
} from '../value.ts';
import { createPairNotes, histogramOperation } from './histograms.ts';
import {
  arithmetic,
  arithmeticColumns,
  changesMetric,
  comparison,
  comparisonColumns,
  isComparison,
} from './operators.ts';

export function scalarScalar(node: BinaryExpr, left: ScalarValue, right: ScalarValue): ScalarValue {
  const count = left.values.length;
  const values = new Float64Array(count);
  if (isComparison(node.op)) {
    const holds = comparison[node.op];
    for (let i = 0; i < count; i++) values[i] = holds(left.values[i]!, right.values[i]!) ? 1 : 0;
  } else {
    const compute = arithmetic[node.op as ArithmeticOp];
    if (compute === undefined) fail(`operator "${node.op}" not allowed for Scalar operations`);
    for (let i = 0; i < count; i++) values[i] = compute(left.values[i]!, right.values[i]!);
  }
  return { kind: 'scalar', values };
}

/** A vector and a scalar, on either side. */
export async function vectorScalar(
  ctx: QueryContext,
  node: BinaryExpr,
  vector: VectorValue,
  scalar: ScalarValue,
  scalarIsLeft: boolean,
): Promise<VectorValue> {
  const count = scalar.values.length;
  const constant = { values: scalar.values, present: allPresent(count) };
  const allocate = columnAllocator(count);
  const series: StepSeries[] = [];
  const dropsName = changesMetric(node.op) || node.returnBool;
  const notes = createPairNotes(ctx, node);
  for (const [order, element] of vector.series.entries()) {
    const [left, right] = scalarIsLeft ? [constant, element] : [element, constant];
    const operands = {
      left: left.values,
      leftPresent: left.present,
      right: right.values,
      rightPresent: right.present,
    };
    const values = allocate();
    const present = new Uint8Array(count);
    const filter = isComparison(node.op);
    let any: boolean;
    if (filter) {
      const op = node.op as ComparisonOp;
      any = comparisonColumns(op, operands, element.values, node.returnBool, values, present);
    } else {
      any =
        node.op !== '</' && node.op !== '>/' && arithmeticColumns(node.op as ArithmeticOp, operands, values, present);
    }
    let histograms: StepSeries['histograms'];
    if (element.histograms !== undefined || node.op === '</' || node.op === '>/') {
      const result = histogramOperation(
        notes,
        order,
        node,
        { ...element, ...left },
        { ...element, ...right },
        values,
        present,
      );
      histograms = result.histograms;
      any ||= result.any;
    }
    if (any) {
      const { labels, dropName } = named(ctx, element, dropsName);
      series.push({ labels, dropName, values, present, histograms });
    }
    if (ctx.due(stepsWork(element))) await ctx.pause();
  }
  notes.flush();
  return { kind: 'vector', series: dropsName && !ctx.delayedNameRemoval ? await mergeSameLabels(ctx, series) : series };
}
