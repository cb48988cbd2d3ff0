import type { AggregateExpr } from '../../ast.ts';
import { type Labels, labelsKey } from '../../labels.ts';
import { filterLabels, isMetadataLabel } from '../metadata-labels.ts';
import type { StepSeries } from '../value.ts';

/** Series that an aggregation puts together. */
export interface Group {
  readonly labels: Labels;
  /** Any member's name is to be dropped. */
  dropName: boolean;
  readonly members: StepSeries[];
}

/** Groups in order of first appearance, members in input order. */
export function groupSeries(node: AggregateExpr, series: readonly StepSeries[]): Group[] {
  const names = new Set(node.grouping);
  const groups: Group[] = [];
  if (!node.without && names.size === 0) {
    if (series.length > 0) groups.push({ labels: [], dropName: series.some((s) => s.dropName), members: [...series] });
    return groups;
  }
  const keep = node.without
    ? (name: string) => !names.has(name) && !isMetadataLabel(name)
    : (name: string) => names.has(name);
  const byKey = new Map<string, Group>();
  for (const element of series) {
    const labels = filterLabels(element.labels, keep);
    const key = labelsKey(labels);
    let group = byKey.get(key);
    if (group === undefined) {
      group = { labels, dropName: false, members: [] };
      byKey.set(key, group);
      groups.push(group);
    }
    group.dropName ||= element.dropName;
    group.members.push(element);
  }
  return groups;
}
