import type { Expr } from '../ast.ts';
import { createEngine, type Engine, type QueryResult, type VectorSample } from '../engine/engine.ts';
import { parseExpr } from '../parser.ts';
import {
  checkAnnotations,
  checkFailure,
  checkInstant,
  checkRange,
  checkVector,
  expectsFailure,
  type Problems,
} from './check.ts';
import { createMemorySource, type MemorySource } from './memory-source.ts';
import { parseScript } from './parse-script.ts';
import { dependsOnTime, pinSelectors } from './rewrite.ts';
import type { EvalCommand, Times } from './script.ts';
import { createStoredTimes } from './stored-times.ts';

/** The outcome of one `eval`. */
export interface EvalOutcome {
  readonly line: number;
  readonly query: string;
  /** Empty where it passed. */
  readonly problems: readonly string[];
}

const MINUTE_MS = 60_000;

/** The engine as Prometheus' test runner configures it. */
export function createTestEngine(): Engine {
  return createEngine({
    maxSamples: 10_000,
    timeoutMs: 100_000,
    lookbackDeltaMs: 5 * MINUTE_MS,
    noStepSubqueryIntervalMs: MINUTE_MS,
    delayedNameRemoval: true,
    useStartTimestamps: true,
  });
}

/**
 * Runs a test file in Prometheus' test language against an engine. A command that cannot be read counts as one that
 * failed.
 */
export async function runScript(text: string, engine: Engine = createTestEngine()): Promise<EvalOutcome[]> {
  const outcomes: EvalOutcome[] = [];
  const source = createMemorySource();
  const stored = createStoredTimes();
  for (const command of parseScript(text)) {
    const { line } = command;
    if (command.kind === 'clear') {
      source.clear();
      stored.clear();
    } else if (command.kind === 'load') {
      const refused = stored.refuse(command);
      if (refused === undefined) source.load(command.series, command.stepMs, command.withCustomBuckets);
      else outcomes.push({ line, query: 'load', problems: [refused] });
    } else if (command.kind === 'unreadable') outcomes.push({ line, query: command.text, problems: [command.message] });
    else outcomes.push({ line, query: command.query, problems: await runEval(engine, source, command) });
  }
  return outcomes;
}

async function runEval(engine: Engine, source: MemorySource, command: EvalCommand): Promise<Problems> {
  let expr: Expr;
  try {
    expr = parseExpr(command.query);
  } catch (error) {
    return [`does not parse: ${error instanceof Error ? error.message : String(error)}`];
  }
  const runner: Runner = { engine, source, command };
  if (command.isRange) return await runRange(runner, expr);
  return await runInstants(runner, expr);
}

interface Runner {
  readonly engine: Engine;
  readonly source: MemorySource;
  readonly command: EvalCommand;
}

/** The result of a query, or what is wrong with its failure. */
async function query({ engine, source, command }: Runner, expr: Expr, times: Times): Promise<QueryResult | Problems> {
  const { expected } = command;
  let result: QueryResult;
  try {
    const { startMs, endMs, stepMs } = times;
    const options = { queryText: command.query };
    result =
      stepMs === 0
        ? await engine.instant(source, expr, startMs, options)
        : await engine.range(source, expr, startMs, endMs, stepMs, options);
  } catch (error) {
    return checkFailure(expected, error instanceof Error ? error.message : String(error));
  }
  if (expectsFailure(expected)) return ['expected an error, got a result'];
  const problems = checkAnnotations(expected, result);
  return problems.length > 0 ? problems : result;
}

async function runRange(runner: Runner, expr: Expr): Promise<Problems> {
  const { times, expected } = runner.command;
  // What Prometheus says then.
  if (times.stepMs === 0) return checkFailure(expected, 'unexpected error: runtime error: integer divide by zero');
  const result = await query(runner, expr, times);
  return Array.isArray(result) ? result : checkRange(expected, times, result as QueryResult);
}

/** The query itself, then again with pinned selectors at other times; each also as the middle step of a range query. */
async function runInstants(runner: Runner, expr: Expr): Promise<Problems> {
  const timeMs = runner.command.times.startMs;
  const first = await runInstant(runner, expr, timeMs);
  if (first.length > 0 || dependsOnTime(expr)) return first;
  const pinned = pinSelectors(expr, timeMs);
  const others = timeMs === 0 ? [-1000, 0, 1000] : [-10 * timeMs, 0, timeMs / 5, timeMs, 10 * timeMs];
  for (const otherMs of others) {
    const problems = await runInstant(runner, pinned, Math.trunc(otherMs));
    if (problems.length > 0)
      return problems.map((problem) => `pinned @ ${timeMs / 1000}, at ${otherMs / 1000}: ${problem}`);
  }
  return [];
}

/** What a range query has other times of its own for. */
const QUERY_TIMES = /(?:start|end|range|step)\(\)/;

async function runInstant(runner: Runner, expr: Expr, timeMs: number): Promise<Problems> {
  const { expected, query: text } = runner.command;
  const result = await query(runner, expr, { startMs: timeMs, endMs: timeMs, stepMs: 0 });
  if (Array.isArray(result)) return result;
  const instant = result as QueryResult;
  const problems = checkInstant(expected, instant);
  if (problems.length > 0) return problems;
  if (expected.rangeVector !== undefined || expected.string !== undefined || QUERY_TIMES.test(text)) return [];
  return (await runMiddleStep(runner, expr, timeMs, instant)).map((problem) => `in range mode: ${problem}`);
}

async function runMiddleStep(
  { engine, source, command }: Runner,
  expr: Expr,
  timeMs: number,
  instant: QueryResult,
): Promise<Problems> {
  const { expected } = command;
  let result: QueryResult;
  try {
    const options = { queryText: command.query };
    result = await engine.range(source, expr, timeMs - MINUTE_MS, timeMs + MINUTE_MS, MINUTE_MS, options);
  } catch (error) {
    return [`unexpected error: ${error instanceof Error ? error.message : String(error)}`];
  }
  if (result.type !== 'matrix') return [`expected a matrix, got a ${result.type}`];
  if (expected.ordered) return [];
  const samples: VectorSample[] = [];
  for (const { labels, timestamps, values, histograms } of result.value) {
    const i = timestamps.indexOf(timeMs);
    if (i < 0) continue;
    const histogram = histograms?.[i];
    const base = { labels, value: values[i]! };
    samples.push(histogram === undefined ? base : { ...base, histogram });
  }
  if (instant.type !== 'scalar') return checkVector(expected, samples);
  const [scalar] = samples;
  if (scalar === undefined) return ['no result'];
  return checkInstant(expected, { ...result, type: 'scalar', timestampMs: timeMs, value: scalar.value });
}
