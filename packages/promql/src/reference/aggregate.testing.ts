import type { AggregateExpr } from '../ast.ts';
import { labelsHashFraction } from '../engine/hash.ts';
import { type Labels, labelsFromEntries, labelsKey, labelValue, METRIC_NAME } from '../labels.ts';
import { showFloat, showShort } from './text.testing.ts';
import { compensatedSum, type Element, fail, mean, quantile, variance } from './value.testing.ts';

/** Label pairs whose name passes. */
export function keepLabels(labels: Labels, keep: (name: string) => boolean): Labels {
  const kept: string[] = [];
  for (let i = 0; i < labels.length; i += 2) if (keep(labels[i]!)) kept.push(labels[i]!, labels[i + 1]!);
  return kept;
}

export function setLabel(labels: Labels, name: string, value: string): Labels {
  const entries: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) entries.push([labels[i]!, labels[i + 1]!]);
  return labelsFromEntries([...entries.filter(([other]) => other !== name), [name, value]]);
}

const METADATA = [METRIC_NAME, '__type__', '__unit__'];

export function withoutName(labels: Labels): Labels {
  return keepLabels(labels, (name) => !METADATA.includes(name));
}

interface Group {
  readonly labels: Labels;
  readonly members: Element[];
  /** Any member's name is to go. */
  dropName: boolean;
  readonly order: number;
}

function groupsOf(node: AggregateExpr, vector: readonly Element[]): Group[] {
  const groups = new Map<string, Group>();
  for (const element of vector) {
    const labels = node.without
      ? keepLabels(element.labels, (name) => !node.grouping.includes(name) && name !== METRIC_NAME)
      : keepLabels(element.labels, (name) => node.grouping.includes(name));
    const key = labelsKey(labels);
    let group = groups.get(key);
    if (group === undefined) {
      groups.set(key, (group = { labels, members: [], dropName: false, order: element.order }));
    }
    group.dropName ||= element.dropName;
    group.members.push(element);
  }
  return [...groups.values()];
}

/** @param parameter the number or the text before the vector */
export function aggregate(node: AggregateExpr, vector: readonly Element[], parameter: number | string): Element[] {
  if (node.op === 'count_values') return countValues(node, vector, parameter as string);
  const number = parameter as number;
  if (node.op === 'topk' || node.op === 'bottomk' || node.op === 'limitk') {
    if (number >= 2 ** 63) fail(`Scalar value ${showShort(number)} overflows int64`);
  }
  if (node.op === 'limit_ratio' && Number.isNaN(number)) fail('Ratio value is NaN');
  const results: Element[] = [];
  for (const { labels, members, dropName, order } of groupsOf(node, vector)) {
    const values = members.map(({ value }) => value);
    const one = (value: number): void => {
      results.push({ labels, value, dropName, order });
    };
    switch (node.op) {
      case 'sum':
        one(compensatedSum(values));
        break;
      case 'avg':
        one(mean(values));
        break;
      case 'count':
        one(values.length);
        break;
      case 'group':
        one(1);
        break;
      case 'min':
        one(values.reduce((best, value) => (value < best || Number.isNaN(best) ? value : best)));
        break;
      case 'max':
        one(values.reduce((best, value) => (value > best || Number.isNaN(best) ? value : best)));
        break;
      case 'stdvar':
        one(variance(values));
        break;
      case 'stddev':
        one(Math.sqrt(variance(values)));
        break;
      case 'quantile':
        one(quantile(number, values));
        break;
      case 'topk':
        results.push(...best(members, Math.trunc(number), 1));
        break;
      case 'bottomk':
        results.push(...best(members, Math.trunc(number), -1));
        break;
      case 'limitk':
        results.push(...members.slice(0, Math.max(0, Math.trunc(number))));
        break;
      case 'limit_ratio':
        results.push(
          ...members.filter((member) => {
            const fraction = labelsHashFraction(member.labels);
            const ratio = Math.max(-1, Math.min(1, number));
            return ratio >= 0 ? fraction < ratio : fraction >= 1 + ratio;
          }),
        );
        break;
    }
  }
  return results;
}

function countValues(node: AggregateExpr, vector: readonly Element[], label: string): Element[] {
  const counts = new Map<string, { labels: Labels; value: number; dropName: boolean; order: number }>();
  for (const element of vector) {
    const labelled = setLabel(element.labels, label, showFloat(element.value));
    const grouping = node.without ? node.grouping : [...node.grouping, label];
    const labels = node.without
      ? keepLabels(labelled, (name) => !grouping.includes(name) && name !== METRIC_NAME)
      : keepLabels(labelled, (name) => grouping.includes(name));
    const key = labelsKey(labels);
    const known = counts.get(key);
    if (known !== undefined) known.value++;
    else counts.set(key, { labels, value: 1, dropName: false, order: element.order });
  }
  return [...counts.values()];
}

/** Keeps the k best in a heap whose root goes first: which of equal values stay depends on how it is kept. */
function best(members: readonly Element[], k: number, sign: 1 | -1): Element[] {
  const heap: Element[] = [];
  const worse = (a: number, b: number): boolean => {
    const x = heap[a]!.value;
    const y = heap[b]!.value;
    return Number.isNaN(x) || (sign > 0 ? x < y : x > y);
  };
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  for (const member of members) {
    if (heap.length < k) {
      heap.push(member);
      for (let i = heap.length - 1; i > 0; ) {
        const parent = Math.floor((i - 1) / 2);
        if (!worse(i, parent)) break;
        swap(i, parent);
        i = parent;
      }
    } else if (k >= 1) {
      const root = heap[0]!.value;
      const better = sign > 0 ? root < member.value : root > member.value;
      if (!better && !(Number.isNaN(root) && !Number.isNaN(member.value))) continue;
      heap[0] = member;
      for (let i = 0; ; ) {
        let child = 2 * i + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && worse(child + 1, child)) child++;
        if (!worse(child, i)) break;
        swap(i, child);
        i = child;
      }
    }
  }
  return heap;
}

/** The value of the metric name in front of the samples, as annotations quote it. */
export function metricName(labels: Labels): string {
  return labelValue(labels, METRIC_NAME);
}
