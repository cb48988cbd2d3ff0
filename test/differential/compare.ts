import { compareLabels, labelsKey } from '@opendata/promql';
import type { Answer, AnswerSeries, ShownHistogram } from './answer.ts';

export interface Tolerance {
  /** Largest difference allowed, as a part of the larger magnitude. */
  readonly relative: number;
}

/** How two answers differ, in words, or `undefined` where they do not. The order of series counts where `ordered`. */
export function differenceOf(
  actual: Answer,
  expected: Answer,
  tolerance: Tolerance,
  ordered: boolean,
): string | undefined {
  if ('error' in actual || 'error' in expected) {
    if (!('error' in actual)) return `no error, expected ${'error' in expected ? expected.error : ''}`;
    if (!('error' in expected)) return `error: ${actual.error}; expected ${expected.series.length} series`;
    if (actual.errorKind !== expected.errorKind)
      return `error kind ${actual.errorKind} (${actual.error}), expected ${expected.errorKind} (${expected.error})`;
    if (expected.others?.includes(actual.error)) return undefined;
    return actual.error === expected.error ? undefined : `error\n  ${actual.error}\nexpected\n  ${expected.error}`;
  }
  if (actual.type !== expected.type) return `type ${actual.type}, expected ${expected.type}`;
  return (
    differenceOfSeries(actual.series, expected.series, tolerance, ordered) ??
    differenceOfNotes('warnings', actual.warnings, expected.warnings) ??
    differenceOfNotes('infos', actual.infos, expected.infos)
  );
}

function differenceOfSeries(
  actual: readonly AnswerSeries[],
  expected: readonly AnswerSeries[],
  tolerance: Tolerance,
  ordered: boolean,
): string | undefined {
  const a = ordered ? actual : [...actual].sort((x, y) => compareLabels(x.labels, y.labels));
  const b = ordered ? expected : [...expected].sort((x, y) => compareLabels(x.labels, y.labels));
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined) return `series missing: ${show(right!)} (${a.length} of ${b.length})`;
    if (right === undefined) return `series too many: ${show(left)} (${a.length}, expected ${b.length})`;
    if (labelsKey(left.labels) !== labelsKey(right.labels)) return `series ${show(left)}, expected ${show(right)}`;
    if (left.timestamps.join() !== right.timestamps.join()) {
      const at = left.timestamps.findIndex((time, n) => time !== right.timestamps[n]);
      return `times of ${left.labels.join()} from number ${at}: ${left.timestamps.length} points, expected ${right.timestamps.length}; ${left.timestamps[at]}, expected ${right.timestamps[at]}`;
    }
    const at = left.values.findIndex((value, n) => !sameValue(value, right.values[n]!, tolerance));
    if (at >= 0)
      return `value of ${left.labels.join()} at ${left.timestamps[at]}: ${JSON.stringify(left.values[at])} ${String(left.values[at])}, expected ${JSON.stringify(right.values[at])} ${String(right.values[at])}`;
  }
  return undefined;
}

function show({ labels, values }: AnswerSeries): string {
  return `{${labels.join()}} ${JSON.stringify(values[0])}`;
}

function sameValue(a: number | ShownHistogram, b: number | ShownHistogram, tolerance: Tolerance): boolean {
  if (typeof a === 'object' || typeof b === 'object') {
    if (typeof a !== 'object' || typeof b !== 'object') return false;
    const [left, right] = [floatsOf(a), floatsOf(b)];
    return left.length === right.length && left.every((value, i) => sameFloat(value, right[i]!, tolerance));
  }
  return sameFloat(a, b, tolerance);
}

function floatsOf({ count, sum, buckets }: ShownHistogram): number[] {
  return [count, sum, ...buckets.flat()];
}

function sameFloat(a: number, b: number, { relative }: Tolerance): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  return Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b));
}

/** Prometheus shows ten of each kind and says how many more there are. */
function differenceOfNotes(kind: string, actual: readonly string[], expected: readonly string[]): string | undefined {
  const omitted = /more .* annotations? omitted/;
  const isCut = expected.some((text) => omitted.test(text));
  const missing = expected.filter((text) => !actual.includes(text) && !omitted.test(text));
  const extra = isCut ? [] : actual.filter((text) => !expected.includes(text));
  if (missing.length === 0 && extra.length === 0) return undefined;
  return `${kind} missing ${JSON.stringify(missing)}, too many ${JSON.stringify(extra)}`;
}
