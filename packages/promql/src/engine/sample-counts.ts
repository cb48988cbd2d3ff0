import type { Expr, MatrixSelector, SubqueryExpr, VectorSelector } from '../ast.ts';
import type { FloatHistogram } from '../histogram.ts';
import type { QueryContext } from './context.ts';
import { positiveDurationMs } from './durations.ts';
import { endTimes, type Fetched, isStepInvariant, singleStep, subqueryGrid } from './plan.ts';
import { windowsAround } from './range/extended.ts';
import { windowsOf } from './range/windows.ts';
import { lookbackIndexes } from './select.ts';
import { isStaleMarker } from './staleness.ts';
import { type Grid, gridTimes } from './value.ts';

/** Samples by step of a query, as Prometheus counts them. */
export interface SampleCounts {
  /** Samples that selectors gave; one that lies in many windows counts in each. */
  readonly queryable: Float64Array;
  /** Samples that were not in the window of the step before. */
  readonly read: Float64Array;
  /** Series of which selectors gave samples; one that two selectors gave counts twice. */
  touched: number;
}

/** Counts the samples of an evaluated query from what was fetched: the evaluation itself does not count. */
export function countSamples(ctx: QueryContext, expr: Expr, fetched: Fetched, grid: Grid): SampleCounts {
  return countsOf({ ctx, fetched }, expr, grid);
}

interface Counting {
  readonly ctx: QueryContext;
  readonly fetched: Fetched;
}

function countsOf(counting: Counting, expr: Expr, grid: Grid): SampleCounts {
  if (grid.count > 1 && isStepInvariant(expr)) {
    const once = countsOf(counting, expr, singleStep(grid));
    const read = new Float64Array(grid.count);
    read[0] = once.read[0]!;
    return { queryable: new Float64Array(grid.count).fill(once.queryable[0]!), read, touched: once.touched };
  }
  const counts: SampleCounts = {
    queryable: new Float64Array(grid.count),
    read: new Float64Array(grid.count),
    touched: 0,
  };
  // Down the left operands in a loop: a chain of operators may be long.
  let first = expr;
  for (; first.kind === 'binary'; first = first.left) add(counts, countsOf(counting, first.right, grid));
  switch (first.kind) {
    case 'vector-selector':
      addSelector(counting, first, grid, counts);
      break;
    case 'matrix-selector':
      addWindows(counting, first, grid, counts);
      break;
    case 'subquery':
      addSubquery(counting, first, grid, counts);
      break;
    case 'call':
      for (const argument of first.args) add(counts, countsOf(counting, argument, grid));
      break;
    case 'aggregate':
      if (first.param !== undefined) add(counts, countsOf(counting, first.param, grid));
      add(counts, countsOf(counting, first.expr, grid));
      break;
    case 'unary':
    case 'paren':
      add(counts, countsOf(counting, first.expr, grid));
      break;
  }
  return counts;
}

function add(to: SampleCounts, more: SampleCounts): void {
  to.touched += more.touched;
  for (let i = 0; i < to.read.length; i++) {
    to.queryable[i]! += more.queryable[i]!;
    to.read[i]! += more.read[i]!;
  }
}

function addSelector({ ctx, fetched }: Counting, node: VectorSelector, grid: Grid, counts: SampleCounts): void {
  const ends = endTimes(ctx, node, grid);
  for (const { timestamps, values, histograms } of fetched.get(node) ?? []) {
    let isTouched = false;
    for (const [step, index] of lookbackIndexes(timestamps, ends, ctx.lookbackMs).entries()) {
      if (index < 0 || (histograms?.[index] === undefined && isStaleMarker(values, index))) continue;
      // Prometheus does not count what it draws lines between.
      const weight = node.smoothed ? 0 : weightOf(histograms?.[index]);
      counts.queryable[step]! += weight;
      counts.read[step]! += weight;
      isTouched = true;
    }
    if (isTouched) counts.touched++;
  }
}

function addWindows({ ctx, fetched }: Counting, node: MatrixSelector, grid: Grid, counts: SampleCounts): void {
  const { selector } = node;
  const ends = endTimes(ctx, selector, grid);
  const rangeMs = positiveDurationMs(ctx, node.range);
  const extension = selector.anchored ? 'anchored' : selector.smoothed ? 'smoothed' : undefined;
  for (const { timestamps, values, histograms } of fetched.get(selector) ?? []) {
    // How much the samples before each one weigh together.
    const before = new Float64Array(timestamps.length + 1);
    for (let i = 0; i < timestamps.length; i++) {
      const stale = histograms?.[i] === undefined && isStaleMarker(values, i);
      before[i + 1] = before[i]! + (stale ? 0 : weightOf(histograms?.[i]));
    }
    const { first, last } =
      extension === undefined
        ? windowsOf(timestamps, ends, rangeMs)
        : windowsAround(timestamps, ends, rangeMs, ctx.lookbackMs, extension);
    let isTouched = false;
    for (let step = 0; step < ends.length; step++) {
      const from = first[step]!;
      const to = last[step]!;
      const unread = step === 0 ? from : Math.max(from, last[step - 1]!);
      counts.queryable[step]! += before[to]! - before[from]!;
      counts.read[step]! += before[to]! - before[unread]!;
      if (before[to]! > before[from]!) isTouched = true;
    }
    if (isTouched) counts.touched++;
  }
}

/** The expression of a subquery has samples at steps of its own, of which each window takes those inside of it. */
function addSubquery(counting: Counting, node: SubqueryExpr, grid: Grid, counts: SampleCounts): void {
  const { ctx } = counting;
  const inner = subqueryGrid(ctx, node, grid);
  const { queryable, read, touched } = countsOf(counting, node.expr, inner);
  counts.touched += touched;
  const before = new Float64Array(inner.count + 1);
  for (let i = 0; i < inner.count; i++) before[i + 1] = before[i]! + queryable[i]!;
  const ends = endTimes(ctx, node, grid);
  const { first, last } = windowsOf(gridTimes(inner), ends, positiveDurationMs(ctx, node.range));
  let next = 0;
  for (let step = 0; step < grid.count; step++) {
    counts.queryable[step]! += before[last[step]!]! - before[first[step]!]!;
    for (; next < inner.count && inner.startMs + next * inner.stepMs <= ends[step]!; next++) {
      counts.read[step]! += read[next]!;
    }
  }
}

/** Bytes that Prometheus takes a histogram to have without its lists, time included. */
const HISTOGRAM_BYTES = 176;
const FLOAT_BYTES = 16;

/** What a histogram counts for, in floats. */
function weightOf(histogram: FloatHistogram | undefined): number {
  if (histogram === undefined) return 1;
  const { positiveSpans, negativeSpans, positiveBuckets, negativeBuckets, customValues } = histogram;
  const listed =
    positiveSpans.length + negativeSpans.length + positiveBuckets.length + negativeBuckets.length + customValues.length;
  return Math.floor((HISTOGRAM_BYTES + 8 * listed) / FLOAT_BYTES);
}
