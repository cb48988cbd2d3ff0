import type { FloatHistogram } from '@opendata/promql';
import { expect, it } from 'vitest';
import { checkHistogram } from './check-histogram.ts';

/** Six observations in four buckets, the zero bucket's one included. */
const histogram: FloatHistogram = {
  schema: 0,
  counterResetHint: 'unknown',
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 6,
  sum: 10,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: Float64Array.of(2, 1),
  negativeSpans: [{ offset: 0, length: 1 }],
  negativeBuckets: Float64Array.of(2),
  customValues: new Float64Array(0),
};

const messageOf = (changes: Partial<FloatHistogram>, isFloat = false): string => {
  try {
    checkHistogram({ ...histogram, ...changes }, isFloat);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

it('wants whole counts to add up, as Prometheus does', () => {
  expect(messageOf({})).toBe('');
  expect(messageOf({ count: 9 })).toBe(
    "invalid native histogram: 6 observations found in buckets, but the Count field is 9: histogram's observation " +
      'count should equal the number of observations found in the buckets (in absence of NaN)',
  );
  expect(messageOf({ count: 5 })).toContain('6 observations found in buckets, but the Count field is 5');
});

it('lets observations of NaN be in no bucket', () => {
  expect(messageOf({ count: 9, sum: Number.NaN })).toBe('');
  expect(messageOf({ count: 5, sum: Number.NaN })).toContain('should be at least the number of observations');
});

it('does not add up floats, which are rounded', () => {
  expect(messageOf({ count: 9 }, true)).toBe('');
});
