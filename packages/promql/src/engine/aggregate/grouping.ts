import type { AggregateExpr } from '../../ast.ts';
import { EMPTY_LABELS, type Labels, labelValue, METRIC_NAME } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { filterLabels } from '../metadata-labels.ts';
import { lastPresentStep, type StepSeries } from '../value.ts';

/** The groups of an aggregation: what decides them is computed once per series. */
export interface Grouping {
  /** A string that is equal for label sets of the same group only. */
  key(labels: Labels): string;
  /** The labels of the group that a label set belongs to. */
  labels(labels: Labels): Labels;
}

const SEPARATOR = '\u{10ffff}';

export function groupingOf(node: AggregateExpr): Grouping {
  const names = new Set(node.grouping);
  if (node.without) {
    // Of the labels that say what a metric is only its name goes.
    const keep = (name: string) => !names.has(name) && name !== METRIC_NAME;
    return {
      key(labels) {
        let key = '';
        for (let i = 0; i < labels.length; i += 2) {
          if (keep(labels[i]!)) key += labels[i]! + SEPARATOR + labels[i + 1]! + SEPARATOR;
        }
        return key;
      },
      labels: (labels) => filterLabels(labels, keep),
    };
  }
  if (names.size === 0) return { key: () => '', labels: () => EMPTY_LABELS };
  const keep = (name: string) => names.has(name);
  const [first, ...rest] = node.grouping;
  return {
    key(labels) {
      let key = labelValue(labels, first!);
      for (const name of rest) key += SEPARATOR + labelValue(labels, name);
      return key;
    },
    labels: (labels) => filterLabels(labels, keep),
  };
}

/** The last steps, -1 for none, at which a group has a member that keeps its name and one whose name is to go. */
export interface NameSteps {
  lastKept: number;
  lastDropped: number;
}

/** Counts a member in. @param last the last step at which it is present */
export function noteLast(steps: NameSteps, dropName: boolean, last: number): void {
  if (dropName) steps.lastDropped = Math.max(steps.lastDropped, last);
  else steps.lastKept = Math.max(steps.lastKept, last);
}

/** The last step of the group decides: its name goes if any member's does there. */
export function dropsName({ lastKept, lastDropped }: NameSteps): boolean {
  return lastDropped >= 0 && lastDropped >= lastKept;
}

/** Series that an aggregation puts together. */
export interface Group extends NameSteps {
  readonly labels: Labels;
  readonly members: StepSeries[];
}

/** Groups in order of first appearance, members in input order. */
export async function groupSeries(
  ctx: QueryContext,
  node: AggregateExpr,
  series: readonly StepSeries[],
): Promise<Group[]> {
  const grouping = groupingOf(node);
  const groups = new Map<string, Group>();
  for (const element of series) {
    const key = grouping.key(element.labels);
    let group = groups.get(key);
    if (group === undefined) {
      groups.set(
        key,
        (group = { labels: grouping.labels(element.labels), lastKept: -1, lastDropped: -1, members: [] }),
      );
    }
    noteLast(group, element.dropName, lastPresentStep(element.present));
    group.members.push(element);
    if (ctx.dueSeries()) await ctx.pause();
  }
  return [...groups.values()];
}
