import { compareStrings } from '@opendata/promql';

/**
 * Labels of a scraped sample: the exposed ones with the target's. Where both have a label, the target's wins and the
 * exposed one is kept as `exported_…`; with `honorLabels` the exposed one wins.
 * @param exposed [name, value, …] in any order
 * @returns sorted, without empty values
 */
export function seriesLabels(exposed: readonly string[], target: readonly string[], honorLabels: boolean): string[] {
  const labels = new Map<string, string>();
  for (let i = 0; i < exposed.length; i += 2) labels.set(exposed[i]!, exposed[i + 1]!);
  const renamed: [string, string][] = [];
  for (let i = 0; i < target.length; i += 2) {
    const name = target[i]!;
    if (honorLabels) {
      if (!labels.has(name)) labels.set(name, target[i + 1]!);
    } else {
      const exposedValue = labels.get(name);
      if (exposedValue) renamed.push([name, exposedValue]);
      labels.set(name, target[i + 1]!);
    }
  }
  renamed.sort(([a], [b]) => a.length - b.length);
  for (const [name, value] of renamed) {
    let free = `exported_${name}`;
    while (labels.get(free)) free = `exported_${free}`;
    labels.set(free, value);
  }
  return sortedLabels(labels);
}

/** [name, value, …] sorted by name, without empty values. */
export function sortedLabels(labels: ReadonlyMap<string, string>): string[] {
  const kept = [...labels].filter(([, value]) => value !== '');
  return kept.sort(([a], [b]) => compareStrings(a, b)).flat();
}
