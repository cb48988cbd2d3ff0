import type { BinaryExpr, Expr, Matcher, SubqueryExpr, VectorSelector } from '../ast.ts';
import type { SeriesColumns } from '../source.ts';
import type { QueryContext } from './context.ts';
import { atMs, offsetMs, positiveDurationMs } from './durations.ts';
import { QueryError } from './errors.ts';
import { columnsBytes } from './memory.ts';
import { readsAtFixedTime } from './read-time.ts';
import { type Looks, STATISTICS_FUNCTIONS, withDetectedResets } from './reset-hints.ts';
import { type Grid, gridEndMs, HISTOGRAM_WORK } from './value.ts';

/** Functions whose result depends on the evaluation time itself. */
const TIME_DEPENDENT = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'time',
  'timestamp',
  'year',
]);

const invariance = new WeakMap<Expr, boolean>();

/** Whether the expression has the same value at every step. */
export function isStepInvariant(expr: Expr): boolean {
  let known = invariance.get(expr);
  if (known === undefined) {
    // From the innermost left operand on, so that chains of operators of any length need no deep recursion.
    const chain: Expr[] = [];
    for (let left = expr; left.kind === 'binary'; left = left.left) {
      if (invariance.has(left.left)) break;
      chain.push(left.left);
    }
    for (const left of chain.reverse()) invariance.set(left, decideInvariance(left));
    invariance.set(expr, (known = decideInvariance(expr)));
  }
  return known;
}

function isSelector(expr: Expr): boolean {
  return expr.kind === 'paren' ? isSelector(expr.expr) : expr.kind === 'vector-selector';
}

function decideInvariance(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return true;
    case 'vector-selector':
      return expr.at !== undefined;
    case 'matrix-selector':
      return expr.selector.at !== undefined;
    case 'subquery':
      return expr.at !== undefined;
    case 'call':
      // Of the samples that a selector finds it gives their own times.
      if (expr.func === 'timestamp' && isSelector(expr.args[0]!)) return isStepInvariant(expr.args[0]!);
      if (TIME_DEPENDENT.has(expr.func)) return false;
      // Where its argument is read as of several times, info series are as of the step.
      if (expr.func === 'info') return isStepInvariant(expr.args[0]!) && readsAtFixedTime(expr.args[0]!);
      return expr.args.every(isStepInvariant);
    case 'aggregate':
      // As in Prometheus, whatever its parameter: that is taken as of the first step then.
      return isStepInvariant(expr.expr);
    case 'binary':
      return isStepInvariant(expr.left) && isStepInvariant(expr.right);
    case 'unary':
    case 'paren':
      return isStepInvariant(expr.expr);
  }
}

export function singleStep(grid: Grid): Grid {
  return { startMs: grid.startMs, stepMs: grid.stepMs, count: 1, isRange: false };
}

/** Evaluation times of the expression inside a subquery: multiples of its step that fall in any of its windows. */
export function subqueryGrid(ctx: QueryContext, node: SubqueryExpr, grid: Grid): Grid {
  const [first, last] = endHull(ctx, node, grid);
  const stepMs = (node.step && positiveDurationMs(ctx, node.step)) || ctx.noStepSubqueryIntervalMs;
  const rangeMs = positiveDurationMs(ctx, node.range);
  const startMs = Math.floor((first - rangeMs) / stepMs) * stepMs + stepMs;
  const count = Math.max(0, Math.floor((last - startMs) / stepMs) + 1);
  return { startMs, stepMs, count, isRange: last > startMs };
}

type Shifted = Pick<VectorSelector, 'at' | 'offset'>;

function endHull(ctx: QueryContext, node: Shifted, grid: Grid): [first: number, last: number] {
  const offset = offsetMs(ctx, node.offset);
  if (node.at !== undefined) {
    const at = atMs(ctx, node.at) - offset;
    return [at, at];
  }
  return [grid.startMs - offset, gridEndMs(grid) - offset];
}

/** By step, the time that a selector or subquery looks back from. */
export function endTimes(ctx: QueryContext, node: Shifted, grid: Grid): Float64Array {
  const [first] = endHull(ctx, node, grid);
  const stepMs = node.at === undefined ? grid.stepMs : 0;
  const ends = new Float64Array(grid.count);
  for (let i = 0; i < ends.length; i++) ends[i] = first + i * stepMs;
  return ends;
}

interface Need {
  readonly node: VectorSelector;
  readonly startMs: number;
  readonly endMs: number;
  /** Where only count and sum of histograms are of interest: counter resets are then decided sample by sample. */
  readonly statistics: Looks | undefined;
  /** Only the newest sample is of interest. */
  readonly newestOnly: boolean;
}

/** Series by selector node, fetched before evaluation starts. */
export type Fetched = ReadonlyMap<VectorSelector, readonly SeriesColumns[]>;

/**
 * Finds the times that every selector of the expression needs and fetches each distinct selector once per stretch of
 * time, all at the same time.
 */
export async function fetchSelectors(ctx: QueryContext, expr: Expr, grid: Grid): Promise<Fetched> {
  const byMatchers = new Map<string, Need[]>();
  collect(ctx, expr, grid, undefined, (need) => {
    const key = matchersKey(need.node.matchers);
    const needs = byMatchers.get(key);
    if (needs === undefined) byMatchers.set(key, [need]);
    else needs.push(need);
  });

  const fetched = new Map<VectorSelector, readonly SeriesColumns[]>();
  const pending: Promise<void>[] = [];
  for (const needs of byMatchers.values()) {
    for (const group of overlapping(needs)) {
      const startMs = Math.min(...group.map((need) => need.startMs));
      const endMs = Math.max(...group.map((need) => need.endMs));
      const newestOnly = group.every((need) => need.newestOnly && need.endMs === endMs);
      pending.push(
        select(ctx, group[0]!.node.matchers, startMs, endMs, newestOnly).then(async (series) => {
          for (const { node, statistics } of group) {
            fetched.set(node, statistics ? await allWithDetectedResets(ctx, series, statistics) : series);
          }
        }),
      );
    }
  }
  await Promise.all(pending);
  ctx.check('expression evaluation');
  return fetched;
}

async function allWithDetectedResets(
  ctx: QueryContext,
  series: readonly SeriesColumns[],
  looks: Looks,
): Promise<SeriesColumns[]> {
  const decided: SeriesColumns[] = [];
  for (const columns of series) {
    decided.push(withDetectedResets(columns, looks));
    const { histograms } = columns;
    if (histograms !== undefined && ctx.due(histograms.length * HISTOGRAM_WORK)) await ctx.pause();
  }
  return decided;
}

/** Reads from the source. @throws QueryError whatever the source throws. */
export async function select(
  ctx: QueryContext,
  matchers: readonly Matcher[],
  startMs: number,
  endMs: number,
  newestOnly = false,
): Promise<readonly SeriesColumns[]> {
  try {
    let told = 0;
    const hold = (bytes: number) => {
      told += bytes;
      ctx.memory.hold(bytes);
    };
    const series = await ctx.source.select({ matchers, startMs, endMs, newestOnly, signal: ctx.signal, hold });
    ctx.memory.hold(Math.max(0, columnsBytes(series) - told));
    return series;
  } catch (error) {
    ctx.check('expression evaluation');
    if (error instanceof QueryError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new QueryError('execution', `expanding series: ${text}`, { cause: error });
  }
}

function overlapping(needs: Need[]): Need[][] {
  needs.sort((a, b) => a.startMs - b.startMs);
  const groups: Need[][] = [];
  let end = -Infinity;
  for (const need of needs) {
    if (need.startMs <= end) groups.at(-1)!.push(need);
    else groups.push([need]);
    end = Math.max(end, need.endMs);
  }
  return groups;
}

function matchersKey(matchers: readonly Matcher[]): string {
  return JSON.stringify(matchers.map(({ name, type, value }) => [name, type, value]));
}

const NEEDS_BUCKETS: ReadonlySet<string> = new Set([
  'changes',
  'histogram_fraction',
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_stddev',
  'histogram_stdvar',
]);

const BUCKET_OPERATORS: ReadonlySet<string> = new Set(['==', '!=', '</', '>/']);

type Request = (need: Need) => void;

/**
 * What of histograms matters to the functions above a node: their buckets to any of them, or count and sum only. Hints
 * do not matter to the latter where nothing puts histograms together in between (`plain-statistics`).
 */
type Interest = 'buckets' | 'statistics' | 'plain-statistics' | undefined;

function interestWithin(func: string, interest: Interest): Interest {
  if (interest === 'buckets' || NEEDS_BUCKETS.has(func)) return 'buckets';
  return STATISTICS_FUNCTIONS.has(func) ? 'statistics' : interest;
}

function collect(ctx: QueryContext, expr: Expr, outerGrid: Grid, interest: Interest, request: Request): void {
  const statistics = interest === 'statistics' || interest === 'plain-statistics';
  const grid = outerGrid.count > 1 && isStepInvariant(expr) ? singleStep(outerGrid) : outerGrid;
  switch (expr.kind) {
    case 'number':
    case 'string':
      return;
    case 'vector-selector': {
      const [first, last] = endHull(ctx, expr, grid);
      const newestOnly = grid.count === 1 && !expr.smoothed && interest !== 'statistics';
      const backMs = ctx.lookbackMs - 1;
      request({
        node: expr,
        startMs: first - backMs,
        endMs: expr.smoothed ? last + ctx.lookbackMs : last,
        statistics: statistics ? looks(first, last, grid, backMs) : undefined,
        newestOnly,
      });
      return;
    }
    case 'matrix-selector': {
      const { selector } = expr;
      const rangeMs = positiveDurationMs(ctx, expr.range);
      const [first, last] = endHull(ctx, selector, grid);
      const extended = selector.anchored || selector.smoothed;
      const backMs = rangeMs + (extended ? ctx.lookbackMs : 0);
      request({
        node: selector,
        // The sample at the open end is in no window, but resets are told from it.
        startMs: first - backMs + (statistics ? 0 : 1),
        endMs: selector.smoothed ? last + ctx.lookbackMs : last,
        statistics: statistics ? looks(first, last, grid, backMs) : undefined,
        newestOnly: false,
      });
      return;
    }
    case 'subquery': {
      // Prometheus leaves buckets out nowhere inside.
      const inner = subqueryGrid(ctx, expr, grid);
      if (inner.count > 0) collect(ctx, expr.expr, inner, 'buckets', request);
      return;
    }
    case 'call': {
      const inner = interestWithin(expr.func, interest);
      for (const [i, argument] of expr.args.entries()) {
        if (expr.func === 'info' && i > 0) continue;
        const isPlain =
          inner === 'statistics' && argument.kind === 'vector-selector' && STATISTICS_FUNCTIONS.has(expr.func);
        collect(ctx, argument, grid, isPlain ? 'plain-statistics' : inner, request);
      }
      return;
    }
    case 'aggregate':
      if (expr.param !== undefined) collect(ctx, expr.param, grid, interest, request);
      collect(ctx, expr.expr, grid, expr.op === 'count_values' ? 'buckets' : interest, request);
      return;
    case 'binary':
      collectOperands(ctx, expr, grid, interest, request);
      return;
    case 'unary':
    case 'paren':
      collect(ctx, expr.expr, grid, interest, request);
      return;
  }
}

function looks(firstMs: number, lastMs: number, grid: Grid, backMs: number): Looks {
  return { firstMs, stepMs: grid.stepMs, count: firstMs === lastMs ? 1 : grid.count, backMs };
}

/** Goes down the left operands without recursion: `a + b + c + …` can be long. */
function collectOperands(
  ctx: QueryContext,
  chain: BinaryExpr,
  chainGrid: Grid,
  chainInterest: Interest,
  request: Request,
): void {
  const rights: (() => void)[] = [];
  let expr: Expr = chain;
  let grid = chainGrid;
  let interest = chainInterest;
  while (expr.kind === 'binary') {
    const { right, op } = expr;
    if (grid.count > 1 && isStepInvariant(expr)) grid = singleStep(grid);
    if (BUCKET_OPERATORS.has(op)) interest = 'buckets';
    const [rightGrid, rightInterest] = [grid, interest];
    rights.push(() => collect(ctx, right, rightGrid, rightInterest, request));
    expr = expr.left;
  }
  collect(ctx, expr, grid, interest, request);
  for (const collectRight of rights.reverse()) collectRight();
}
