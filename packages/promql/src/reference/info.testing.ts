import type { Call, Expr, Matcher } from '../ast.ts';
import { type Labels, labelValue, METRIC_NAME } from '../labels.ts';
import { compileMatcher } from '../matcher.ts';
import { typeOf } from '../type-check.ts';
import { setLabel } from './aggregate.testing.ts';
import {
  DUPLICATE_LABELSET,
  evaluateVector,
  hasDuplicates,
  type StepValue,
  timesOf,
  unwrap,
  vectorOf,
  withFirstNames,
} from './evaluate.testing.ts';
import { latestPoint, matchingSeries, referenceTime } from './select.testing.ts';
import { type Element, type Frame, fail, type ReferenceQuery } from './value.testing.ts';

interface InfoSample {
  readonly labels: Labels;
  readonly timeMs: number;
}

/** `info(v, {…})`: labels of the info series with the same instance and job. */
export function callInfo(query: ReferenceQuery, frame: Frame, node: Call): StepValue[] {
  const vectors = evaluateVector(query, frame, node.args[0]!);
  const matchers = node.args[1] !== undefined ? selectorMatchers(node.args[1]) : [];
  let names = matchers.filter(({ name }) => name === METRIC_NAME);
  const data = matchers.filter(({ name }) => name !== METRIC_NAME);
  if (names.length === 0) names = [{ name: METRIC_NAME, type: '=', value: 'target_info' }];
  else if (!names.some(({ type }) => type === '=' || type === '=~'))
    names = [...names, { name: METRIC_NAME, type: '=~', value: '.+_info' }];
  const isInfo = ({ labels }: Element) =>
    names.every((matcher) => compileMatcher(matcher).matches(labelValue(labels, METRIC_NAME)));
  const asked = vectors.flat().filter((element) => !isInfo(element));
  const infoSeries = matchingSeries(query, [...names, ...data]).filter(({ labels }) => isRead(labels, asked));
  const optional = data.every((matcher) => compileMatcher(matcher).matchesEmpty);
  const times = timesOf(frame).map((time) => argumentTime(query, node.args[0]!, time));
  const results = vectors.map((elements, step) => {
    const samples: InfoSample[] = [];
    for (const series of infoSeries) {
      const point = latestPoint(query, series, times[step]!);
      if (point !== undefined) samples.push({ labels: series.labels, timeMs: point.timeMs });
    }
    if (elements.length > 0) checkNewest(samples);
    const enrichedElements: Element[] = [];
    for (const element of elements) {
      if (isInfo(element)) {
        enrichedElements.push(element);
        continue;
      }
      const mine = newestOfEachName(
        samples.filter(({ labels }) =>
          IDENTIFYING.every((name) => labelValue(labels, name) === labelValue(element.labels, name)),
        ),
      );
      if (mine.length === 0 && !optional) continue;
      enrichedElements.push({ ...element, labels: enriched(element.labels, mine, data) });
    }
    if (hasDuplicates(enrichedElements)) fail(DUPLICATE_LABELSET);
    return vectorOf(enrichedElements);
  });
  return withFirstNames(frame, results);
}

const IDENTIFYING = ['instance', 'job'];

/**
 * Whether an info series is read for some element: it has the same of the identifying labels, and of each a value that
 * one of the elements has which have the same of them.
 */
function isRead(labels: Labels, elements: readonly Element[]): boolean {
  const present = (of: Labels) => IDENTIFYING.filter((name) => labelValue(of, name) !== '').join();
  const alike = elements.filter((element) => present(element.labels) === present(labels));
  if (present(labels) === '' || alike.length === 0) return false;
  return IDENTIFYING.every((name) => alike.some((one) => labelValue(one.labels, name) === labelValue(labels, name)));
}

function selectorMatchers(argument: Expr): readonly Matcher[] {
  const expr = unwrap(argument);
  return expr.kind === 'vector-selector' ? expr.matchers : [];
}

/** Also of those that are read but belong to no element no two may be equally new. */
function checkNewest(samples: readonly InfoSample[]): void {
  const identity = ({ labels }: InfoSample) => JSON.stringify(IDENTIFYING.map((name) => labelValue(labels, name)));
  for (const one of new Set(samples.map(identity))) {
    newestOfEachName(samples.filter((sample) => identity(sample) === one));
  }
}

function newestOfEachName(samples: readonly InfoSample[]): InfoSample[] {
  const newest = new Map<string, InfoSample>();
  for (const sample of samples) {
    const name = labelValue(sample.labels, METRIC_NAME);
    const known = newest.get(name);
    if (known !== undefined && known.timeMs === sample.timeMs) fail('found duplicate series for info metric');
    if (known === undefined || known.timeMs < sample.timeMs) newest.set(name, sample);
  }
  return [...newest.values()];
}

function enriched(base: Labels, samples: readonly InfoSample[], data: readonly Matcher[]): Labels {
  let result = base;
  const added = new Map<string, string>();
  for (const { labels } of samples) {
    for (let i = 0; i < labels.length; i += 2) {
      const [name, value] = [labels[i]!, labels[i + 1]!];
      if (name === METRIC_NAME || (data.length > 0 && !data.some((matcher) => matcher.name === name))) continue;
      if (added.has(name) && added.get(name) !== value) fail(`conflicting label: ${name}`);
      if (labelValue(base, name) !== '') continue;
      added.set(name, value);
      result = setLabel(result, name, value);
    }
  }
  return result;
}

/** The time as of which the argument's vectors are read; that of the evaluation if there is none, or several. */
function argumentTime(query: ReferenceQuery, expr: Expr, timeMs: number): number {
  // Asked at two times: what moves with them is relative, what does not is fixed.
  const [here, later] = [timeMs, timeMs + LATER_MS].map((at) => new Set(readTimes(query, expr, at)));
  if (here!.size !== 1 || later!.size !== 1) return timeMs;
  return [...here!][0] ?? timeMs;
}

const LATER_MS = 1_000_000_007;

function readTimes(query: ReferenceQuery, expr: Expr, timeMs: number): (number | undefined)[] {
  const type = typeOf(expr);
  if (type !== 'vector' && type !== 'matrix') return [];
  switch (expr.kind) {
    case 'vector-selector':
      return [referenceTime(query, expr, timeMs)];
    case 'matrix-selector':
      return [referenceTime(query, expr.selector, timeMs)];
    case 'subquery':
      return readTimes(query, expr.expr, referenceTime(query, expr, timeMs));
    case 'unary':
    case 'paren':
    case 'aggregate':
      return readTimes(query, expr.expr, timeMs);
    case 'binary':
      return [...readTimes(query, expr.left, timeMs), ...readTimes(query, expr.right, timeMs)];
    case 'call': {
      const times = expr.args
        .slice(0, expr.func === 'info' ? 1 : undefined)
        .flatMap((arg) => readTimes(query, arg, timeMs));
      return times.length > 0 ? times : [undefined];
    }
    default:
      return [];
  }
}
