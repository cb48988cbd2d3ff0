import type { ArithmeticOp, BinaryExpr, ComparisonOp, VectorMatching } from '../../ast.ts';
import { compareStrings, type Labels, labelsKey, labelValue } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import { dropMetadata, filterLabels, withLabel } from '../metadata-labels.ts';
import { formatLabels, mergeResults } from '../series.ts';
import { ABSENT, allPresent, columnAllocator, type Grid, type StepSeries, type VectorValue } from '../value.ts';
import { createPairNotes, histogramOperation } from './histograms.ts';
import { arithmeticColumns, changesMetric, comparisonColumns, isComparison } from './operators.ts';
import { matchLabels, signatureOf } from './signature.ts';

/** Series of both sides with the same match labels. */
interface Group {
  readonly many: StepSeries[];
  readonly one: StepSeries[];
}

/** Arithmetic and comparison between two vectors. @throws QueryError where the matching is ambiguous. */
export async function vectorVector(
  ctx: QueryContext,
  node: BinaryExpr,
  left: VectorValue,
  right: VectorValue,
  grid: Grid,
): Promise<VectorValue> {
  const matching = node.matching!;
  const { count } = grid;
  const oneIsLeft = matching.cardinality === 'one-to-many';
  const many = oneIsLeft ? right : left;
  const one = oneIsLeft ? left : right;
  const groups = await groupBySignature(ctx, matching, many, one);
  const series: StepSeries[] = [];
  const clashes: Clash[] = [];
  const operation = createOperation(ctx, node, oneIsLeft, count, many.series);
  for (const group of groups.values()) {
    if (group.one.length > 1) {
      const clash = findDuplicates(matching, group.one, one, many, oneIsLeft ? 'left' : 'right');
      if (clash !== undefined) clashes.push(clash);
    }
    for (const result of operation.evaluate(group)) series.push(result);
    if (ctx.due(count * (group.many.length + group.one.length))) await ctx.pause();
  }
  clashes.push(...operation.clashes);
  if (clashes.length > 0) {
    clashes.sort((a, b) => a.step - b.step || a.order - b.order);
    fail(clashes[0]!.message);
  }
  operation.flushNotes();
  return { kind: 'vector', series: await mergeResults(ctx, series, grid) };
}

/** Why matching fails at a step. */
interface Clash {
  readonly step: number;
  /** Which of several clashes at a step is told. */
  readonly order: number;
  readonly message: string;
}

async function groupBySignature(
  ctx: QueryContext,
  matching: VectorMatching,
  many: VectorValue,
  one: VectorValue,
): Promise<Map<string, Group>> {
  const signature = signatureOf(matching);
  const groups = new Map<string, Group>();
  const groupOf = (labels: Labels): Group => {
    const key = signature(labels);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { many: [], one: [] }));
    return group;
  };
  for (const element of many.series) {
    groupOf(element.labels).many.push(element);
    if (ctx.dueSeries()) await ctx.pause();
  }
  for (const element of one.series) {
    groupOf(element.labels).one.push(element);
    if (ctx.dueSeries()) await ctx.pause();
  }
  return groups;
}

/**
 * The "one" side has at most one series of a match group at a time, unless the other side is empty then and not filled
 * in: finds the first step at which it is otherwise.
 */
function findDuplicates(
  matching: VectorMatching,
  group: readonly StepSeries[],
  one: VectorValue,
  many: VectorValue,
  side: 'left' | 'right',
): Clash | undefined {
  const count = group[0]!.present.length;
  const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  for (let step = 0; step < count; step++) {
    let seen: StepSeries | undefined;
    for (const element of group) {
      if (element.present[step] === ABSENT) continue;
      if (seen === undefined) seen = element;
      else if (fills || many.series.some((other) => other.present[step] !== ABSENT)) {
        const pair = [seen.labels, element.labels].map(formatLabels).sort(compareStrings).join(', ');
        const message =
          `found duplicate series for the match group ${formatLabels(matchLabels(element.labels, matching))} ` +
          `on the ${side} hand-side of the operation: [${pair}]` +
          ';many-to-many matching not allowed: matching labels must be unique on one side';
        return { step, order: one.series.indexOf(element), message };
      }
    }
  }
  return undefined;
}

/** The steps at which a pair of series meets, whether or not a comparison then filters it out. */
interface Match {
  readonly labels: Labels;
  readonly present: Uint8Array;
}

/** Matches of one group may not coincide: any two one-to-one, those with equal result labels otherwise. */
function findAmbiguousMatches(matching: VectorMatching, matches: readonly Match[]): Clash[] {
  const clashes: Clash[] = [];
  const oneToOne = matching.cardinality === 'one-to-one';
  const taken = new Map<string, Uint8Array>();
  for (const { labels, present } of matches) {
    const key = oneToOne ? '' : labelsKey(labels);
    const steps = taken.get(key);
    if (steps === undefined) {
      taken.set(key, present.slice());
      continue;
    }
    for (let i = 0; i < steps.length; i++) {
      if (present[i] === ABSENT) continue;
      if (steps[i] !== ABSENT) {
        const reason = oneToOne
          ? 'many-to-one matching must be explicit (group_left/group_right)'
          : 'grouping labels must ensure unique matches';
        clashes.push({ step: i, order: Infinity, message: `multiple matches for labels: ${reason}` });
        break;
      }
      steps[i] = present[i]!;
    }
  }
  return clashes;
}

/** The result of a pair, and the steps at which it has none since its kinds do not go together. */
interface Combined {
  readonly series: StepSeries | undefined;
  readonly rejected: Uint8Array | undefined;
}

interface Operation {
  readonly clashes: readonly Clash[];
  flushNotes(): void;
  evaluate(group: Group): StepSeries[];
}

function createOperation(
  ctx: QueryContext,
  node: BinaryExpr,
  oneIsLeft: boolean,
  count: number,
  manySeries: readonly StepSeries[],
): Operation {
  const matching = node.matching!;
  const notes = createPairNotes(ctx, node);
  let orders: Map<StepSeries, number> | undefined;
  // The "many" side takes the left value even where group_right makes it the right operand.
  const fillOne = matching.fillRight;
  const fillMany = matching.fillLeft;

  const dropsAtOnce = changesMetric(node.op) || (node.returnBool && !ctx.delayedNameRemoval);
  const clashes: Clash[] = [];
  const allocate = columnAllocator(count);
  const combine = (many: StepSeries, one: StepSeries): Combined => {
    const left = oneIsLeft ? one : many;
    const right = oneIsLeft ? many : one;
    const values = allocate();
    const present = new Uint8Array(count);
    const operands = {
      left: left.values,
      leftPresent: left.present,
      right: right.values,
      rightPresent: right.present,
    };
    let any: boolean;
    if (isComparison(node.op)) {
      const op: ComparisonOp = node.op;
      any = comparisonColumns(op, operands, left.values, node.returnBool, values, present);
    } else {
      any =
        node.op !== '</' && node.op !== '>/' && arithmeticColumns(node.op as ArithmeticOp, operands, values, present);
    }
    let histograms: StepSeries['histograms'];
    let rejected: Uint8Array | undefined;
    if (left.histograms !== undefined || right.histograms !== undefined || node.op === '</' || node.op === '>/') {
      const order = (orders ??= new Map(manySeries.map((element, i) => [element, i]))).get(many) ?? orders.size;
      const result = histogramOperation(notes, order, node, left, right, values, present);
      ({ histograms, rejected } = result);
      any ||= result.any;
    }
    if (!any) return { series: undefined, rejected };
    const labels = resultLabels(node, dropsAtOnce, many.labels, one.labels);
    const dropName = !changesMetric(node.op) && node.returnBool && ctx.delayedNameRemoval;
    return { series: { labels, dropName, values, present, histograms }, rejected };
  };

  const evaluate = ({ many, one }: Group): StepSeries[] => {
    const results: StepSeries[] = [];
    const matches: Match[] = [];
    let anyRejected = false;
    const add = (a: StepSeries, b: StepSeries) => {
      const { series, rejected } = combine(a, b);
      if (rejected !== undefined) anyRejected = true;
      if (many.length > 1 || fillMany !== undefined) {
        const met = (i: number) => b.present[i] !== ABSENT && rejected?.[i] !== 1;
        const present = a.present.map((value, i) => (value !== ABSENT && met(i) ? 1 : ABSENT));
        matches.push({ labels: resultLabels(node, dropsAtOnce, a.labels, b.labels), present });
      }
      if (series !== undefined) results.push(series);
    };
    for (const a of many) for (const b of one) add(a, b);
    // Whom nobody met is filled in for, be it that all that came were histograms that it cannot go with.
    const met = anyRejected ? [...matches] : many;
    if (fillOne !== undefined && many.length > 0) {
      const filler = fillerFor(matching, many[0]!, one, fillOne, count);
      for (const a of many) add(a, filler);
    }
    if (fillMany !== undefined && one.length > 0) {
      const filler = fillerFor(matching, one[0]!, met, fillMany, count);
      for (const b of one) add(filler, b);
    }
    if (many.length > 1 && matches.length > 1) clashes.push(...findAmbiguousMatches(matching, matches));
    return results;
  };
  return { clashes, flushNotes: notes.flush, evaluate };
}

/** A constant series with the match labels, present at the steps where none of `series` is. */
function fillerFor(
  matching: VectorMatching,
  like: StepSeries,
  series: readonly Pick<StepSeries, 'present'>[],
  fill: number,
  count: number,
): StepSeries {
  const present = allPresent(count).slice();
  for (const element of series) {
    for (let i = 0; i < count; i++) if (element.present[i] !== ABSENT) present[i] = ABSENT;
  }
  const values = new Float64Array(count).fill(fill);
  return { labels: matchLabels(like.labels, matching), dropName: false, values, present, histograms: undefined };
}

/** @param dropsNames at once; a name that is to be included stays */
function resultLabels(node: BinaryExpr, dropsNames: boolean, many: Labels, one: Labels): Labels {
  const matching = node.matching!;
  let labels = dropsNames ? dropMetadata(many) : many;
  if (matching.cardinality === 'one-to-one') {
    const { labels: names, on } = matching;
    labels = filterLabels(labels, (name) => names.includes(name) === on);
  }
  for (const name of matching.include) labels = withLabel(labels, name, labelValue(one, name));
  return labels;
}
