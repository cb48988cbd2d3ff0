import { describe, expect, it } from 'vitest';
import { histogramJson } from './json-histogram.ts';

const EMPTY = {
  schema: 0,
  counterResetHint: 'unknown',
  zeroThreshold: 0.5,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  positiveBuckets: new Float64Array(0),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
} as const;

describe('a native histogram as JSON', () => {
  it('has its buckets in ascending order with their boundaries, without empty ones', () => {
    const histogram = {
      ...EMPTY,
      zeroCount: 2,
      count: 9,
      sum: 1e21,
      positiveSpans: [{ offset: 0, length: 3 }],
      positiveBuckets: Float64Array.of(1, 0, 3),
      negativeSpans: [{ offset: 1, length: 1 }],
      negativeBuckets: Float64Array.of(3),
    };
    expect(histogramJson(histogram)).toBe(
      '{"count":"9","sum":"1e+21","buckets":[[1,"-2","-1","3"],[3,"-0.5","0.5","2"],[0,"0.5","1","1"],[0,"2","4","3"]]}',
    );
  });

  it('without observations has no list', () => {
    expect(histogramJson(EMPTY)).toBe('{"count":"0","sum":"0"}');
  });
});
