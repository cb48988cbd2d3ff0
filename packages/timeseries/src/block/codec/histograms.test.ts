import type { FloatHistogram } from '@opendata/promql';
import { describe, expect, it } from 'vitest';
import { randomFrom, setBits, wordsOf } from './columns.testing.ts';
import { PageFormatError } from './errors.ts';
import type { MaybeHistogram } from './histograms-encode.ts';
import { PageReader } from './page-reader.ts';
import { PageWriter } from './page-writer.ts';

const timestamps = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => 1e12 + i * 15_000);

/** A classic life of a native histogram: counts grow, now and then a bucket is added, rarely a restart. */
function life(seed: number, count: number, isCustom = false): FloatHistogram[] {
  const random = randomFrom(seed);
  let buckets = new Float64Array(4);
  let zeroCount = 0;
  return Array.from({ length: count }, (_, i) => {
    const isReset = random() < 0.02;
    if (isReset) buckets = new Float64Array(3);
    else if (random() < 0.03) buckets = Float64Array.of(...buckets, 0);
    buckets = buckets.map((bucket) => (isReset ? 0 : bucket) + Math.floor(random() * 5));
    zeroCount += isCustom ? 0 : Math.floor(random() * 2);
    const observed = buckets.reduce((sum, bucket) => sum + bucket, zeroCount);
    return {
      schema: isCustom ? -53 : 3,
      counterResetHint: i === 0 || isReset ? 'reset' : 'not_reset',
      zeroThreshold: isCustom ? 0 : 2 ** -128,
      zeroCount,
      count: observed,
      sum: observed * (0.5 + random()),
      positiveSpans: [
        { offset: -7, length: 2 },
        { offset: 3, length: buckets.length - 2 },
      ],
      positiveBuckets: buckets,
      negativeSpans: isCustom ? [] : [{ offset: 0, length: 1 }],
      negativeBuckets: isCustom ? new Float64Array(0) : Float64Array.of(i),
      customValues: isCustom ? Float64Array.of(0.1, 1, 10) : new Float64Array(0),
    };
  });
}

function roundTrip(values: Float64Array, histograms: readonly MaybeHistogram[]): [MaybeHistogram[], Float64Array] {
  const writer = new PageWriter();
  writer.addSeries(timestamps(3), Float64Array.of(1, 2, 4));
  writer.addSeries(timestamps(values.length), values, histograms);
  const page = new PageReader(writer.finish());
  expect(page.hasHistograms(0)).toBe(false);
  expect(page.hasHistograms(1)).toBe(true);
  expect(() => page.readValues(1, new Float64Array(values.length))).toThrow(PageFormatError);
  expect(() => page.readHistograms(0, new Float64Array(3))).toThrow(PageFormatError);
  const target = new Float64Array(values.length + 1);
  return [page.readHistograms(1, target, 1), target.subarray(1)];
}

describe('native histograms in a page', () => {
  it.each([1, 2, 3, 17, 240])('come back, %i samples', (count) => {
    for (const isCustom of [false, true]) {
      const histograms = life(count, count, isCustom);
      const [read] = roundTrip(new Float64Array(count), histograms);
      expect(read).toEqual(histograms);
    }
  });

  it('come back with floats between them', () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => i / 4);
    setBits(values, 50, 0x7ff00000, 2);
    const histograms: MaybeHistogram[] = life(7, 100);
    for (let i = 0; i < 100; i++) if (i % 10 === 0 || (i > 40 && i < 60)) histograms[i] = undefined;
    const [read, floats] = roundTrip(values, histograms);
    expect(read).toEqual(histograms);
    const expected = values.map((value, i) => (histograms[i] === undefined ? value : 0));
    setBits(expected, 50, 0x7ff00000, 2);
    expect(wordsOf(floats)).toEqual(wordsOf(expected));
  });

  it('keep the bits of a stale sum', () => {
    const sum = new Float64Array(1);
    setBits(sum, 0, 0x7ff00000, 2);
    const histograms = life(5, 20).map((histogram, i) => (i === 19 ? { ...histogram, sum: sum[0]! } : histogram));
    const [read] = roundTrip(new Float64Array(20), histograms);
    expect(wordsOf(Float64Array.of(read[19]!.sum))).toEqual(wordsOf(sum));
  });

  it('cost little where buckets grow slowly', () => {
    const histograms = life(1, 240).map((histogram) => ({ ...histogram, counterResetHint: 'unknown' as const }));
    const writer = new PageWriter();
    writer.addSeries(timestamps(240), new Float64Array(240), histograms);
    expect(writer.sizes.valueBytes / 240).toBeLessThan(32);
  });

  it('are refused where buckets and spans disagree', () => {
    const [histogram] = life(1, 1);
    const wrong = { ...histogram!, positiveBuckets: new Float64Array(9) };
    expect(() => new PageWriter().addSeries(timestamps(1), new Float64Array(1), [wrong])).toThrow(RangeError);
  });

  it('are refused or read, whatever byte is changed', () => {
    const random = randomFrom(21);
    const writer = new PageWriter();
    const histograms: MaybeHistogram[] = life(9, 40);
    for (let i = 0; i < 5; i++) histograms[i * 3] = undefined;
    writer.addSeries(timestamps(40), timestamps(40), histograms);
    const whole = writer.finish();
    for (let round = 0; round < 3000; round++) {
      const bytes = whole.slice();
      const changes = 1 + Math.floor(random() * 3);
      for (let i = 0; i < changes; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        const page = new PageReader(bytes, { maxTimestamps: 1000 });
        for (let series = 0; series < page.seriesCount; series++) {
          page.timestamps(series);
          page.readHistograms(series, new Float64Array(page.sampleCount(series)));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(PageFormatError);
      }
    }
  });
});
