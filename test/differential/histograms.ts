import type { FloatHistogram, Span } from '@opendata/promql';
import { detectReset } from '../../packages/promql/src/histogram/counter-reset.ts';
import { type SparseBuckets, toSparse } from '../../packages/promql/src/histogram/sparse.ts';
import type { GeneratedValue, Values } from './data.ts';
import { between, chance, pick, type Random } from './random.ts';

/** Counts by bucket index. */
type Counts = Map<number, number>;

function spansOf(counts: Counts): { spans: Span[]; buckets: Float64Array } {
  const indexes = [...counts.keys()].sort((a, b) => a - b);
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return { spans, buckets: Float64Array.from(indexes, (index) => counts.get(index)!) };
}

function observe(counts: Counts, index: number, by: number): void {
  counts.set(index, (counts.get(index) ?? 0) + by);
}

function totalOf(counts: Counts): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

/** A counter in exponential buckets that is reset, and changes its resolution, now and then. */
export const exponentialHistograms: Values = (random, times) => {
  let schema = between(random, -1, 3);
  const hasNegative = chance(random, 0.4);
  const changes = chance(random, 0.3);
  let zeroThreshold = pick(random, [0, 0.001, 0.5]);
  let positive: Counts = new Map();
  let negative: Counts = new Map();
  let zeroCount = 0;
  let sum = 0;
  return Array.from(times, () => {
    if (chance(random, 0.02) || (changes && chance(random, 0.02))) {
      positive = new Map();
      negative = new Map();
      zeroCount = 0;
      sum = 0;
      if (changes) {
        schema = between(random, -1, 3);
        zeroThreshold = pick(random, [0, 0.001, 0.5]);
      }
    }
    for (let n = between(random, 0, 5); n > 0; n--) {
      const value = random() * 8 + 0.6;
      const index = Math.ceil(Math.log2(value) * 2 ** schema);
      if (hasNegative && chance(random, 0.3)) {
        observe(negative, index, 1);
        sum -= value;
      } else {
        observe(positive, index, 1);
        sum += value;
      }
    }
    if (chance(random, 0.3)) zeroCount++;
    const p = spansOf(positive);
    const n = spansOf(negative);
    return {
      schema,
      counterResetHint: 'unknown',
      zeroThreshold,
      zeroCount,
      count: zeroCount + totalOf(positive) + totalOf(negative),
      sum,
      positiveSpans: p.spans,
      positiveBuckets: p.buckets,
      negativeSpans: n.spans,
      negativeBuckets: n.buckets,
      customValues: new Float64Array(0),
    };
  });
};

const BOUNDS = [
  [0.5, 1, 2.5, 5],
  [0.5, 1, 2.5, 5],
  [1, 2, 5],
  [-1, 0, 1, 4],
];

/** A counter in buckets with bounds of its own. */
export const customHistograms: Values = (random, times) => {
  let bounds = pick(random, BOUNDS);
  const changes = chance(random, 0.3);
  let counts: Counts = new Map();
  let sum = 0;
  return Array.from(times, () => {
    if (chance(random, 0.02)) {
      counts = new Map();
      sum = 0;
      if (changes) bounds = pick(random, BOUNDS);
    }
    for (let n = between(random, 0, 5); n > 0; n--) {
      const value = random() * 8 - 1;
      const index = bounds.findIndex((bound) => value <= bound);
      observe(counts, index < 0 ? bounds.length : index, 1);
      sum += value;
    }
    const { spans, buckets } = spansOf(counts);
    return {
      schema: -53,
      counterResetHint: 'unknown',
      zeroThreshold: 0,
      zeroCount: 0,
      count: totalOf(counts),
      sum,
      positiveSpans: spans,
      positiveBuckets: buckets,
      negativeSpans: [],
      negativeBuckets: new Float64Array(0),
      customValues: Float64Array.from(bounds),
    };
  });
};

export const floatsAndHistograms: Values = (random: Random, times) => {
  const histograms = exponentialHistograms(random, times);
  let isFloat = false;
  return histograms.map((histogram, i) => {
    if (chance(random, 0.05)) isFloat = !isFloat;
    return isFloat ? i : histogram;
  });
};

/**
 * The same observations, all histograms of one resolution with the same buckets, empty ones too: in a chunk Prometheus
 * gives every histogram the buckets of all, and some results depend on empty buckets being there.
 */
export function withSteadyLayout(values: readonly GeneratedValue[]): GeneratedValue[] {
  const layouts = new Map<string, { readonly positive: Set<number>; readonly negative: Set<number> }>();
  const layoutOf = ({ schema, customValues }: FloatHistogram) => {
    const key = `${schema} ${customValues.join()}`;
    let layout = layouts.get(key);
    if (layout === undefined) layouts.set(key, (layout = { positive: new Set(), negative: new Set() }));
    return layout;
  };
  for (const value of values) {
    if (typeof value !== 'object') continue;
    const { positive, negative } = toSparse(value);
    const layout = layoutOf(value);
    for (const index of positive.indices) layout.positive.add(index);
    for (const index of negative.indices) layout.negative.add(index);
  }
  return values.map((value) => {
    if (typeof value !== 'object') return value;
    const sparse = toSparse(value);
    const layout = layoutOf(value);
    const positive = spansOf(filled(layout.positive, sparse.positive));
    const negative = spansOf(filled(layout.negative, sparse.negative));
    return {
      ...value,
      positiveSpans: positive.spans,
      positiveBuckets: positive.buckets,
      negativeSpans: negative.spans,
      negativeBuckets: negative.buckets,
    };
  });
}

function filled(indexes: ReadonlySet<number>, { indices, counts }: SparseBuckets): Counts {
  const all: Counts = new Map([...indexes].map((index) => [index, 0]));
  for (const [i, index] of indices.entries()) all.set(index, counts[i]!);
  return all;
}

/**
 * Histograms with the counter reset hints that a database reads back: it starts a new chunk at every reset and every
 * change of layout, and knows of the samples inside a chunk only that they are no resets.
 */
export function asReadBack(values: readonly GeneratedValue[]): (FloatHistogram | undefined)[] {
  let before: FloatHistogram | undefined;
  return values.map((value) => {
    const previous = before;
    before = typeof value === 'object' ? value : undefined;
    if (typeof value !== 'object') return undefined;
    if (value.counterResetHint === 'gauge') return value;
    const sameChunk =
      previous !== undefined &&
      previous.counterResetHint !== 'gauge' &&
      previous.schema === value.schema &&
      previous.zeroThreshold === value.zeroThreshold &&
      previous.customValues.join() === value.customValues.join() &&
      !detectReset(value, previous);
    return { ...value, counterResetHint: sameChunk ? 'not_reset' : 'unknown' };
  });
}
