import type { VectorMatching } from '../../ast.ts';
import { type Labels, labelsKey, METRIC_NAME } from '../../labels.ts';
import { filterLabels } from '../metadata-labels.ts';

/** The labels on which two sides match: those of `on(…)`, or all but the name and those of `ignoring(…)`. */
export function matchLabels(labels: Labels, matching: VectorMatching): Labels {
  const names = matching.labels;
  if (matching.on) return filterLabels(labels, (name) => names.includes(name));
  return filterLabels(labels, (name) => name !== METRIC_NAME && !names.includes(name));
}

/** Maps label sets to a key that is equal where the match labels are. */
export function signatureOf(matching: VectorMatching): (labels: Labels) => string {
  return (labels) => labelsKey(matchLabels(labels, matching));
}
