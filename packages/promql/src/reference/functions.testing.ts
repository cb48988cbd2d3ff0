import { RE2JS } from 're2js';
import type { Call, Expr, Matcher } from '../ast.ts';
import { asSelected } from '../engine/functions/absent.ts';
import { compareLabels, compareStrings, type Labels, labelValue, METRIC_NAME } from '../labels.ts';
import { setLabel } from './aggregate.testing.ts';
import {
  type ClassicHistogram,
  classicFraction,
  classicHistograms,
  classicQuantile,
} from './classic-histograms.testing.ts';
import { elementwise, goMax, goMin } from './elementwise.testing.ts';
import {
  checked,
  DUPLICATE_LABELSET,
  evaluateRange,
  evaluateScalar,
  evaluateVector,
  hasDuplicates,
  noteQuantile,
  type StepValue,
  timesOf,
  unwrap,
  vectorOf,
  warn,
  withFirstNames,
} from './evaluate.testing.ts';
import { callInfo } from './info.testing.ts';
import { instantVector } from './select.testing.ts';
import { showFloat, showShort } from './text.testing.ts';
import { type Element, type Frame, fail, type ReferenceQuery } from './value.testing.ts';

function text(expr: Expr): string {
  const inner = unwrap(expr);
  return inner.kind === 'string' ? inner.value : fail('no string');
}

/** Every function that does not take a range vector. */
export function callFunction(query: ReferenceQuery, frame: Frame, node: Call): StepValue[] {
  const { func, args } = node;
  const times = timesOf(frame);
  const vector = (i: number) => evaluateVector(query, frame, args[i]!);
  const scalar = (i: number) => evaluateScalar(query, frame, args[i]!);
  const numbers = (values: readonly number[]): StepValue[] => values.map((value) => ({ kind: 'scalar', value }));
  const map = (compute: (x: number, step: number) => number | undefined): StepValue[] =>
    (args.length === 0 ? times.map((time) => [anonymous(time / 1000)]) : vector(0)).map((elements, step) => {
      const results: Element[] = [];
      for (const element of elements) {
        const value = compute(element.value, step);
        if (value !== undefined) results.push({ ...element, value, dropName: true });
      }
      return checked(frame, results);
    });
  if (func in elementwise) return map(elementwise[func]!);
  switch (func) {
    case 'time':
      return numbers(times.map((time) => time / 1000));
    case 'pi':
      return numbers(times.map(() => Math.PI));
    case 'start':
      return numbers(times.map(() => query.startMs / 1000));
    case 'end':
      return numbers(times.map(() => query.endMs / 1000));
    case 'range':
      return numbers(times.map(() => (query.endMs - query.startMs) / 1000));
    case 'step':
      return numbers(times.map(() => (query.startMs === query.endMs ? 0 : query.stepMs / 1000)));
    case 'max_of': {
      const right = scalar(1);
      return numbers(scalar(0).map((a, i) => goMax(a, right[i]!)));
    }
    case 'min_of': {
      const right = scalar(1);
      return numbers(scalar(0).map((a, i) => goMin(a, right[i]!)));
    }
    case 'scalar':
      return numbers(vector(0).map((elements) => (elements.length === 1 ? elements[0]!.value : Number.NaN)));
    case 'vector':
      return scalar(0).map((value) => vectorOf([anonymous(value)]));
    case 'timestamp':
      return timestamp(query, frame, args[0]!);
    case 'round': {
      const nearest = args.length > 1 ? scalar(1) : times.map(() => 1);
      return map((x, i) => Math.floor(x * (1 / nearest[i]!) + 0.5) / (1 / nearest[i]!));
    }
    case 'clamp': {
      const [low, high] = [scalar(1), scalar(2)];
      return map((x, i) => (high[i]! < low[i]! ? undefined : goMax(low[i]!, goMin(high[i]!, x))));
    }
    case 'clamp_min': {
      const low = scalar(1);
      return map((x, i) => goMax(low[i]!, x));
    }
    case 'clamp_max': {
      const high = scalar(1);
      return map((x, i) => goMin(high[i]!, x));
    }
    case 'absent':
      return vector(0).map((elements) => absent(args[0]!, elements.length === 0));
    case 'absent_over_time':
      return evaluateRange(query, frame, args[0]!).map(({ ranges }) => absent(args[0]!, ranges.length === 0));
    case 'label_replace': {
      const [target, replacement, source, pattern] = args.slice(1).map(text) as [string, string, string, string];
      const replace = replacer(target, replacement, source, pattern);
      return relabelled(frame, vector(0), target, replace);
    }
    case 'label_join': {
      const [target, separator, ...sources] = args.slice(1).map(text) as [string, string, ...string[]];
      if (sources.includes('')) fail('invalid source label name in label_join(): ');
      if (target === '') fail('invalid destination label name in label_join(): ');
      const join = ({ labels }: Element) => sources.map((name) => labelValue(labels, name)).join(separator);
      return relabelled(frame, vector(0), target, join);
    }
    case 'sort':
    case 'sort_desc':
    case 'sort_by_label':
    case 'sort_by_label_desc':
      return sorted(query, frame, node, vector(0));
    case 'info':
      return callInfo(query, frame, node);
    case 'histogram_quantile': {
      const qs = scalar(0);
      const vectors = vector(1);
      for (const q of qs) noteQuantile(query, q, unwrap(args[0]!).position);
      return vectors.map((elements, i) =>
        checked(
          frame,
          classicResults(histogramsOf(query, args[1]!, elements), (h) => classicQuantile(qs[i]!, h.buckets)),
        ),
      );
    }
    case 'histogram_fraction': {
      const [low, high] = [scalar(0), scalar(1)];
      return vector(2).map((elements, i) =>
        checked(
          frame,
          classicResults(histogramsOf(query, args[2]!, elements), (h) => classicFraction(low[i]!, high[i]!, h.buckets)),
        ),
      );
    }
    case 'histogram_quantiles':
      return quantiles(query, frame, node);
    default:
      return fail(`the reference has no ${func}`);
  }
}

function anonymous(value: number): Element {
  return { labels: [], value, dropName: false, order: 0 };
}

function timestamp(query: ReferenceQuery, frame: Frame, argument: Expr): StepValue[] {
  const expr = unwrap(argument);
  const times = timesOf(frame);
  const vectors =
    expr.kind === 'vector-selector'
      ? times.map((time) => instantVector(query, expr, time, true))
      : evaluateVector(query, frame, argument).map((elements, i) =>
          elements.map((element) => ({ ...element, value: times[i]! / 1000 })),
        );
  return vectors.map((elements) =>
    checked(
      frame,
      elements.map((element) => ({ ...element, dropName: true })),
    ),
  );
}

function absent(argument: Expr, isAbsent: boolean): StepValue {
  return vectorOf(isAbsent ? [{ labels: labelsOfSelector(argument), value: 1, dropName: false, order: 0 }] : []);
}

/** What a selector's matchers pin: labels whose last matcher is the only one by equality. */
function labelsOfSelector(argument: Expr): Labels {
  const expr = unwrap(argument);
  let matchers: readonly Matcher[] = [];
  if (expr.kind === 'vector-selector') matchers = expr.matchers;
  if (expr.kind === 'matrix-selector') matchers = expr.selector.matchers;
  const usable = asSelected(matchers).filter(({ name }) => name !== METRIC_NAME);
  let labels: Labels = [];
  for (const [i, { name, type, value }] of usable.entries()) {
    const isAfterEqual = usable.slice(0, i).some((other) => other.name === name && other.type === '=');
    labels = setLabel(labels, name, type === '=' && !isAfterEqual ? value : '');
  }
  return labels;
}

function replacer(target: string, replacement: string, source: string, pattern: string) {
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(`^(?s:${pattern})$`);
  } catch {
    fail(`invalid regular expression in label_replace(): ${pattern}`);
  }
  if (target === '') fail('invalid destination label name in label_replace(): ');
  return ({ labels }: Element): string | undefined => {
    const matcher = regex.matcher(labelValue(labels, source));
    if (!matcher.matches()) return undefined;
    return replacement.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      const name = braced ?? bare;
      if (name === undefined) return whole === '$$' ? '$' : whole;
      if (/^\d+$/.test(name)) return Number(name) <= matcher.groupCount() ? (matcher.group(Number(name)) ?? '') : '';
      return name in regex.namedGroups() ? (matcher.group(name) ?? '') : '';
    });
  };
}

function relabelled(
  frame: Frame,
  vectors: readonly (readonly Element[])[],
  target: string,
  relabel: (element: Element) => string | undefined,
): StepValue[] {
  const results = vectors.map((elements) => {
    const changed = elements.map((element) => {
      const value = relabel(element);
      if (value === undefined) return element;
      const dropName = target === METRIC_NAME ? false : element.dropName;
      return { ...element, labels: setLabel(element.labels, target, value), dropName };
    });
    if (hasDuplicates(changed)) fail(DUPLICATE_LABELSET);
    return vectorOf(changed);
  });
  return withFirstNames(frame, results);
}

function sorted(
  query: ReferenceQuery,
  frame: Frame,
  node: Call,
  vectors: readonly (readonly Element[])[],
): StepValue[] {
  if (frame.startMs !== frame.endMs) {
    const message = 'sort is ineffective for range queries since results are always ordered by labels';
    warn(query, message, node.position);
    return vectors.map((elements) => checked(frame, elements));
  }
  const sign = node.func.endsWith('_desc') ? -1 : 1;
  return vectors.map((elements) => {
    const isShort = elements.length <= 12 && node.func.startsWith('sort_by_label');
    const compare = node.func.startsWith('sort_by_label')
      ? (a: Element, b: Element) => {
          for (const name of node.args.slice(1).map(text)) {
            const [x, y] = [labelValue(a.labels, name), labelValue(b.labels, name)];
            const order = naturalOrder(x, y, isShort);
            if (order !== 0) return sign * order;
          }
          return sign * compareLabels(a.labels, b.labels);
        }
      : (a: Element, b: Element) => {
          if (Number.isNaN(a.value) || Number.isNaN(b.value))
            return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
          return a.value === b.value ? 0 : sign * (a.value - b.value);
        };
    return checked(frame, isShort ? byInsertion(elements, compare) : [...elements].sort(compare));
  });
}

function byInsertion(elements: readonly Element[], compare: (a: Element, b: Element) => number): Element[] {
  const ordered: Element[] = [];
  for (const element of elements) {
    let at = ordered.length;
    while (at > 0 && compare(element, ordered[at - 1]!) < 0) at--;
    ordered.splice(at, 0, element);
  }
  return ordered;
}

/** Runs of digits as numbers, the rest as text. */
function naturalOrder(a: string, b: string, isShort: boolean): number {
  // Prometheus finds neither before the other; of more than it sorts by insertion we have the empty ones first.
  if (isShort && a !== b && (a === '' || b === '')) return 1;
  const [xs, ys] = [a.match(/\d+|\D+/g) ?? [], b.match(/\d+|\D+/g) ?? []];
  for (let i = 0; i < Math.min(xs.length, ys.length); i++) {
    const [x, y] = [xs[i]!, ys[i]!];
    const order = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : compareStrings(x, y);
    if (order !== 0) return order;
  }
  return xs.length - ys.length;
}

function histogramsOf(query: ReferenceQuery, argument: Expr, elements: readonly Element[]): ClassicHistogram[] {
  return classicHistograms(elements, ({ labels }) => {
    const name = labelValue(labels, METRIC_NAME);
    const metric = name === '' ? '' : ` for metric name ${JSON.stringify(name)}`;
    const bound = JSON.stringify(labelValue(labels, 'le'));
    warn(
      query,
      `bucket label "le" is missing or has a malformed value of ${bound}${metric}`,
      unwrap(argument).position,
    );
  });
}

function classicResults(histograms: readonly ClassicHistogram[], compute: (h: ClassicHistogram) => number): Element[] {
  return histograms.map((one, order) => ({ labels: one.labels, value: compute(one), dropName: true, order }));
}

function quantiles(query: ReferenceQuery, frame: Frame, node: Call): StepValue[] {
  const { args } = node;
  const vectors = evaluateVector(query, frame, args[0]!);
  const label = text(args[1]!);
  const columns = args.slice(2).map((arg) => evaluateScalar(query, frame, arg));
  return vectors.map((elements, step) => {
    const histograms = histogramsOf(query, args[0]!, elements);
    const results: Element[] = [];
    for (const [i, column] of columns.entries()) {
      const q = column[step]!;
      noteQuantile(query, q, unwrap(args[i + 2]!).position);
      for (const element of classicResults(histograms, (h) => classicQuantile(q, h.buckets)))
        results.push({ ...element, labels: setLabel(element.labels, label, openMetrics(q)) });
    }
    return checked(frame, results);
  });
}

/** A float as a label of OpenMetrics: always with a point or an exponent. */
function openMetrics(value: number): string {
  const shown = Number.isFinite(value) ? showShort(value) : showFloat(value);
  return Number.isFinite(value) && !/[.e]/.test(shown) ? `${shown}.0` : shown;
}
