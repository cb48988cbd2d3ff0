import { RE2JS } from 're2js';
import { labelValue, METRIC_NAME } from '../../labels.ts';
import { isValidLabelName } from '../aggregate/evaluate.ts';
import { fail } from '../errors.ts';
import { withLabel } from '../metadata-labels.ts';
import { mergeSameLabels } from '../series.ts';
import type { StepSeries, VectorValue } from '../value.ts';

function relabelled(
  vector: VectorValue,
  destination: string,
  relabel: (element: StepSeries) => string | undefined,
): VectorValue {
  const series = vector.series.map((element): StepSeries => {
    const value = relabel(element);
    if (value === undefined) return element;
    const dropName = destination === METRIC_NAME ? false : element.dropName;
    return { ...element, labels: withLabel(element.labels, destination, value), dropName };
  });
  return { kind: 'vector', series: mergeSameLabels(series) };
}

type Relabel = (vector: VectorValue) => VectorValue;

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
  return (vector) => relabelled(vector, destination, replace);
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
  return (vector) => relabelled(vector, destination, join);
}
