import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CounterResetHint, FloatHistogram } from '../histogram.ts';
import {
  addHistograms,
  compactHistogram,
  histogramAtSchema,
  histogramsEqual,
  subtractHistograms,
} from './arithmetic.ts';
import { exponentialBound } from './bounds.ts';
import { bucketList } from './bucket-list.ts';
import { detectReset } from './counter-reset.ts';
import { histogramFraction, histogramQuantile, histogramVariance } from './quantile.ts';
import { createHistogramSum } from './sum.ts';
import { trimHistogram } from './trim.ts';

interface Parts {
  schema?: number;
  hint?: CounterResetHint;
  count?: number;
  sum?: number;
  zero?: number;
  zeroThreshold?: number;
  positive?: readonly number[];
  positiveOffset?: number;
  negative?: readonly number[];
  customValues?: readonly number[];
}

function histogram(parts: Parts): FloatHistogram {
  const positive = parts.positive ?? [];
  const negative = parts.negative ?? [];
  const total = [...positive, ...negative].reduce((a, b) => a + b, parts.zero ?? 0);
  return {
    schema: parts.schema ?? 0,
    counterResetHint: parts.hint ?? 'unknown',
    zeroThreshold: parts.zeroThreshold ?? 0.001,
    zeroCount: parts.zero ?? 0,
    count: parts.count ?? total,
    sum: parts.sum ?? 0,
    positiveSpans: positive.length > 0 ? [{ offset: parts.positiveOffset ?? 0, length: positive.length }] : [],
    positiveBuckets: Float64Array.from(positive),
    negativeSpans: negative.length > 0 ? [{ offset: 0, length: negative.length }] : [],
    negativeBuckets: Float64Array.from(negative),
    customValues: Float64Array.from(parts.customValues ?? []),
  };
}

const counts = fc.array(fc.nat(20), { maxLength: 12 });
const anyExponential = fc
  .record({
    schema: fc.integer({ min: -4, max: 8 }),
    positive: counts,
    negative: counts,
    positiveOffset: fc.integer({ min: -30, max: 30 }),
    zero: fc.nat(5),
    zeroThreshold: fc.constantFrom(0, 0.001, 0.25, 2),
    sum: fc.integer({ min: -1000, max: 1000 }),
  })
  .map(histogram);

describe('bucket bounds', () => {
  it('are powers of two, rounded as Prometheus rounds them', () => {
    expect(exponentialBound(0, 0)).toBe(1);
    expect(exponentialBound(3, 0)).toBe(8);
    expect(exponentialBound(-2, 0)).toBe(0.25);
    expect(exponentialBound(1, -1)).toBe(4);
    expect(exponentialBound(1, 1)).toBe(Math.SQRT2 - 2 ** -52);
    expect(exponentialBound(8, 3)).toBe(2);
    expect(exponentialBound(1, 8)).toBe(1.0027112750502025);
    expect(exponentialBound(1024, 0)).toBe(Number.MAX_VALUE);
    expect(exponentialBound(1025, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(exponentialBound(-1074, 0)).toBe(Number.MIN_VALUE);
  });
});

describe('arithmetic', () => {
  it('adds across schemas at the coarser one', () => {
    const sum = addHistograms(
      histogram({ schema: -1, count: 1, sum: 4, positive: [1], positiveOffset: 1 }),
      histogram({ schema: 0, count: 4, sum: 4, positive: [2, 2], positiveOffset: 1 }),
    )!.histogram;
    expect(sum).toMatchObject({ schema: -1, count: 5, sum: 8 });
    expect([...sum.positiveBuckets]).toEqual([5]);
  });

  it('reconciles custom buckets to the bounds that both have', () => {
    const difference = subtractHistograms(
      histogram({
        schema: -53,
        sum: 555,
        customValues: [1, 2, 3, 4, 5, 6, 7, 8],
        positive: [10, 20, 30, 40, 50, 60, 70, 80, 90],
      }),
      histogram({ schema: -53, sum: 55, customValues: [2, 4, 6], positive: [1, 2, 5, 7] }),
    )!;
    expect(difference.boundsReconciled).toBe(true);
    expect(difference.histogram).toMatchObject({ sum: 500, count: 435, counterResetHint: 'gauge' });
    expect([...difference.histogram.positiveBuckets]).toEqual([29, 68, 105, 233]);
  });

  it('does not mix exponential with custom buckets', () => {
    expect(addHistograms(histogram({ positive: [1] }), histogram({ schema: -53, positive: [1] }))).toBeUndefined();
  });

  it('keeps every observation in sums, and takes them away again', () => {
    fc.assert(
      fc.property(anyExponential, anyExponential, (a, b) => {
        const sum = addHistograms(a, b)!.histogram;
        const total = bucketList(sum).reduce((n, bucket) => n + bucket.count, 0);
        expect(total).toBe(a.count + b.count);
        const rest = subtractHistograms(sum, b)!.histogram;
        expect(rest.count).toBe(a.count);
        expect(bucketList(rest).reduce((n, bucket) => n + bucket.count, 0)).toBe(a.count);
      }),
    );
  });

  it('adds in any order', () => {
    fc.assert(
      fc.property(anyExponential, anyExponential, (a, b) => {
        expect(histogramsEqual(addHistograms(a, b)!.histogram, addHistograms(b, a)!.histogram)).toBe(true);
      }),
    );
  });

  it('sums with compensation and averages without overflow', () => {
    const sum = createHistogramSum(histogram({ sum: 1 }));
    for (const value of [1e100, 1, -1e100]) sum.add(histogram({ sum: value }));
    expect(sum.sum().sum).toBe(2);
    const large = createHistogramSum(histogram({ count: 1.5e308 }));
    large.add(histogram({ count: 1.5e308 }));
    expect(large.sum().count).toBe(Number.POSITIVE_INFINITY);
    expect(large.mean().count).toBe(1.5e308);
  });

  it('says when resets and continuations were added', () => {
    const sum = createHistogramSum(histogram({ hint: 'reset' }));
    sum.add(histogram({ hint: 'not_reset' }));
    expect(sum.counterResetCollision).toBe(true);
    expect(sum.sum().counterResetHint).toBe('unknown');
  });
});

describe('counter resets', () => {
  it('are seen in single buckets', () => {
    const before = histogram({ positive: [1, 2, 3] });
    expect(detectReset(histogram({ positive: [1, 2, 4] }), before)).toBe(false);
    expect(detectReset(histogram({ positive: [2, 1, 3] }), before)).toBe(true);
    expect(detectReset(histogram({ positive: [2, 1, 3], hint: 'not_reset' }), before)).toBe(false);
  });

  it('do not come from a coarser schema', () => {
    fc.assert(
      fc.property(anyExponential, fc.integer({ min: -4, max: 8 }), (h, schema) => {
        fc.pre(schema <= h.schema);
        expect(detectReset(histogramAtSchema(h, schema), h)).toBe(false);
      }),
    );
  });
});

describe('quantiles and fractions', () => {
  it('interpolate on a logarithmic scale', () => {
    expect(histogramQuantile(0.5, histogram({ positive: [0, 5], sum: 4 }))).toBeCloseTo(Math.SQRT2, 12);
    expect(histogramFraction(0, Math.SQRT2, histogram({ positive: [0, 5], sum: 4 }))).toBeCloseTo(0.5, 12);
  });

  it('are inverse to each other', () => {
    fc.assert(
      fc.property(anyExponential, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (h, q) => {
        fc.pre(h.count > 0 && h.zeroCount === 0);
        // Buckets below the threshold are cut off at it, be they all of the histogram.
        const cut = { ...h, zeroThreshold: 0 };
        const value = histogramQuantile(q, cut);
        expect(histogramFraction(Number.NEGATIVE_INFINITY, value, cut)).toBeCloseTo(q, 6);
      }),
    );
  });

  it('are nowhere at the extremes of a histogram without buckets', () => {
    const bare = { ...histogram({ sum: 2 }), count: 3 };
    expect([0, 0.3, 0.5, 1].map((q) => histogramQuantile(q, bare))).toEqual([Number.NaN, 0, 0, Number.NaN]);
  });

  it('give the variance around the mean', () => {
    expect(histogramVariance(histogram({ schema: 0, positive: [0, 4], sum: 4 * Math.SQRT2 }))).toBeCloseTo(0, 12);
  });
});

describe('trimming', () => {
  const mixed = histogram({ zero: 1, sum: 123.75, positive: [2, 4, 8, 16], negative: [1, 2] });

  it('interpolates the bucket that the cutoff falls into', () => {
    const trimmed = trimHistogram(mixed, Math.SQRT2, 'below');
    expect(trimmed.count).toBeCloseTo(8, 9);
    expect(trimmed.sum).toBeCloseTo(0.2570938865989847, 9);
    expect(trimHistogram(mixed, 0, 'below').sum).toBeCloseTo(-3.535783905932737, 9);
  });

  it('gives what is left above a cutoff as Prometheus does, to the last bit', () => {
    const above = (parts: Parts, cutoff: number) => trimHistogram(histogram(parts), cutoff, 'above').count;
    expect(above({ positive: [3, 7, 11, 7] }, 6.570081967213114)).toBe(1.98862041367369);
    expect(above({ schema: 2, positive: [3, 7, 11, 7] }, 1.007795081967213)).toBe(24.68633500931178);
    expect(above({ negative: [3, 7, 11, 7] }, -1.8069672131147545)).toBe(8.974992304158496);
  });

  it('returns the histogram itself where nothing is cut', () => {
    expect(trimHistogram(mixed, Number.POSITIVE_INFINITY, 'below')).toBe(mixed);
    expect(trimHistogram(mixed, Number.NEGATIVE_INFINITY, 'above')).toBe(mixed);
  });

  it('leaves nothing where the cutoff is NaN, but the zero bucket as NaN', () => {
    const custom = histogram({ schema: -53, sum: 1, customValues: [-2, 2], positive: [1, 6, 4] });
    for (const keep of ['below', 'above'] as const) {
      const trimmed = trimHistogram(mixed, Number.NaN, keep);
      expect(trimmed).toMatchObject({ count: Number.NaN, sum: Number.NaN, zeroCount: Number.NaN });
      expect([...trimmed.positiveBuckets, ...trimmed.negativeBuckets].filter((count) => count !== 0)).toEqual([]);
      expect(trimHistogram(custom, Number.NaN, keep)).toMatchObject({ count: 0, sum: 0 });
    }
  });

  it('splits without losing observations', () => {
    fc.assert(
      fc.property(anyExponential, fc.double({ min: -100, max: 100, noNaN: true }), (h, cutoff) => {
        // A zero bucket of no width lies on both sides of zero.
        fc.pre(cutoff !== 0 || h.zeroThreshold > 0);
        const below = trimHistogram(h, cutoff, 'below');
        const above = trimHistogram(h, cutoff, 'above');
        expect(below.count + above.count).toBeCloseTo(h.count, 6);
      }),
    );
  });

  it('cuts custom buckets linearly and drops the last one whole', () => {
    const custom = histogram({ schema: -53, sum: 172.5, customValues: [5, 10, 15, 20], positive: [1, 6, 4, 3, 1] });
    expect(trimHistogram(custom, 13, 'below')).toMatchObject({ count: 9.4, sum: 75.1 });
    expect(trimHistogram(custom, 50, 'below')).toMatchObject({ count: 14, sum: 150 });
    expect(trimHistogram(custom, 15, 'above')).toMatchObject({ count: 4, sum: 72.5 });
    expect(trimHistogram(custom, 0, 'above')).toBe(custom);
    expect(trimHistogram(custom, -1, 'above')).toMatchObject({ count: 14 });
  });
});

it('compacting drops empty buckets and keeps the rest', () => {
  const compact = compactHistogram(histogram({ positive: [0, 1, 0, 0, 2, 0] }));
  expect(compact.positiveSpans).toEqual([
    { offset: 1, length: 1 },
    { offset: 2, length: 1 },
  ]);
  expect([...compact.positiveBuckets]).toEqual([1, 2]);
});
