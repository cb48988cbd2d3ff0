import { compareStrings, type Labels, METRIC_NAME } from '../labels.ts';

/** Labels that describe the metric rather than the series; they leave together with the metric name. */
export function isMetadataLabel(name: string): boolean {
  return name === METRIC_NAME || name === '__type__' || name === '__unit__';
}

/** The labels without metric name, type and unit. */
export function dropMetadata(labels: Labels): Labels {
  return filterLabels(labels, (name) => !isMetadataLabel(name));
}

/** The labels whose names pass. Returns the argument where all do. */
export function filterLabels(labels: Labels, keep: (name: string) => boolean): Labels {
  let kept: string[] | undefined;
  for (let i = 0; i < labels.length; i += 2) {
    if (keep(labels[i]!)) kept?.push(labels[i]!, labels[i + 1]!);
    else kept ??= labels.slice(0, i);
  }
  return kept ?? labels;
}

/** The labels with one set to a value; an empty value removes it. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  let at = 0;
  while (at < labels.length && compareStrings(labels[at]!, name) < 0) at += 2;
  const found = labels[at] === name;
  if (value === '') return found ? [...labels.slice(0, at), ...labels.slice(at + 2)] : labels;
  return [...labels.slice(0, at), name, value, ...labels.slice(found ? at + 2 : at)];
}
