import { compareLabels, compareStrings, labelValue } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { sortInTurns } from '../finish.ts';
import { ABSENT, FLOAT, type StepSeries, type VectorValue } from '../value.ts';

/** `sort` (sign 1) and `sort_desc` (sign -1) of an instant vector: floats only, NaN last. */
export async function sortByValue(ctx: QueryContext, vector: VectorValue, sign: 1 | -1): Promise<VectorValue> {
  const floats = vector.series.filter((element) => element.present[0] === FLOAT);
  const series = await sortInTurns(ctx, floats, (a, b) => {
    const x = a.values[0]!;
    const y = b.values[0]!;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return x < y ? -sign : x > y ? sign : 0;
  });
  return { kind: 'vector', series };
}

/** The vector without its histograms. */
export function floatsOnly(vector: VectorValue): VectorValue {
  const series = vector.series.flatMap((element): StepSeries[] => {
    if (element.histograms === undefined) return [element];
    const present = element.present.map((state) => (state === FLOAT ? FLOAT : ABSENT));
    return present.includes(FLOAT) ? [{ ...element, present, histograms: undefined }] : [];
  });
  return { kind: 'vector', series };
}

/** `sort_by_label` (sign 1) and `sort_by_label_desc` (sign -1) of an instant vector. */
export async function sortByLabels(
  ctx: QueryContext,
  vector: VectorValue,
  names: readonly string[],
  sign: 1 | -1,
): Promise<VectorValue> {
  const { series } = vector;
  const isShort = series.length <= INSERTION_LENGTH;
  const compare = (a: StepSeries, b: StepSeries): number => {
    for (const name of names) {
      const x = labelValue(a.labels, name);
      const y = labelValue(b.labels, name);
      // Of many, neither before the other would leave those with the label out of order, in Prometheus as here.
      if (!isShort && x !== y && (x === '' || y === '')) return x === '' ? -sign : sign;
      if (x !== y) return naturallyBefore(x, y) ? -sign : sign;
    }
    return sign * compareLabels(a.labels, b.labels);
  };
  if (isShort) return { kind: 'vector', series: insertionSorted(series, compare) };
  return { kind: 'vector', series: await sortInTurns(ctx, series, compare) };
}

/** So many Prometheus sorts by insertion, which shows where neither of two labels is before the other. */
const INSERTION_LENGTH = 12;

function insertionSorted<T>(elements: readonly T[], compare: (a: T, b: T) => number): T[] {
  const sorted = [...elements];
  for (let i = 1; i < sorted.length; i++) {
    for (let j = i; j > 0 && compare(sorted[j]!, sorted[j - 1]!) < 0; j--) {
      [sorted[j], sorted[j - 1]] = [sorted[j - 1]!, sorted[j]!];
    }
  }
  return sorted;
}

/** Natural order: runs of digits compare as numbers, everything else as text. An empty label is before none, and none before it. */
function naturallyBefore(a: string, b: string): boolean {
  const chunksA = a.match(/\d+|\D+/g) ?? [];
  const chunksB = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < chunksA.length; i++) {
    const x = chunksA[i]!;
    const y = chunksB[i];
    if (y === undefined) return false;
    const numeric = /^\d/.test(x) && /^\d/.test(y);
    if (numeric ? Number(x) === Number(y) : x === y) {
      if (i === chunksA.length - 1) return true;
      if (i === chunksB.length - 1) return false;
      continue;
    }
    return numeric ? Number(x) < Number(y) : compareStrings(x, y) < 0;
  }
  return false;
}
