import { RE2JS } from 're2js';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import { isValidLabelName } from '../aggregate/evaluate.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import { withLabel } from '../metadata-labels.ts';
import { mergeSameLabels } from '../series.ts';
import type { StepSeries, VectorValue } from '../value.ts';

/** What matching an expression with a label costs, in samples. */
const RELABEL_WORK = 2000;

async function relabelled(
  ctx: QueryContext,
  vector: VectorValue,
  destination: string,
  relabel: (element: StepSeries) => string | undefined,
): Promise<VectorValue> {
  const series: StepSeries[] = [];
  for (const element of vector.series) {
    if (ctx.due(RELABEL_WORK)) await ctx.pause();
    const value = relabel(element);
    if (value === undefined) {
      series.push(element);
      continue;
    }
    const dropName = destination === METRIC_NAME ? false : element.dropName;
    series.push({ ...element, labels: withLabel(element.labels, destination, value), dropName });
  }
  return { kind: 'vector', series: await mergeSameLabels(ctx, series) };
}

type Relabel = (ctx: QueryContext, vector: VectorValue) => Promise<VectorValue>;

/** `label_replace`, to be called with the vector. @throws QueryError for an invalid label name or regular expression */
export function labelReplace(destination: string, replacement: string, source: string, pattern: string): Relabel {
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(`^(?s:${pattern})$`);
  } catch {
    fail(`invalid regular expression in label_replace(): ${pattern}`);
  }
  if (!isValidLabelName(destination)) fail(`invalid destination label name in label_replace(): ${destination}`);
  const replace = ({ labels }: StepSeries): string | undefined => {
    const matcher = regex.matcher(labelValue(labels, source));
    if (!matcher.matches()) return undefined;
    return expandTemplate(replacement, (name) => {
      if (/^[0-9]+$/.test(name)) {
        const index = Number(name);
        return index <= matcher.groupCount() ? (matcher.group(index) ?? '') : '';
      }
      return name in regex.namedGroups() ? (matcher.group(name) ?? '') : '';
    });
  };
  return (ctx, vector) => relabelled(ctx, vector, destination, replace);
}

/** Replaces `$1`, `${1}`, `$name`, `${name}` and `$$`; a `$` that starts none of them stays. */
function expandTemplate(template: string, group: (name: string) => string): string {
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    const name = braced ?? plain;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    return group(name);
  });
}

/** `label_join`, to be called with the vector. @throws QueryError for invalid label names */
export function labelJoin(destination: string, separator: string, sources: readonly string[]): Relabel {
  for (const source of sources) {
    if (!isValidLabelName(source)) fail(`invalid source label name in label_join(): ${source}`);
  }
  if (!isValidLabelName(destination)) fail(`invalid destination label name in label_join(): ${destination}`);
  const join = ({ labels }: StepSeries) => sources.map((source) => labelValue(labels, source)).join(separator);
  return (ctx, vector) => relabelled(ctx, vector, destination, join);
}
