import type { ArithmeticOp, BinaryExpr, ComparisonOp, VectorMatching } from '../../ast.ts';
import { type Labels, labelValue } from '../../labels.ts';
import type { QueryContext } from '../context.ts';
import { fail } from '../errors.ts';
import { stepSeriesBytes } from '../memory.ts';
import { dropMetadata, filterLabels, withLabel } from '../metadata-labels.ts';
import { mergeResults } from '../series.ts';
import {
  ABSENT,
  allPresent,
  columnAllocator,
  type Grid,
  presenceAllocator,
  type StepSeries,
  stepsWork,
  type VectorValue,
} from '../value.ts';
import { type Clash, findAmbiguousMatches, findDuplicates, type Match, memoized } from './clashes.ts';
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
  const isAnyMany = memoized(count, (step) => many.series.some(({ present }) => present[step] !== ABSENT));
  for (const group of groups.values()) {
    if (group.one.length < 2) continue;
    const clash = await findDuplicates(ctx, matching, group.one, one, isAnyMany, oneIsLeft ? 'left' : 'right');
    if (clash !== undefined) clashes.push(clash);
  }
  // What comes after the first clash matters no more, and be it that of two times ten thousand series all meet.
  const end = clashes.reduce((first, { step }) => Math.min(first, step), count);
  const operation = createOperation(ctx, node, oneIsLeft, count, end, many.series, one.series);
  if (end > 0) for (const group of groups.values()) await operation.evaluate(group, (result) => series.push(result));
  clashes.push(...operation.clashes);
  if (clashes.length > 0) {
    clashes.sort((a, b) => a.step - b.step || a.order - b.order);
    fail(clashes[0]!.message);
  }
  operation.flushNotes();
  return { kind: 'vector', series: await mergeResults(ctx, series, grid) };
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

/** The result of a pair, and the steps at which it has none since its kinds do not go together. */
interface Combined {
  readonly series: StepSeries | undefined;
  readonly rejected: Uint8Array | undefined;
}

interface Operation {
  readonly clashes: readonly Clash[];
  flushNotes(): void;
  /** Hands over the results of a group. */
  evaluate(group: Group, emit: (series: StepSeries) => void): Promise<void>;
}

/** @param end the steps from there on do not matter */
function createOperation(
  ctx: QueryContext,
  node: BinaryExpr,
  oneIsLeft: boolean,
  count: number,
  end: number,
  manySeries: readonly StepSeries[],
  oneSeries: readonly StepSeries[],
): Operation {
  const matching = node.matching!;
  const notes = createPairNotes(ctx, node);
  // What is filled in comes last, in the order of what it is filled in for.
  let orders: Map<StepSeries, number> | undefined;
  const orderOf = (many: StepSeries, one: StepSeries): number => {
    orders ??= new Map([...manySeries, ...oneSeries].map((element, i) => [element, i]));
    return orders.get(many) ?? orders.get(one) ?? orders.size;
  };
  // The "many" side takes the left value even where group_right makes it the right operand.
  const fillOne = matching.fillRight;
  const fillMany = matching.fillLeft;

  const dropsAtOnce = changesMetric(node.op) || (node.returnBool && !ctx.delayedNameRemoval);
  const clashes: Clash[] = [];
  const allocate = columnAllocator(count);
  const allocatePresent = presenceAllocator(count);
  const combine = (many: StepSeries, one: StepSeries): Combined => {
    const left = oneIsLeft ? one : many;
    const right = oneIsLeft ? many : one;
    const values = allocate();
    const present = allocatePresent();
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
      const result = histogramOperation(notes, orderOf(many, one), node, left, right, values, present);
      ({ histograms, rejected } = result);
      any ||= result.any;
    }
    if (!any) return { series: undefined, rejected };
    const labels = resultLabels(node, dropsAtOnce, many.labels, one.labels);
    const dropName = !changesMetric(node.op) && node.returnBool && ctx.delayedNameRemoval;
    return { series: { labels, dropName, values, present, histograms }, rejected };
  };

  const bytes = stepSeriesBytes(count);
  const evaluate = async ({ many, one }: Group, emit: (series: StepSeries) => void): Promise<void> => {
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
      if (series === undefined) return;
      ctx.memory.hold(bytes);
      emit(series);
    };
    const isOne = one.length === 1;
    for (const a of many) {
      for (const b of one) {
        if (isOne || overlap(a.present, b.present, end)) add(a, b);
        if (ctx.due(stepsWork(a) + stepsWork(b))) await ctx.pause();
      }
    }
    // Whom nobody met is filled in for, be it that all that came were histograms that it cannot go with.
    const met = anyRejected ? [...matches] : many;
    if (fillOne !== undefined && many.length > 0) {
      const filler = fillerFor(matching, many[0]!, one, fillOne, count);
      for (const a of many) {
        add(a, filler);
        if (ctx.due(stepsWork(a) + count)) await ctx.pause();
      }
    }
    if (fillMany !== undefined && one.length > 0) {
      const filler = fillerFor(matching, one[0]!, met, fillMany, count);
      for (const b of one) {
        add(filler, b);
        if (ctx.due(stepsWork(b) + count)) await ctx.pause();
      }
    }
    if (many.length > 1 && matches.length > 1) clashes.push(...(await findAmbiguousMatches(ctx, matching, matches)));
  };
  return { clashes, flushNotes: notes.flush, evaluate };
}

/** Whether there is a step before the end at which both are present. */
function overlap(a: Uint8Array, b: Uint8Array, end: number): boolean {
  for (let i = 0; i < end; i++) if (a[i] !== ABSENT && b[i] !== ABSENT) return true;
  return false;
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
