import type { Expr } from '../ast.ts';
import { compareLabels, type Labels, labelsKey } from '../labels.ts';
import { type QueryContext, WORK_PER_SERIES } from './context.ts';
import { dropMetadata } from './metadata-labels.ts';
import { mergeTwo } from './series.ts';
import type { StepSeries, VectorValue } from './value.ts';

/** Series between two looks at the clock, and the length of the runs that are sorted at once. */
const SERIES_PER_CHECK = 1024;

/** Removes the names that were to go and joins series that then are equal. @throws QueryError where two overlap */
export async function finishVector(ctx: QueryContext, expr: Expr, value: VectorValue): Promise<readonly StepSeries[]> {
  const { series } = value;
  if (hasDistinctLabels(ctx, expr) && !series.some((element) => element.dropName)) return series;
  const positions = new Map<string, number>();
  const merged: StepSeries[] = [];
  for (let i = 0; i < series.length; i++) {
    let element = series[i]!;
    if (element.dropName) {
      const { values, present, histograms } = element;
      element = { labels: dropMetadata(element.labels), dropName: false, values, present, histograms };
    }
    const key = labelsKey(element.labels);
    const at = positions.get(key);
    if (at === undefined) {
      positions.set(key, merged.length);
      merged.push(element);
    } else merged[at] = mergeTwo(merged[at]!, element);
    if (i % SERIES_PER_CHECK === 0 && ctx.due(SERIES_PER_CHECK * WORK_PER_SERIES)) await ctx.pause();
  }
  return merged;
}

/** Aggregations that give each label set once. */
const GROUPING: ReadonlySet<string> = new Set([
  'avg',
  'count',
  'count_values',
  'group',
  'max',
  'min',
  'quantile',
  'stddev',
  'stdvar',
  'sum',
]);

/** Whether what is evaluated cannot give a label set twice. */
function hasDistinctLabels(ctx: QueryContext, expr: Expr): boolean {
  let node = expr;
  for (;;) {
    if (node.kind === 'paren') node = node.expr;
    // These give a part of their left side.
    else if (node.kind === 'binary' && (node.op === 'and' || node.op === 'unless')) node = node.left;
    else break;
  }
  if (node.kind === 'aggregate') return GROUPING.has(node.op);
  // What other operators give has been joined already, if names are not removed at the end only.
  return node.kind === 'vector-selector' || (node.kind === 'binary' && !ctx.delayedNameRemoval);
}

/** Sorts by labels. */
export function sortByLabelSets<T extends { readonly labels: Labels }>(
  ctx: QueryContext,
  elements: readonly T[],
): Promise<T[]> {
  return sortInTurns(ctx, elements, (a, b) => compareLabels(a.labels, b.labels));
}

/** A stable sort in runs that are then merged, so that the event loop gets its turns. */
export async function sortInTurns<T>(
  ctx: QueryContext,
  elements: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < elements.length; from += SERIES_PER_CHECK) {
    runs.push(elements.slice(from, from + SERIES_PER_CHECK).sort(compare));
    if (ctx.due(SERIES_PER_CHECK * WORK_PER_SERIES)) await ctx.pause();
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) longer.push(await mergeRuns(ctx, runs[i]!, runs[i + 1] ?? [], compare));
    runs = longer;
  }
  return runs[0] ?? [];
}

async function mergeRuns<T>(ctx: QueryContext, a: T[], b: T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const merged: T[] = new Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let at = 0; at < merged.length; at++) {
    const takesFirst = j === b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0);
    merged[at] = takesFirst ? a[i++]! : b[j++]!;
    if (at % SERIES_PER_CHECK === 0 && ctx.due(SERIES_PER_CHECK * WORK_PER_SERIES)) await ctx.pause();
  }
  return merged;
}
