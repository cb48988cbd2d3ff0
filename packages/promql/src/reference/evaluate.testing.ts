import type { AggregateExpr, BinaryExpr, Call, Expr, PositionRange, SubqueryExpr } from '../ast.ts';
import { readsAtFixedTime } from '../engine/read-time.ts';
import { labelsKey } from '../labels.ts';
import { formatPosition } from '../parse-error.ts';
import { typeOf } from '../type-check.ts';
import { aggregate, metricName } from './aggregate.testing.ts';
import { scalarBinary, setOperation, vectorScalar, vectorVector } from './binary.testing.ts';
import { goMax, goMin } from './elementwise.testing.ts';
import { callFunction } from './functions.testing.ts';
import { anchored, rangeFunctions, smoothed, type Window } from './range-functions.testing.ts';
import { durationMs, instantVector, positiveMs, rangeVector, referenceTime } from './select.testing.ts';
import { showShort } from './text.testing.ts';
import {
  type Element,
  type Frame,
  fail,
  type Point,
  type Range,
  type RangeVector,
  type ReferenceQuery,
} from './value.testing.ts';

/** What an expression is at one time. */
export type StepValue =
  | { readonly kind: 'vector'; readonly elements: readonly Element[] }
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string };

export const DUPLICATE_LABELSET = 'vector cannot contain metrics with the same labelset';

export function warn(query: ReferenceQuery, message: string, position: PositionRange): void {
  query.warnings.set(`PromQL warning: ${message}`, formatPosition(query.text, position.start));
}

export function info(query: ReferenceQuery, message: string, position: PositionRange): void {
  query.infos.set(`PromQL info: ${message}`, formatPosition(query.text, position.start));
}

export function timesOf({ startMs, endMs, stepMs }: Frame): number[] {
  const times: number[] = [];
  for (let time = startMs; time <= endMs; time += Math.max(stepMs, 1)) times.push(time);
  return times;
}

/** Evaluates at every time of the frame, operands before operators. */
export function evaluate(query: ReferenceQuery, frame: Frame, expr: Expr): StepValue[] {
  if (frame.startMs !== frame.endMs && isStepInvariant(expr)) {
    const [value] = evaluate(query, { ...frame, endMs: frame.startMs }, expr);
    return timesOf(frame).map(() => value!);
  }
  const times = timesOf(frame);
  switch (expr.kind) {
    case 'number':
      return times.map(() => ({ kind: 'scalar', value: expr.value }));
    case 'string':
      return times.map(() => ({ kind: 'string', value: expr.value }));
    case 'paren':
      return evaluate(query, frame, expr.expr);
    case 'vector-selector':
      return times.map((time) => vectorOf(instantVector(query, expr, time)));
    case 'unary':
      return evaluate(query, frame, expr.expr).map((value) => negated(value, expr.op));
    case 'aggregate':
      return evaluateAggregate(query, frame, expr);
    case 'binary':
      return evaluateBinary(query, frame, expr);
    case 'call':
      return expr.func in rangeFunctions ? callRangeFunction(query, frame, expr) : callFunction(query, frame, expr);
    default:
      return fail(`${expr.kind} is no value`);
  }
}

export function vectorOf(elements: readonly Element[]): StepValue {
  return { kind: 'vector', elements };
}

export function evaluateVector(query: ReferenceQuery, frame: Frame, expr: Expr): (readonly Element[])[] {
  return evaluate(query, frame, expr).map((value) => (value.kind === 'vector' ? value.elements : fail('no vector')));
}

export function evaluateScalar(query: ReferenceQuery, frame: Frame, expr: Expr): number[] {
  return evaluate(query, frame, expr).map((value) => (value.kind === 'scalar' ? value.value : fail('no scalar')));
}

/** Over several steps, series are told apart by labels: the same ones twice at a time are an error. */
export function checked(frame: Frame, elements: readonly Element[]): StepValue {
  if (frame.startMs !== frame.endMs && hasDuplicates(elements)) fail(DUPLICATE_LABELSET);
  return vectorOf(elements);
}

/** A series that is put together over several steps keeps its name or not as it did at the first. */
export function withFirstNames(frame: Frame, values: readonly StepValue[]): StepValue[] {
  if (frame.startMs === frame.endMs) return [...values];
  const fates = new Map<string, boolean>();
  return values.map((value) => {
    if (value.kind !== 'vector') return value;
    return vectorOf(
      value.elements.map((element) => {
        const key = labelsKey(element.labels);
        const dropName = fates.get(key) ?? element.dropName;
        fates.set(key, dropName);
        return { ...element, dropName };
      }),
    );
  });
}

export function hasDuplicates(elements: readonly Element[]): boolean {
  return new Set(elements.map(({ labels }) => labelsKey(labels))).size < elements.length;
}

const TIME_DEPENDENT = new Set(
  (
    'days_in_month day_of_month day_of_week day_of_year hour minute month year predict_linear time timestamp ' +
    'start end step range start_timestamp'
  ).split(' '),
);

/** Whether an expression has the same value at every step because all that it reads is pinned by `@`. */
function isStepInvariant(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return true;
    case 'vector-selector':
    case 'subquery':
      return expr.at !== undefined;
    case 'matrix-selector':
      return expr.selector.at !== undefined;
    case 'unary':
    case 'paren':
      return isStepInvariant(expr.expr);
    case 'aggregate':
      // As in Prometheus, whatever its parameter: that is taken as of the first step then.
      return isStepInvariant(expr.expr);
    case 'binary':
      return isStepInvariant(expr.left) && isStepInvariant(expr.right);
    case 'call':
      if (expr.func === 'info') return isStepInvariant(expr.args[0]!) && readsAtFixedTime(expr.args[0]!);
      return !TIME_DEPENDENT.has(expr.func) && expr.args.every(isStepInvariant);
  }
}

function negated(value: StepValue, op: '+' | '-'): StepValue {
  if (op === '+' || value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', value: -value.value };
  return vectorOf(value.elements.map((element) => ({ ...element, value: -element.value, dropName: true })));
}

function evaluateAggregate(query: ReferenceQuery, frame: Frame, node: AggregateExpr): StepValue[] {
  const { param } = node;
  const parameters = param === undefined ? [] : evaluate(query, frame, param);
  const vectors = evaluateVector(query, frame, node.expr);
  noteParameter(
    query,
    node,
    parameters.map((one) => (one.kind === 'scalar' ? one.value : 0)),
  );
  const isNumber = /^(?:topk|bottomk|limitk)$/.test(node.op);
  if (isNumber && parameters.some((one) => Number.isNaN(one.kind === 'scalar' ? one.value : 0)))
    fail('Parameter value is NaN');
  const results = vectors.map((elements, i) => {
    const parameter = parameters[i];
    const value = parameter === undefined || parameter.kind === 'vector' ? 0 : parameter.value;
    return aggregate(node, elements, value);
  });
  return (SELECTS.has(node.op) ? results : inOrder(results)).map(vectorOf);
}

/** Aggregations that give series of their argument. */
const SELECTS = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio']);

/**
 * A group comes where the first series comes that is in it at any time, and keeps its name or not as it does at its last
 * step.
 */
function inOrder(vectors: readonly (readonly Element[])[]): Element[][] {
  const orders = new Map<string, number>();
  const fates = new Map<string, boolean>();
  for (const { labels, order, dropName } of vectors.flat()) {
    const key = labelsKey(labels);
    orders.set(key, Math.min(order, orders.get(key) ?? Infinity));
    fates.set(key, dropName);
  }
  return vectors.map((elements) =>
    elements
      .map((element) => {
        const key = labelsKey(element.labels);
        return { ...element, order: orders.get(key)!, dropName: fates.get(key)! };
      })
      .sort((a, b) => a.order - b.order),
  );
}

/** Of a parameter over the steps, NaN is noted, the smallest value and the largest: those are NaN too then, or infinite. */
function noteParameter(query: ReferenceQuery, node: AggregateExpr, values: readonly number[]): void {
  if (node.op !== 'quantile' && node.op !== 'limit_ratio') return;
  const { position } = unwrap(node.param!);
  const extremes = [values.reduce(goMin, node.op === 'quantile' ? 0 : -1), values.reduce(goMax, 1)];
  if (values.some(Number.isNaN)) extremes.push(Number.NaN);
  for (const value of extremes) {
    if (node.op === 'quantile') noteQuantile(query, value, position);
    else if (value > 1 || value < -1) {
      const text = `ratio value should be between -1 and 1, got ${showShort(value)}, capping to ${value > 1 ? 1 : -1}`;
      warn(query, text, position);
    }
  }
}

export function noteQuantile(query: ReferenceQuery, value: number, position: PositionRange): void {
  if (value >= 0 && value <= 1) return;
  warn(query, `quantile value should be between 0 and 1, got ${showShort(value)}`, position);
}

function noteStrategy(query: ReferenceQuery, value: number, position: PositionRange): void {
  if ([0, 1, 2].includes(value)) return;
  warn(query, `strategy should be 0, 1, or 2 (default), using 2, got ${showShort(value)}`, position);
}

function evaluateBinary(query: ReferenceQuery, frame: Frame, node: BinaryExpr): StepValue[] {
  const lefts = evaluate(query, frame, node.left);
  const rights = evaluate(query, frame, node.right);
  const results = lefts.map((left, i): StepValue => {
    const right = rights[i]!;
    if (left.kind === 'scalar' && right.kind === 'scalar')
      return { kind: 'scalar', value: scalarBinary(node.op, left.value, right.value) };
    if (left.kind === 'vector' && right.kind === 'scalar')
      return checked(frame, vectorScalar(node, left.elements, right.value, true));
    if (left.kind === 'scalar' && right.kind === 'vector')
      return checked(frame, vectorScalar(node, right.elements, left.value, false));
    if (left.kind !== 'vector' || right.kind !== 'vector') return fail('operands');
    const isSet = node.op === 'and' || node.op === 'or' || node.op === 'unless';
    return checked(frame, (isSet ? setOperation : vectorVector)(node, left.elements, right.elements));
  });
  return withFirstNames(frame, results);
}

export function unwrap(expr: Expr): Expr {
  return expr.kind === 'paren' ? unwrap(expr.expr) : expr;
}

/** The windows of a range vector at every time of the frame. */
export function evaluateRange(query: ReferenceQuery, frame: Frame, argument: Expr): RangeVector[] {
  const expr = unwrap(argument);
  if (expr.kind === 'matrix-selector')
    return timesOf(frame).map((time) => rangeVector(query, expr.selector, expr.range, time));
  if (expr.kind === 'subquery') return evaluateSubquery(query, frame, expr);
  return fail('no range vector');
}

/** Evaluates at every multiple of the step that any of the windows reaches, then cuts the windows out. */
function evaluateSubquery(query: ReferenceQuery, frame: Frame, node: SubqueryExpr): RangeVector[] {
  const rangeMs = positiveMs(query, node.range);
  const stepMs = node.step === undefined ? query.noStepSubqueryIntervalMs : positiveMs(query, node.step);
  durationMs(query, node.offset);
  const ends = timesOf(frame).map((time) => referenceTime(query, node, time));
  const earliest = ends[0]! - rangeMs;
  let startMs = stepMs * Math.trunc(earliest / stepMs);
  if (startMs <= earliest) startMs += stepMs;
  const inner = { startMs, endMs: ends.at(-1)!, stepMs };
  const times = timesOf(inner);
  const vectors = times.length === 0 ? [] : evaluateVector(query, inner, node.expr);
  const series = new Map<string, { labels: Range['labels']; points: Point[]; dropName: boolean; order: number }>();
  for (const [i, elements] of vectors.entries()) {
    for (const { labels, value, dropName, order } of elements) {
      const key = labelsKey(labels);
      let one = series.get(key);
      if (one === undefined) series.set(key, (one = { labels, points: [], dropName, order }));
      one.points.push({ timeMs: times[i]!, value });
      one.order = Math.min(one.order, order);
    }
  }
  const all = [...series.values()].sort((a, b) => a.order - b.order);
  return ends.map((endMs) => {
    const ranges: Range[] = [];
    for (const one of all) {
      const points = one.points.filter(({ timeMs }) => timeMs > endMs - rangeMs && timeMs <= endMs);
      if (points.length > 0) ranges.push({ ...one, points });
    }
    return { ranges, startMs: endMs - rangeMs, endMs };
  });
}

const KEEPS_NAME = new Set(['last_over_time', 'first_over_time']);

function callRangeFunction(query: ReferenceQuery, frame: Frame, node: Call): StepValue[] {
  const rangeAt = node.args.findIndex((arg) => typeOf(arg) === 'matrix');
  const argument = node.args[rangeAt]!;
  const extension = extensionOf(argument);
  if (extension !== undefined) checkExtension(node.func, extension);
  const parameters = node.args.filter((_, i) => i !== rangeAt).map((arg) => evaluateScalar(query, frame, arg));
  const times = timesOf(frame);
  const windows = evaluateRange(query, frame, argument);
  if (node.func === 'quantile_over_time') {
    for (const [i, q] of parameters[0]!.entries())
      if (windows[i]!.ranges.length > 0) noteQuantile(query, q, unwrap(node.args[0]!).position);
  }
  if (node.func === 'integral') {
    for (const [i, strategy] of parameters[0]?.entries() ?? [])
      if (windows[i]!.ranges.length > 0) noteStrategy(query, strategy, unwrap(node.args[1]!).position);
  }
  return windows.map(({ ranges, startMs, endMs }, i) => {
    const elements: Element[] = [];
    for (const { labels, points, dropName, order } of ranges) {
      const window: Window = { points, startMs, endMs, evalMs: times[i]!, parameters: parameters.map((p) => p[i]!) };
      const extended = extension === 'anchored' ? anchored : smoothed;
      const value = extension === undefined ? rangeFunctions[node.func]!(window) : extended(node.func, window);
      if (value === undefined) continue;
      noteNonCounter(query, node, argument, metricName(labels));
      elements.push({ labels, value, dropName: KEEPS_NAME.has(node.func) ? dropName : true, order });
    }
    return vectorOf(elements);
  });
}

function noteNonCounter(query: ReferenceQuery, node: Call, argument: Expr, name: string): void {
  if (node.func !== 'rate' && node.func !== 'increase') return;
  if (name === '' || /_(total|sum|count|bucket)$/.test(name)) return;
  const message = `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`;
  const range = unwrap(argument);
  info(query, message, range.kind === 'matrix-selector' ? range.position : { start: 0, end: 0 });
}

export function extensionOf(argument: Expr): 'anchored' | 'smoothed' | undefined {
  const expr = unwrap(argument);
  if (expr.kind !== 'matrix-selector') return undefined;
  return expr.selector.anchored ? 'anchored' : expr.selector.smoothed ? 'smoothed' : undefined;
}

function checkExtension(func: string, extension: 'anchored' | 'smoothed'): void {
  const allowed = ['delta', 'increase', 'rate'];
  if (extension === 'anchored') allowed.push('changes', 'resets');
  allowed.sort();
  if (!allowed.includes(func))
    fail(`${extension} modifier can only be used with: ${allowed.join(', ')} - not with ${func}`);
}
