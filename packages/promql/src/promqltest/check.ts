import type { MatrixSeries, QueryResult, VectorSample } from '../engine/engine.ts';
import { formatLabels } from '../engine/series.ts';
import { compareLabels, labelsKey } from '../labels.ts';
import { type ActualPoint, comparePoints, pointAt } from './compare.ts';
import type { Expectations, TextExpectation, Times } from './script.ts';

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

/** The message of a failed query against `expect fail`. */
export function checkFailure(expected: Expectations, message: string): Problems {
  const wanted = expected.texts.find((text) => text.kind === 'fail');
  if (wanted === undefined) return [`unexpected error: ${message}`];
  return matches(message, wanted) ? [] : [`expected error ${JSON.stringify(wanted.match)}, got: ${message}`];
}

export function expectsFailure(expected: Expectations): boolean {
  return expected.texts.some((text) => text.kind === 'fail');
}

/** The result of an instant query. */
export function checkInstant(expected: Expectations, result: QueryResult): Problems {
  if (expected.string !== undefined) {
    const ok = result.type === 'string' && result.value === expected.string;
    return ok ? [] : [`expected string ${JSON.stringify(expected.string)}, got ${result.type} ${String(result.value)}`];
  }
  if (expected.rangeVector !== undefined) return checkRange(expected, expected.rangeVector, result);
  if (expected.scalar !== undefined) {
    if (result.type !== 'scalar') return [`expected a scalar, got a ${result.type}`];
    const point = { value: result.value, stale: false, histogram: undefined };
    const problem = comparePoints({ kind: 'float', value: expected.scalar, stale: false }, point);
    return problem === undefined ? [] : [problem];
  }
  if (result.type === 'scalar' && expected.series.length === 0) return [`expected nothing, got scalar ${result.value}`];
  if (result.type !== 'vector') return [`expected a vector, got a ${result.type}`];
  return checkVector(expected, result.value);
}

/** Exactly the expected series; in their order where `expect ordered`. */
export function checkVector(expected: Expectations, samples: readonly VectorSample[]): Problems {
  const problems: Problems = [];
  const byLabels = new Map(samples.map((sample, i) => [labelsKey(sample.labels), { sample, i }]));
  if (byLabels.size !== samples.length) problems.push('duplicate label sets in the result');
  for (const [position, { labels, points, line }] of expected.series.entries()) {
    const [point] = points;
    if (points.length !== 1 || point === undefined) {
      problems.push(`line ${line}: expected exactly one point`);
      continue;
    }
    const found = byLabels.get(labelsKey(labels));
    byLabels.delete(labelsKey(labels));
    if (found === undefined) {
      problems.push(`missing: ${formatLabels(labels)}`);
      continue;
    }
    if (expected.ordered && found.i !== position) {
      problems.push(`${formatLabels(labels)} at position ${found.i + 1} instead of ${position + 1}`);
    }
    const { value, histogram } = found.sample;
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
  const problems = checkSorted(result.value);
  const byLabels = new Map(result.value.map((series) => [labelsKey(series.labels), series]));
  for (const { labels, points } of expected.series) {
    const series = byLabels.get(labelsKey(labels));
    byLabels.delete(labelsKey(labels));
    if (series === undefined) {
      if (points.some((point) => point !== undefined)) problems.push(`missing: ${formatLabels(labels)}`);
      continue;
    }
    const actual = new Map<number, ActualPoint>();
    for (const [i, time] of series.timestamps.entries()) actual.set(time, pointAt(series.values, series.histograms, i));
    for (const [i, point] of points.entries()) {
      const time = times.startMs + i * times.stepMs;
      const got = actual.get(time);
      actual.delete(time);
      const where = `${formatLabels(labels)} @ ${time / 1000}`;
      if (point === undefined) {
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
