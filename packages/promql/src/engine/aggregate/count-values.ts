import type { AggregateExpr } from '../../ast.ts';
import { storedBuckets } from '../../histogram/bucket-list.ts';
import type { FloatHistogram } from '../../histogram.ts';
import { METRIC_NAME } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { formatFloat, formatGeneral } from '../format.ts';
import { withLabel } from '../metadata-labels.ts';
import { ABSENT, FLOAT, floatSeries, type StepSeries } from '../value.ts';
import type { Group } from './grouping.ts';
import { createStepCounts } from './step-counts.ts';
import { createTextNumbers } from './text-numbers.ts';

/** What printing a number and looking it up costs, in samples. */
const TEXT_WORK = 100;

/** `count_values` of one group: a series for each text that a value has, with how many members have it. */
export async function countValues(
  ctx: QueryContext,
  node: AggregateExpr,
  group: Group,
  label: string,
  count: number,
): Promise<StepSeries[]> {
  const vanishes = node.without && (label === METRIC_NAME || node.grouping.includes(label));
  const texts = createTextNumbers();
  const counts = createStepCounts(ctx, count);
  for (const member of group.members) {
    for (let step = 0; step < count; step++) {
      if (member.present[step] === ABSENT) continue;
      const text = vanishes
        ? ''
        : member.present[step] === FLOAT
          ? formatFloat(member.values[step]!)
          : formatHistogram(member.histograms![step]!);
      counts.add(texts.numberOf(text), step);
      if (ctx.due(TEXT_WORK)) await ctx.pause();
    }
  }
  const counted: StepSeries[] = [];
  for (const [number, text] of texts.inOrder().entries()) {
    const labels = vanishes ? group.labels : withLabel(group.labels, label, text);
    const { values, present } = counts.columnsOf(number);
    counted.push(floatSeries(labels, false, values, present));
    if (ctx.dueSeries()) await ctx.pause();
  }
  return counted;
}

/** `{count:…, sum:…, buckets}` as Prometheus prints a histogram. */
function formatHistogram(histogram: FloatHistogram): string {
  const parts = [`count:${formatGeneral(histogram.count)}`, `sum:${formatGeneral(histogram.sum)}`];
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of storedBuckets(histogram)) {
    if (count === 0) continue;
    const bounds = `${formatGeneral(lower)},${formatGeneral(upper)}`;
    parts.push(`${lowerInclusive ? '[' : '('}${bounds}${upperInclusive ? ']' : ')'}:${formatGeneral(count)}`);
  }
  return `{${parts.join(', ')}}`;
}
