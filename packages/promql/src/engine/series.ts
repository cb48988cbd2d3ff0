import { quote } from '../go-strings.ts';
import { type Labels, labelsKey } from '../labels.ts';
import type { QueryContext } from './context.ts';
import { DUPLICATE_LABELSET, fail } from './errors.ts';
import { dropMetadata } from './metadata-labels.ts';
import { ABSENT, firstPresentStep, type Grid, type StepSeries } from './value.ts';

/** Labels of a result whose metric name is to go if `drop`: at once, or at the end of the query. */
export function named(
  ctx: QueryContext,
  { labels, dropName }: { readonly labels: Labels; readonly dropName: boolean },
  drop: boolean,
): { labels: Labels; dropName: boolean } {
  if (!drop) return { labels, dropName };
  return ctx.delayedNameRemoval ? { labels, dropName: true } : { labels: dropMetadata(labels), dropName: false };
}

/**
 * Joins series with equal labels, which is possible where they are never present at the same step.
 * @throws QueryError where two are.
 */
export async function mergeSameLabels(
  ctx: QueryContext,
  series: readonly StepSeries[],
): Promise<readonly StepSeries[]> {
  if (series.length < 2) return series;
  const positions = new Map<string, number>();
  const merged: StepSeries[] = [];
  for (const element of series) {
    const key = labelsKey(element.labels);
    const at = positions.get(key);
    if (at === undefined) {
      positions.set(key, merged.length);
      merged.push(element);
    } else merged[at] = mergeTwo(merged[at]!, element);
    if (ctx.dueSeries()) await ctx.pause();
  }
  return merged.length === series.length ? series : merged;
}

/**
 * The same of what an operator gave: at a single time Prometheus looks for equal labels only where names are dropped at
 * once, and at the end of the query. Until then two may pass.
 */
export async function mergeResults(
  ctx: QueryContext,
  series: readonly StepSeries[],
  grid: Grid,
): Promise<readonly StepSeries[]> {
  return grid.isRange || !ctx.delayedNameRemoval ? await mergeSameLabels(ctx, series) : series;
}

/**
 * Joins two series that are never present at the same step. Whether the name is to go is as in the one that comes first.
 * @throws QueryError where both are present
 */
export function mergeTwo(a: StepSeries, b: StepSeries): StepSeries {
  const values = a.values.slice();
  const present = a.present.slice();
  const histograms = a.histograms || b.histograms ? Array.from(values, (_, i) => a.histograms?.[i]) : undefined;
  for (let i = 0; i < values.length; i++) {
    if (b.present[i] === ABSENT) continue;
    if (present[i] !== ABSENT) fail(DUPLICATE_LABELSET);
    values[i] = b.values[i]!;
    present[i] = b.present[i]!;
    if (histograms !== undefined) histograms[i] = b.histograms?.[i];
  }
  const { dropName } = firstPresentStep(b.present) < firstPresentStep(a.present) ? b : a;
  return { labels: a.labels, dropName, values, present, histograms };
}

/** The label set as Prometheus prints it in messages: `{__name__="name", a="b"}`. */
export function formatLabels(labels: Labels): string {
  const parts: string[] = [];
  for (let i = 0; i < labels.length; i += 2) parts.push(`${quoteLabelName(labels[i]!)}=${quote(labels[i + 1]!)}`);
  return `{${parts.join(', ')}}`;
}

function quoteLabelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}
