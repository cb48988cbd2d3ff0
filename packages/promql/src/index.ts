export type * from './ast.ts';
export { exprToJson, type JsonValue } from './ast-json.ts';
export { formatDuration, parseDuration } from './durations.ts';
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type MatrixSeries,
  type QueryOptions,
  type QueryResult,
  type QueryStats,
  type VectorSample,
} from './engine/engine.ts';
export { isQueryError, QueryError, type QueryErrorKind } from './engine/errors.ts';
export { formatFloat } from './engine/format.ts';
export type { PlanNode } from './engine/profile.ts';
export type { RunningQuery } from './engine/running.ts';
export { isStaleMarker, writeStaleMarker } from './engine/staleness.ts';
export { type FunctionSignature, functions } from './functions.ts';
export { quote } from './go-strings.ts';
export { addHistograms } from './histogram/arithmetic.ts';
export { type Bucket, bucketList } from './histogram/bucket-list.ts';
export { detectReset } from './histogram/counter-reset.ts';
export type { CounterResetHint, FloatHistogram, Span } from './histogram.ts';
export {
  compareLabels,
  compareStrings,
  EMPTY_LABELS,
  type Labels,
  labelsFromEntries,
  labelsKey,
  labelValue,
  METRIC_NAME,
} from './labels.ts';
export { type CompiledMatcher, compileMatcher } from './matcher.ts';
export { formatPosition, ParseError, type ParseErrorDetail } from './parse-error.ts';
export { parseExpr, parseMetricSelector } from './parser.ts';
export { prettyExpr } from './pretty.ts';
export { printExpr, printMatcher } from './printer.ts';
export { createTestEngine, type EvalOutcome, runScript } from './promqltest/run.ts';
export { ScriptError } from './promqltest/script.ts';
export { remembered } from './remembered.ts';
export type { SelectRequest, SeriesColumns, SeriesSource } from './source.ts';
export { typeOf } from './type-check.ts';
