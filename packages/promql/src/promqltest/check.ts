import type { MatrixSeries, QueryResult, VectorSample } from '../engine/engine.ts';
import { formatLabels } from '../engine/series.ts';
import { compareLabels, labelsKey } from '../labels.ts';
import { type ActualPoint, comparePoints, pointAt } from './compare.ts';
import type { Expectations, ExpectedSeries, TextExpectation, Times } from './script.ts';

/** Everything that is not as expected, one line each. */
export type Problems = string[];

function matches(text: string, { match }: TextExpectation): boolean {
  if (match === undefined) return true;
  return 'message' in match ? text === match.message : match.finds(text);
}

/** Warnings and infos against the expectations of their kind. */
export function checkAnnotations(expected: Expectations, result: QueryResult): Problems {
  const problems: Problems = [];
  for (const [kind, actual, none] of [
    ['warn', result.warnings, expected.noWarn],
    ['info', result.infos, expected.noInfo],
  ] as const) {
    if (none) problems.push(...actual.map((text) => `unexpected ${kind}: ${text}`));
    const wanted = expected.texts.filter((text) => text.kind === kind);
    if (wanted.length === 0) continue;
    for (const text of actual) {
      if (!wanted.some((one) => matches(text, one))) problems.push(`unexpected ${kind}: ${text}`);
    }
    for (const one of wanted) {
      if (actual.some((text) => matches(text, one))) continue;
      problems.push(
        `missing ${kind}: ${one.match === undefined ? 'any' : JSON.stringify(one.match)}; got ${JSON.stringify(actual)}`,
      );
    }
  }
  return problems;
}

/** The message of a failed query against what is expected of it. */
export function checkFailure(expected: Expectations, message: string): Problems {
  const wanted = expected.texts.filter((text) => text.kind === 'fail');
  if (wanted.length === 0) return [`unexpected error: ${message}`];
  const missed = wanted.find((text) => !matches(message, text));
  return missed === undefined ? [] : [`expected error ${JSON.stringify(missed.match)}, got: ${message}`];
}

export function expectsFailure(expected: Expectations): boolean {
  return expected.texts.some((text) => text.kind === 'fail');
}

/** The result of an instant query. */
export function checkInstant(expected: Expectations, result: QueryResult): Problems {
  if (result.type === 'string') {
    const wanted = expected.string ?? '';
    return result.value === wanted ? [] : [`expected string ${JSON.stringify(wanted)}, got ${result.value}`];
  }
  if (result.type === 'matrix') {
    const times = expected.rangeVector;
    if (times === undefined && result.value.length > 0) return ['expected a vector, got a matrix'];
    return checkRange(expected, times ?? { startMs: 0, endMs: -1, stepMs: 0 }, result);
  }
  if (result.type === 'vector') return checkVector(expected, result.value);
  if (expected.scalar === undefined) return [`expected a vector, got scalar ${result.value}`];
  const point = { value: result.value, stale: false, histogram: undefined };
  const problem = comparePoints({ kind: 'float', value: expected.scalar, stale: false }, point);
  return problem === undefined ? [] : [problem];
}

/** What is expected by labels: of series named twice, the last. */
function expectedByLabels({ series }: Expectations): Map<string, ExpectedSeries> {
  return new Map(series.map((one) => [labelsKey(one.labels), one]));
}

/** Exactly the expected series; in their order where `expect ordered`. */
export function checkVector(expected: Expectations, samples: readonly VectorSample[]): Problems {
  if (expected.scalar !== undefined) return ['expected a scalar, got a vector'];
  const problems: Problems = [];
  const byLabels = new Map(samples.map((sample, i) => [labelsKey(sample.labels), { sample, i }]));
  if (byLabels.size !== samples.length) problems.push('duplicate label sets in the result');
  for (const [key, { labels, points, line, position }] of expectedByLabels(expected)) {
    if (points.length === 0) {
      problems.push(`line ${line}: expected a point`);
      continue;
    }
    const found = byLabels.get(key);
    byLabels.delete(key);
    if (found === undefined) {
      problems.push(`missing: ${formatLabels(labels)}`);
      continue;
    }
    if (expected.ordered && found.i + 1 !== position) {
      problems.push(`${formatLabels(labels)} at position ${found.i + 1} instead of ${position}`);
    }
    const { value, histogram } = found.sample;
    // What is left out counts as zero.
    const point = points[0] ?? { kind: 'float', value: 0, stale: false };
    const problem = comparePoints(point, { value, stale: false, histogram });
    if (problem !== undefined) problems.push(`${formatLabels(labels)}: ${problem}`);
  }
  for (const { sample } of byLabels.values()) {
    problems.push(
      `unexpected: ${formatLabels(sample.labels)} ${sample.histogram === undefined ? sample.value : 'histogram'}`,
    );
  }
  return problems;
}

/** The result of a range query, or a range vector. */
export function checkRange(expected: Expectations, times: Times, result: QueryResult): Problems {
  if (result.type !== 'matrix') return [`expected a matrix, got a ${result.type}`];
  if (expected.ordered) return ['expected an ordered result, got a matrix'];
  if (expected.scalar !== undefined) return ['expected a scalar, got a matrix'];
  const problems = checkSorted(result.value);
  const byLabels = new Map(result.value.map((series) => [labelsKey(series.labels), series]));
  for (const [key, { labels, points }] of expectedByLabels(expected)) {
    const series = byLabels.get(key);
    byLabels.delete(key);
    if (series === undefined) {
      problems.push(`missing: ${formatLabels(labels)}`);
      continue;
    }
    const actual = new Map<number, ActualPoint>();
    for (const [i, time] of series.timestamps.entries()) actual.set(time, pointAt(series.values, series.histograms, i));
    for (const [i, point] of points.entries()) {
      const time = times.startMs + i * times.stepMs;
      const got = actual.get(time);
      actual.delete(time);
      const where = `${formatLabels(labels)} @ ${time / 1000}`;
      if (time > times.endMs) problems.push(`${where}: after the end`);
      else if (point === undefined) {
        if (got !== undefined)
          problems.push(`${where}: expected nothing, got ${got.histogram === undefined ? got.value : 'histogram'}`);
      } else if (got === undefined) problems.push(`${where}: missing`);
      else {
        const problem = comparePoints(point, got);
        if (problem !== undefined) problems.push(`${where}: ${problem}`);
      }
    }
    for (const [time, got] of actual)
      problems.push(`${formatLabels(labels)} @ ${time / 1000}: unexpected ${got.value}`);
  }
  for (const { labels, values } of byLabels.values()) {
    problems.push(`unexpected: ${formatLabels(labels)} ${Array.from(values).join(' ')}`);
  }
  return problems;
}

function checkSorted(matrix: readonly MatrixSeries[]): Problems {
  for (let i = 1; i < matrix.length; i++) {
    if (compareLabels(matrix[i - 1]!.labels, matrix[i]!.labels) >= 0) return ['series are not sorted by labels'];
  }
  return [];
}
