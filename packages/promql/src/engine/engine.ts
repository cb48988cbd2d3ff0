import type { Expr } from '../ast.ts';
import type { FloatHistogram } from '../histogram.ts';
import { compareLabels, type Labels } from '../labels.ts';
import { ParseError } from '../parse-error.ts';
import { parseExpr } from '../parser.ts';
import { printExpr } from '../printer.ts';
import { remembered } from '../remembered.ts';
import type { SeriesSource } from '../source.ts';
import { typeOf } from '../type-check.ts';
import { createContext, loopTurns, type QueryContext, type QueryParameters, type Turns } from './context.ts';
import { DUPLICATE_LABELSET, fail, isQueryError, QueryError } from './errors.ts';
import { createEvaluator, type Evaluator } from './evaluate.ts';
import { finishVector, sortByLabelSets } from './finish.ts';
import { stepSeriesBytes } from './memory.ts';
import { dropMetadata } from './metadata-labels.ts';
import { fetchSelectors } from './plan.ts';
import { createProfile, type PlanNode } from './profile.ts';
import { type Extension, extendedSamples, windowsAround } from './range/extended.ts';
import { windowsOf } from './range/windows.ts';
import { createQueryGate, createRunningQueries, type RunningQuery } from './running.ts';
import { countSamples, type SampleCounts } from './sample-counts.ts';
import { sharedByTimestamps } from './select.ts';
import { sharedTimes } from './shared-times.ts';
import { ABSENT, type Grid, gridTimes, type RangeValue, type StepSeries } from './value.ts';

/** Samples of one series, as columns. */
export interface MatrixSeries {
  readonly labels: Labels;
  /** Unix milliseconds, ascending; shared between series that have a sample at every step. */
  readonly timestamps: Float64Array;
  /** Unspecified where `histograms[i]` is present. */
  readonly values: Float64Array;
  readonly histograms?: readonly (FloatHistogram | undefined)[];
}

export interface VectorSample {
  readonly labels: Labels;
  /** Unspecified where `histogram` is present. */
  readonly value: number;
  readonly histogram?: FloatHistogram;
}

export interface QueryStats {
  /** Samples held in memory at the peak. */
  readonly peakSamples: number;
  /** Samples that passed through the evaluation. */
  readonly totalSamples: number;
  /** From the call to the result. */
  readonly durationMs: number;
  /** Waiting for a turn. */
  readonly queueMs: number;
  /** Reading the series of all selectors. */
  readonly preparationMs: number;
  readonly evaluationMs: number;
  /** Bringing a matrix into the order of its labels. */
  readonly sortMs: number;
  /** Where `stats` was asked for: samples at each step. */
  readonly samples?: SampleCounts;
}

interface Notes {
  /** In Prometheus' words, with position. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
  /** Where `explain` or `trace` was asked for. */
  readonly plan?: PlanNode;
}

export type QueryResult = Notes &
  (
    | { readonly type: 'matrix'; readonly value: readonly MatrixSeries[] }
    | { readonly type: 'vector'; readonly timestampMs: number; readonly value: readonly VectorSample[] }
    | { readonly type: 'scalar'; readonly timestampMs: number; readonly value: number }
    | { readonly type: 'string'; readonly timestampMs: number; readonly value: string }
  );

export interface EngineOptions {
  /** How far an instant selector looks back; default 5 minutes. */
  readonly lookbackDeltaMs?: number;
  /** Samples that a query may hold in memory; default 50,000,000. */
  readonly maxSamples?: number;
  /** Bytes that a query may hold in memory, by estimate; default 1 GiB. */
  readonly maxBytes?: number;
  /** Default 2 minutes. */
  readonly timeoutMs?: number;
  /** Step of subqueries that name none; default 1 minute. */
  readonly noStepSubqueryIntervalMs?: number;
  /** Metric names go at the end of a query rather than in each function; default true. */
  readonly delayedNameRemoval?: boolean;
  /** Queries that run at once; the others wait in order. Default 20. */
  readonly maxConcurrency?: number;
  /** Queries that may wait; one more fails at once. Default 200. */
  readonly maxQueued?: number;
  /** Counter functions take the start timestamps of samples into account; default false. */
  readonly useStartTimestamps?: boolean;
  /** How queries share the thread; default a turn of the event loop every 8 ms. */
  readonly turns?: Turns;
}

export interface QueryOptions {
  readonly lookbackDeltaMs?: number;
  /** Counts where it is below the engine's. */
  readonly timeoutMs?: number;
  readonly maxSamples?: number;
  /** Cancels the query. */
  readonly signal?: AbortSignal;
  /** Cancels it too, and becomes the query's own, which it aborts at its timeout: a caller that has one saves another. */
  readonly controller?: AbortController;
  /** The text that a query given as an expression was parsed from: annotations then name positions in it. */
  readonly queryText?: string;
  /** The result tells what each part of the expression gave. */
  readonly explain?: boolean;
  /** The result's statistics have `samples`. */
  readonly stats?: boolean;
  /** As `explain`, with times. */
  readonly trace?: boolean;
}

export interface Engine {
  /**
   * Evaluates at one time.
   * @throws QueryError
   */
  instant(source: SeriesSource, query: string | Expr, timeMs: number, options?: QueryOptions): Promise<QueryResult>;
  /**
   * Evaluates at every step from start to end, both inclusive. The result is a matrix sorted by labels.
   * @throws QueryError
   */
  range(
    source: SeriesSource,
    query: string | Expr,
    startMs: number,
    endMs: number,
    stepMs: number,
    options?: QueryOptions,
  ): Promise<QueryResult>;
  /** The queries that run or wait, in order of their start. */
  running(): RunningQuery[];
  /** Cancels a query; false where it has ended. */
  cancel(id: number): boolean;
}

export function createEngine(engineOptions: EngineOptions = {}): Engine {
  const gate = createQueryGate(engineOptions.maxConcurrency ?? 20, engineOptions.maxQueued ?? 200);
  const queries = createRunningQueries();
  const run = async (
    source: SeriesSource,
    query: string | Expr,
    times: Pick<QueryParameters, 'startMs' | 'endMs' | 'stepMs'>,
    options: QueryOptions,
    evaluate: (evaluator: Evaluator, expr: Expr) => Promise<Outcome>,
  ): Promise<QueryResult> => {
    const started = performance.now();
    const parameters: QueryParameters = {
      ...times,
      lookbackMs: options.lookbackDeltaMs ?? engineOptions.lookbackDeltaMs ?? 300_000,
      noStepSubqueryIntervalMs: engineOptions.noStepSubqueryIntervalMs ?? 60_000,
      delayedNameRemoval: engineOptions.delayedNameRemoval ?? true,
      useStartTimestamps: engineOptions.useStartTimestamps ?? false,
    };
    const expr = typeof query === 'string' ? parse(query) : query;
    if (times.stepMs !== 0) checkRangeType(expr);
    const text = typeof query === 'string' ? query : options.queryText;
    const entry = queries.add(text ?? printExpr(expr), options.controller);
    const timeoutMs = Math.min(options.timeoutMs ?? MAX_TIMEOUT_MS, engineOptions.timeoutMs ?? 120_000, MAX_TIMEOUT_MS);
    let leave: (() => void) | undefined;
    let ctx: QueryContext | undefined;
    try {
      leave = await gate.enter(options.signal, entry.controller.signal, timeoutMs);
      const enteredAt = performance.now();
      const limits = {
        maxBytes: engineOptions.maxBytes ?? 2 ** 30,
        maxSamples: options.maxSamples ?? engineOptions.maxSamples ?? 50_000_000,
        timeoutMs: Math.max(0, timeoutMs - (performance.now() - started)),
        signal: options.signal,
        controller: entry.controller,
        turns: engineOptions.turns ?? loopTurns,
      };
      ctx = createContext(parameters, limits, source, text);
      entry.begin(ctx.stats);
      ctx.check('query execution');
      const grid = gridOf(ctx);
      const fetched = await fetchSelectors(ctx, expr, grid);
      const preparedAt = performance.now();
      if ((options.explain || options.trace) && chainLength(expr) > MAX_EXPLAINED) {
        throw new QueryError('bad_data', 'expression is nested too deeply');
      }
      const profile = options.explain || options.trace ? createProfile(options.trace === true) : undefined;
      let evaluator = createEvaluator(ctx, fetched);
      if (profile !== undefined) evaluator = profile.measured(evaluator);
      const outcome = await evaluate(evaluator, expr);
      const evaluatedAt = performance.now();
      const { warnings, infos } = ctx.annotations;
      const stats: QueryStats = {
        ...ctx.stats,
        durationMs: evaluatedAt - started,
        queueMs: enteredAt - started,
        preparationMs: preparedAt - enteredAt,
        evaluationMs: evaluatedAt - preparedAt - ctx.stats.sortMs,
        ...(options.stats && { samples: countSamples(ctx, expr, fetched, grid) }),
      };
      const plan = profile?.plan(expr, fetched);
      return { ...outcome, warnings, infos, stats, ...(plan && { plan }) };
    } catch (error) {
      throw asQueryError(error);
    } finally {
      ctx?.dispose();
      leave?.();
      entry.end();
    }
  };

  return {
    instant: (source, query, timeMs, options = {}) =>
      run(source, query, { startMs: timeMs, endMs: timeMs, stepMs: 0 }, options, evaluateInstant),
    async range(source, query, startMs, endMs, stepMs, options = {}) {
      if (!(stepMs > 0)) {
        const message = 'zero or negative query resolution step widths are not accepted. Try a positive integer';
        throw new QueryError('bad_data', message);
      }
      if (endMs < startMs) throw new QueryError('bad_data', 'end timestamp must not be before start time');
      return await run(source, query, { startMs, endMs, stepMs }, options, evaluateRange);
    },
    running: queries.list,
    cancel: queries.cancel,
  };
}

/** What timers can hold. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const parseRemembered = remembered(parseExpr);

function parse(query: string): Expr {
  try {
    return parseRemembered(query);
  } catch (error) {
    if (error instanceof ParseError) throw new QueryError('bad_data', error.message, { cause: error });
    throw error;
  }
}

/** Operators in a row of which a plan, which has the text of each part, is told. */
const MAX_EXPLAINED = 500;

function chainLength(expr: Expr): number {
  let length = 0;
  for (let left = expr; left.kind === 'binary'; left = left.left) length++;
  return length;
}

function asQueryError(error: unknown): QueryError {
  if (isQueryError(error)) return error;
  // A chain of thousands of operators is a tree of that depth, and the evaluation follows it down.
  if (error instanceof RangeError && /call stack/.test(error.message)) {
    return new QueryError('bad_data', 'expression is nested too deeply', { cause: error });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new QueryError('internal', text, { cause: error });
}

function gridOf({ startMs, endMs, stepMs }: QueryContext): Grid {
  if (stepMs === 0) return { startMs, stepMs: 1, count: 1, isRange: false };
  return { startMs, stepMs, count: Math.floor((endMs - startMs) / stepMs) + 1, isRange: endMs > startMs };
}

type Outcome = QueryResult extends infer R ? (R extends QueryResult ? Omit<R, keyof Notes> : never) : never;

async function evaluateInstant(evaluator: Evaluator, expr: Expr): Promise<Outcome> {
  const { ctx } = evaluator;
  const grid = gridOf(ctx);
  const timestampMs = ctx.startMs;
  if (isRangeVector(expr)) return { type: 'matrix', value: await rawSamples(evaluator, expr, grid) };
  const value = await evaluator.value(expr, grid);
  if (value.kind === 'string') return { type: 'string', timestampMs, value: value.value };
  if (value.kind === 'scalar') return { type: 'scalar', timestampMs, value: value.values[0]! };
  const samples: VectorSample[] = [];
  for (const { labels, values, present, histograms } of await finishVector(ctx, expr, value)) {
    if (present[0] === ABSENT) continue;
    const histogram = histograms?.[0];
    const base = { labels, value: values[0]! };
    samples.push(histogram === undefined ? base : { ...base, histogram });
  }
  return { type: 'vector', timestampMs, value: samples };
}

function isRangeVector(expr: Expr): boolean {
  if (expr.kind === 'paren') return isRangeVector(expr.expr);
  return expr.kind === 'matrix-selector' || expr.kind === 'subquery';
}

/** A range vector as the result of an instant query: the samples of its only window, which are not copied. */
async function rawSamples(evaluator: Evaluator, expr: Expr, grid: Grid): Promise<MatrixSeries[]> {
  const { ctx } = evaluator;
  const range = await evaluator.range(expr, grid);
  if (range.extension !== undefined) return await extendedRawSamples(ctx, range, range.extension);
  const windowOf = sharedByTimestamps((timestamps) => {
    const { first, last } = windowsOf(timestamps, range.endsMs, range.rangeMs);
    const [from, to] = [first[0]!, last[0]!];
    return { from, to, times: timestamps.subarray(from, to) };
  });
  const matrix: MatrixSeries[] = [];
  for (const { labels, dropName, timestamps, values, histograms } of range.series) {
    const { from, to, times } = windowOf(timestamps);
    if (from === to) continue;
    ctx.hold(to - from);
    ctx.memory.hold(stepSeriesBytes(0));
    const base = {
      labels: dropName ? dropMetadata(labels) : labels,
      timestamps: times,
      values: values.subarray(from, to),
    };
    matrix.push(histograms === undefined ? base : { ...base, histograms: histograms.slice(from, to) });
    if (ctx.due(to - from)) await ctx.pause();
  }
  const sorted = await sortByLabelSets(ctx, matrix);
  const areDropped = range.series.some(({ dropName }) => dropName);
  for (let i = 1; areDropped && i < sorted.length; i++) {
    if (compareLabels(sorted[i - 1]!.labels, sorted[i]!.labels) === 0) fail(DUPLICATE_LABELSET);
    if (ctx.due(1)) await ctx.pause();
  }
  return sorted;
}

/** @throws QueryError for what has no value at each step; told before anything is computed */
function checkRangeType(expr: Expr): void {
  const type = isRangeVector(expr) ? 'range vector' : typeOf(expr);
  if (type !== 'range vector' && type !== 'string') return;
  const message = `invalid expression type "${type}" for range query, must be Scalar or instant Vector`;
  throw new QueryError('bad_data', message);
}

/** The samples of the only window of an anchored or smoothed selector. */
async function extendedRawSamples(ctx: QueryContext, range: RangeValue, extension: Extension): Promise<MatrixSeries[]> {
  const endMs = range.endsMs[0]!;
  const matrix: MatrixSeries[] = [];
  for (const { labels, timestamps, values, histograms } of range.series) {
    const { first, last } = windowsAround(timestamps, range.endsMs, range.rangeMs, ctx.lookbackMs, extension);
    if (histograms?.slice(first[0]!, last[0]!).some((histogram) => histogram !== undefined))
      fail(`${extension} modifier is not supported with histograms`);
    const samples = extendedSamples({ timestamps, values }, endMs, range.rangeMs, ctx.lookbackMs, extension);
    if (samples === undefined) continue;
    ctx.hold(samples.timestamps.length);
    ctx.memory.hold(stepSeriesBytes(samples.timestamps.length));
    matrix.push({ labels, ...samples });
    if (ctx.due(samples.timestamps.length)) await ctx.pause();
  }
  return await sortByLabelSets(ctx, matrix);
}

async function evaluateRange(evaluator: Evaluator, expr: Expr): Promise<Outcome> {
  const { ctx } = evaluator;
  const grid = gridOf(ctx);
  const value = await evaluator.value(expr, grid);
  const times = gridTimes(grid);
  if (value.kind === 'scalar')
    return { type: 'matrix', value: [{ labels: [], timestamps: times, values: value.values }] };
  if (value.kind === 'string') throw new QueryError('internal', 'string result');
  const matrix: MatrixSeries[] = [];
  const timesOf = sharedTimes(times);
  for (const element of await finishVector(ctx, expr, value)) {
    matrix.push(toMatrixSeries(element, timesOf(element.present)));
    if (ctx.due(grid.count)) await ctx.pause();
  }
  const sortsAt = performance.now();
  const sorted = await sortByLabelSets(ctx, matrix);
  ctx.stats.sortMs = performance.now() - sortsAt;
  return { type: 'matrix', value: sorted };
}

function toMatrixSeries({ labels, values, present, histograms }: StepSeries, timestamps: Float64Array): MatrixSeries {
  if (timestamps.length === values.length) {
    return histograms === undefined ? { labels, timestamps, values } : { labels, timestamps, values, histograms };
  }
  const kept = new Float64Array(timestamps.length);
  const keptHistograms: (FloatHistogram | undefined)[] | undefined = histograms && new Array(kept.length);
  let n = 0;
  for (let i = 0; i < present.length; i++) {
    if (present[i] === ABSENT) continue;
    kept[n] = values[i]!;
    if (keptHistograms !== undefined) keptHistograms[n] = histograms![i];
    n++;
  }
  return keptHistograms === undefined
    ? { labels, timestamps, values: kept }
    : { labels, timestamps, values: kept, histograms: keptHistograms };
}
