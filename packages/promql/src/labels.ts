/**
 * A label set: `[name, value, name, value, …]`, sorted by name, no duplicate names, no empty values.
 * The metric name is the label `__name__`. Instances are shared between results and never mutated.
 */
export type Labels = readonly string[];

export const METRIC_NAME = '__name__';
export const EMPTY_LABELS: Labels = Object.freeze([]) as Labels;

/** Value of label `name`, or `''` where the label is absent: PromQL does not distinguish the two. */
export function labelValue(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!;
  return '';
}

/** Builds a label set from pairs in any order; an empty value drops the label, a later duplicate wins. */
export function labelsFromEntries(entries: Iterable<readonly [name: string, value: string]>): Labels {
  const byName = new Map<string, string>();
  for (const [name, value] of entries) {
    if (value === '') byName.delete(name);
    else byName.set(name, value);
  }
  const names = [...byName.keys()].sort(compareStrings);
  const labels: string[] = [];
  for (const name of names) labels.push(name, byName.get(name)!);
  return labels;
}

/** A string that is equal for equal label sets only; usable as a Map key. */
export function labelsKey(labels: Labels): string {
  return labels.join('\u{10ffff}');
}

/** Prometheus' order of label sets: name by name, value by value, the shorter set first. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i < length ? compareStrings(a[i]!, b[i]!) : a.length - b.length;
}

/** Order by Unicode code point, which is the order of the UTF-8 bytes that Prometheus compares. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const xIsSurrogate = x >= 0xd800 && x <= 0xdfff;
      const yIsSurrogate = y >= 0xd800 && y <= 0xdfff;
      if (xIsSurrogate !== yIsSurrogate) return xIsSurrogate ? 1 : -1;
      return x - y;
    }
  }
  return a.length - b.length;
}
