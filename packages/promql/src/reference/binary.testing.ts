import type { BinaryExpr, BinaryOp, VectorMatching } from '../ast.ts';
import { pow } from '../go-exponentials.ts';
import { atan2 } from '../go-math.ts';
import { compareStrings, type Labels, labelsKey, labelValue, METRIC_NAME } from '../labels.ts';
import { keepLabels, setLabel, withoutName } from './aggregate.testing.ts';
import { showLabels } from './text.testing.ts';
import { type Element, fail, ReferenceFailure } from './value.testing.ts';

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': pow,
  atan2,
};

export function scalarBinary(op: BinaryOp, left: number, right: number): number {
  const compare = COMPARISONS[op];
  return compare === undefined ? ARITHMETIC[op]!(left, right) : Number(compare(left, right));
}

/** A vector on one side and a number on the other. */
export function vectorScalar(
  node: BinaryExpr,
  vector: readonly Element[],
  scalar: number,
  vectorIsLeft: boolean,
): Element[] {
  const results: Element[] = [];
  for (const element of vector) {
    const [left, right] = vectorIsLeft ? [element.value, scalar] : [scalar, element.value];
    const compare = COMPARISONS[node.op];
    if (compare === undefined) results.push({ ...element, value: scalarBinary(node.op, left, right), dropName: true });
    else if (node.returnBool) results.push({ ...element, value: Number(compare(left, right)), dropName: true });
    else if (compare(left, right)) results.push(element);
  }
  return results;
}

function matchLabels(labels: Labels, { labels: names, on }: VectorMatching): Labels {
  return keepLabels(labels, (name) => (on ? names.includes(name) : name !== METRIC_NAME && !names.includes(name)));
}

export function setOperation(node: BinaryExpr, left: readonly Element[], right: readonly Element[]): Element[] {
  const key = (element: Element) => labelsKey(matchLabels(element.labels, node.matching!));
  const keysOf = (vector: readonly Element[]) => new Set(vector.map(key));
  if (node.op === 'or') {
    const known = keysOf(left);
    return [...left, ...right.filter((element) => !known.has(key(element)))];
  }
  const known = keysOf(right);
  return left.filter((element) => known.has(key(element)) === (node.op === 'and'));
}

/** Arithmetic and comparison between vectors, by match groups. */
export function vectorVector(node: BinaryExpr, left: readonly Element[], right: readonly Element[]): Element[] {
  const matching = node.matching!;
  const { fillLeft, fillRight, cardinality } = matching;
  // The parser puts the fill of the "many" side in fillLeft, whichever operand that is.
  const swapped = cardinality === 'one-to-many';
  const many = swapped ? right : left;
  const one = swapped ? left : right;
  const fills = fillLeft !== undefined || fillRight !== undefined;
  if (!fills && (many.length === 0 || one.length === 0)) return [];
  const key = (element: Element) => labelsKey(matchLabels(element.labels, matching));

  const ones = new Map<string, Element>();
  const conflicts: string[] = [];
  for (const [i, element] of one.entries()) {
    const group = showLabels(matchLabels(element.labels, matching));
    for (const other of one.slice(0, i)) {
      if (key(other) !== key(element)) continue;
      const pair = [other.labels, element.labels].map(showLabels).sort(compareStrings).join(', ');
      conflicts.push(
        `found duplicate series for the match group ${group} on the ${swapped ? 'left' : 'right'} hand-side of the ` +
          `operation: [${pair}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
    ones.set(key(element), element);
  }
  if (conflicts.length > 0) throw new ReferenceFailure(conflicts[0]!, 'execution', conflicts);

  const results: Element[] = [];
  const taken = new Map<string, Set<string>>();
  const combine = (a: Element, b: Element, matchKey: string): void => {
    const order = results.length;
    const [l, r] = swapped ? [b.value, a.value] : [a.value, b.value];
    const compare = COMPARISONS[node.op];
    const labels = resultLabels(node, a.labels, b.labels);
    const resultKey = cardinality === 'one-to-one' ? '' : labelsKey(labels);
    const known = taken.get(matchKey) ?? new Set();
    if (known.has(resultKey)) {
      const reason =
        cardinality === 'one-to-one'
          ? 'many-to-one matching must be explicit (group_left/group_right)'
          : 'grouping labels must ensure unique matches';
      fail(`multiple matches for labels: ${reason}`);
    }
    taken.set(matchKey, known.add(resultKey));
    if (compare === undefined) results.push({ labels, value: scalarBinary(node.op, l, r), dropName: false, order });
    else if (node.returnBool) results.push({ labels, value: Number(compare(l, r)), dropName: true, order });
    else if (compare(l, r)) results.push({ labels, value: l, dropName: false, order });
  };
  const filler = (element: Element, value: number): Element => ({
    labels: matchLabels(element.labels, matching),
    value,
    dropName: false,
    order: 0,
  });
  const seen = new Set<string>();
  for (const a of many) {
    seen.add(key(a));
    const b = ones.get(key(a)) ?? (fillRight === undefined ? undefined : filler(a, fillRight));
    if (b !== undefined) combine(a, b, key(a));
  }
  if (fillLeft !== undefined) for (const b of one) if (!seen.has(key(b))) combine(filler(b, fillLeft), b, key(b));
  return results;
}

function resultLabels(node: BinaryExpr, many: Labels, one: Labels): Labels {
  const matching = node.matching!;
  let labels = node.op in ARITHMETIC ? withoutName(many) : many;
  if (matching.cardinality === 'one-to-one')
    labels = keepLabels(labels, (name) => matching.labels.includes(name) === matching.on);
  for (const name of matching.include) labels = setLabel(labels, name, labelValue(one, name));
  return labels;
}
