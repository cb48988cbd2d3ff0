import type { DurationExpr, DurationValue, Matcher, SubqueryExpr, VectorSelector } from '../ast.ts';
import { extent } from '../engine/durations.ts';
import { labelValue } from '../labels.ts';
import { compileMatcher } from '../matcher.ts';
import {
  type Element,
  type Frame,
  fail,
  type Point,
  type RangeVector,
  type ReferenceQuery,
  type ReferenceSeries,
} from './value.testing.ts';

/** Milliseconds of a duration, whatever its sign. */
export function durationMs(query: Frame, value: DurationValue | undefined): number {
  if (value === undefined) return 0;
  if ('ms' in value) return value.ms;
  const seconds = finiteSeconds(query, value.expr);
  if (Math.abs(seconds * 1e9) >= 2 ** 63) failAt(value.expr, 'duration is out of range');
  return Math.trunc(seconds * 1000);
}

export function positiveMs(query: Frame, value: DurationValue): number {
  if ('expr' in value && finiteSeconds(query, value.expr) <= 0) failAt(value.expr, 'duration must be greater than 0');
  return durationMs(query, value);
}

function finiteSeconds(query: Frame, expr: DurationExpr): number {
  const seconds = durationSeconds(query, expr);
  return Number.isFinite(seconds) ? seconds : failAt(expr, 'duration is NaN or infinite');
}

function failAt(expr: DurationExpr, message: string): never {
  const { start, end } = extent(expr);
  return fail(`${start}:${end}: ${message}`, 'bad_data');
}

function durationSeconds(query: Frame, expr: DurationExpr): number {
  switch (expr.kind) {
    case 'duration-literal':
      return expr.seconds;
    case 'duration-paren':
      return durationSeconds(query, expr.inner);
    case 'duration-unary':
      return (expr.op === '-' ? -1 : 1) * durationSeconds(query, expr.operand);
    case 'duration-call': {
      if (expr.func === 'step') return query.stepMs / 1000;
      if (expr.func === 'range') return (query.endMs - query.startMs) / 1000;
      const args = expr.args.map((arg) => durationSeconds(query, arg));
      return expr.func === 'min_of' ? Math.min(...args) : Math.max(...args);
    }
    case 'duration-binary': {
      const left = durationSeconds(query, expr.left);
      const right = durationSeconds(query, expr.right);
      if (expr.op === '+') return left + right;
      if (expr.op === '-') return left - right;
      if (expr.op === '*') return left * right;
      if (expr.op === '^') return left ** right;
      if (right === 0) failAt(expr, expr.op === '/' ? 'division by zero' : 'modulo by zero');
      return expr.op === '/' ? left / right : left % right;
    }
  }
}

/** The time that a selector or subquery looks at when it is evaluated at `timeMs`. */
export function referenceTime(query: ReferenceQuery, node: VectorSelector | SubqueryExpr, timeMs: number): number {
  let time = timeMs;
  if (node.at !== undefined) {
    if ('timestampMs' in node.at) time = node.at.timestampMs;
    else time = node.at.preprocessor === 'start' ? query.startMs : query.endMs;
  }
  return time - durationMs(query, node.offset);
}

export function matchingSeries(query: ReferenceQuery, matchers: readonly Matcher[]): readonly ReferenceSeries[] {
  const tests = matchers.map((matcher) => ({ name: matcher.name, matcher: compileMatcher(matcher) }));
  return query.series.filter(({ labels }) =>
    tests.every(({ name, matcher }) => matcher.matches(labelValue(labels, name))),
  );
}

/** The newest sample within the lookback, unless that is a staleness marker. */
export function latestPoint(
  query: Pick<ReferenceQuery, 'lookbackMs'>,
  { points }: ReferenceSeries,
  timeMs: number,
): Point | undefined {
  const point = points.findLast((one) => one.timeMs <= timeMs);
  if (point === undefined || point.stale || point.timeMs <= timeMs - query.lookbackMs) return undefined;
  return point;
}

/** @param wantTime give the samples' own times, in seconds, instead of their values */
export function instantVector(
  query: ReferenceQuery,
  node: VectorSelector,
  timeMs: number,
  wantTime = false,
): Element[] {
  let time = referenceTime(query, node, timeMs);
  let { lookbackMs } = query;
  if (wantTime && node.at !== undefined) {
    // Here Prometheus looks where `@` points to, whatever the offset, in what it has read because of the offset.
    const offset = durationMs(query, node.offset);
    if (offset < 0) time += offset;
    lookbackMs -= Math.abs(offset);
  }
  const elements: Element[] = [];
  for (const series of matchingSeries(query, node.matchers)) {
    const point =
      node.smoothed && !wantTime ? smoothedPoint(query, series, time) : latestPoint({ lookbackMs }, series, time);
    if (point === undefined) continue;
    elements.push({
      labels: series.labels,
      value: wantTime ? point.timeMs / 1000 : point.value,
      dropName: false,
      order: query.series.indexOf(series),
    });
  }
  return elements;
}

/** Between two samples, each within the lookback, the line between them; else the sample before. */
function smoothedPoint(query: ReferenceQuery, { points }: ReferenceSeries, timeMs: number): Point | undefined {
  const live = points.filter(
    (one) => !one.stale && one.timeMs > timeMs - query.lookbackMs && one.timeMs <= timeMs + query.lookbackMs,
  );
  const before = live.findLast((one) => one.timeMs <= timeMs);
  const after = live.find((one) => one.timeMs > timeMs);
  if (before === undefined) return undefined;
  if (before.timeMs === timeMs || after === undefined) return { timeMs, value: before.value };
  return { timeMs, value: onLine(before, after, timeMs) };
}

/** Value at a time of the line through two points. */
export function onLine(a: Point, b: Point, timeMs: number): number {
  return a.value + ((b.value - a.value) * (timeMs - a.timeMs)) / (b.timeMs - a.timeMs);
}

/** The samples of (time - range, time]. */
export function rangeVector(
  query: ReferenceQuery,
  node: VectorSelector,
  range: DurationValue,
  timeMs: number,
): RangeVector {
  const endMs = referenceTime(query, node, timeMs);
  const startMs = endMs - positiveMs(query, range);
  const from = node.anchored || node.smoothed ? startMs - query.lookbackMs : startMs;
  const to = node.smoothed ? endMs + query.lookbackMs : endMs;
  const ranges = [];
  for (const series of matchingSeries(query, node.matchers)) {
    const { labels, points } = series;
    const inside = points.filter((point) => !point.stale && point.timeMs > from && point.timeMs <= to);
    if (inside.length > 0)
      ranges.push({ labels, points: inside, dropName: false, order: query.series.indexOf(series) });
  }
  return { ranges, startMs, endMs };
}
