import type { Expr } from '../ast.ts';
import { compareLabels, type Labels, labelsKey } from '../labels.ts';
import { ParseError } from '../parse-error.ts';
import { parseExpr } from '../parser.ts';
import { typeOf } from '../type-check.ts';
import { withoutName } from './aggregate.testing.ts';
import {
  DUPLICATE_LABELSET,
  evaluate,
  evaluateRange,
  extensionOf,
  hasDuplicates,
  timesOf,
} from './evaluate.testing.ts';
import { onLine } from './select.testing.ts';
import {
  type Element,
  type Frame,
  fail,
  type Point,
  type Range,
  type RangeVector,
  ReferenceFailure,
  type ReferenceQuery,
  type ReferenceSeries,
} from './value.testing.ts';

/** Points of one series, as the reference answers. */
export interface ReferenceResultSeries {
  readonly labels: Labels;
  readonly timestamps: readonly number[];
  readonly values: readonly number[];
}

export type ReferenceAnswer =
  | { readonly errorKind: 'execution' | 'bad_data'; readonly error: string; readonly others?: readonly string[] }
  | {
      readonly type: string;
      readonly series: readonly ReferenceResultSeries[];
      readonly warnings: readonly string[];
      readonly infos: readonly string[];
    };

/**
 * Evaluates a query over series in memory: one step at a time, one sample at a time, by the book. A frame whose step is
 * zero makes an instant query.
 */
export function runReference(series: readonly ReferenceSeries[], text: string, frame: Frame): ReferenceAnswer {
  const query: ReferenceQuery = {
    ...frame,
    text,
    series,
    lookbackMs: 300_000,
    noStepSubqueryIntervalMs: 60_000,
    warnings: new Map(),
    infos: new Map(),
  };
  try {
    const expr = parseExpr(text);
    const result = frame.stepMs === 0 ? instant(query, expr) : range(query, expr);
    return { ...result, warnings: notes(query.warnings), infos: notes(query.infos) };
  } catch (error) {
    if (error instanceof ReferenceFailure) return { errorKind: error.kind, error: error.message, others: error.others };
    if (error instanceof ParseError) return { errorKind: 'bad_data', error: error.message };
    throw error;
  }
}

function notes(byText: ReadonlyMap<string, string>): string[] {
  return [...byText].map(([text, position]) => `${text} (${position})`);
}

interface Result {
  readonly type: string;
  readonly series: readonly ReferenceResultSeries[];
}

function instant(query: ReferenceQuery, expr: Expr): Result {
  if (typeOf(expr) === 'matrix') {
    const [window] = evaluateRange(query, query, expr);
    const extension = extensionOf(expr);
    const ranges =
      extension === undefined
        ? window!.ranges
        : window!.ranges.flatMap((range) => withEdges(window!, range, extension === 'smoothed'));
    const series = ranges.map(({ labels, points, dropName }) => ({
      labels: dropName ? withoutName(labels) : labels,
      timestamps: points.map(({ timeMs }) => timeMs),
      values: points.map(({ value }) => value),
    }));
    return { type: 'matrix', series };
  }
  const [value] = evaluate(query, query, expr);
  const timestamps = [query.startMs];
  if (value!.kind !== 'vector')
    return { type: value!.kind, series: [{ labels: [], timestamps, values: [Number(value!.value)] }] };
  const elements = finished(value!.elements);
  if (hasDuplicates(elements)) fail(DUPLICATE_LABELSET);
  return { type: 'vector', series: elements.map((e) => ({ labels: e.labels, timestamps, values: [e.value] })) };
}

/** The samples inside of a window and one at each of its ends: the one before, or what lies on the line to the next. */
function withEdges({ startMs, endMs }: RangeVector, range: Range, onLines: boolean): Range[] {
  const { points } = range;
  if (!points.some(({ timeMs }) => timeMs > startMs)) return [];
  const edge = (timeMs: number): Point => {
    const before = points.findLast((point) => point.timeMs <= timeMs);
    const after = points.find((point) => point.timeMs > timeMs);
    if (before === undefined) return { timeMs, value: after!.value };
    if (!onLines || after === undefined || before.timeMs === timeMs) return { timeMs, value: before.value };
    return { timeMs, value: onLine(before, after, timeMs) };
  };
  const inside = points.filter(({ timeMs }) => timeMs > startMs && timeMs < endMs);
  return [{ ...range, points: [edge(startMs), ...inside, edge(endMs)] }];
}

function range(query: ReferenceQuery, expr: Expr): Result {
  const byLabels = new Map<string, { labels: Labels; timestamps: number[]; values: number[] }>();
  const times = timesOf(query);
  for (const [i, value] of evaluate(query, query, expr).entries()) {
    if (value.kind === 'string') fail('a string');
    const elements = value.kind === 'scalar' ? [{ labels: [], value: value.value }] : finished(value.elements);
    for (const { labels, value: number } of elements) {
      const key = labelsKey(labels);
      let series = byLabels.get(key);
      if (series === undefined) byLabels.set(key, (series = { labels, timestamps: [], values: [] }));
      if (series.timestamps.at(-1) === times[i]) fail(DUPLICATE_LABELSET);
      series.timestamps.push(times[i]!);
      series.values.push(number);
    }
  }
  return { type: 'matrix', series: [...byLabels.values()].sort((a, b) => compareLabels(a.labels, b.labels)) };
}

function finished(elements: readonly Element[]): Element[] {
  return elements.map((element) => (element.dropName ? { ...element, labels: withoutName(element.labels) } : element));
}
