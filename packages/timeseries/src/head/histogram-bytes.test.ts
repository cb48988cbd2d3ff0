import { type FloatHistogram, writeStaleMarker } from '@opendata/promql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHistogramBytes, encodeHistogram, HistogramBytesError } from './histogram-bytes.ts';

const count = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.double({ noNaN: false }), fc.constantFrom(0, -0, 0.5));
const counts = fc.oneof(fc.array(fc.nat({ max: 1e6 })), fc.array(count)).map((list) => Float64Array.from(list));
const spans = fc.array(fc.record({ offset: fc.integer({ min: -2000, max: 2000 }), length: fc.nat({ max: 1000 }) }));
const histogram: fc.Arbitrary<FloatHistogram> = fc.record({
  schema: fc.constantFrom(-53, -4, 0, 3, 8),
  counterResetHint: fc.constantFrom('unknown', 'reset', 'not_reset', 'gauge'),
  zeroThreshold: fc.oneof(fc.constantFrom(0, 2 ** -128, 0.001), fc.double()),
  zeroCount: count,
  count,
  sum: fc.double(),
  positiveSpans: spans,
  positiveBuckets: counts,
  negativeSpans: spans,
  negativeBuckets: counts,
  customValues: fc.array(fc.double()).map((list) => Float64Array.from(list)),
});

const words = (column: Float64Array) => [...new Uint32Array(column.buffer, column.byteOffset, column.length * 2)];

describe('a histogram as bytes', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(histogram, (given) => {
        const bytes = encodeHistogram(given);
        expect(decodeHistogramBytes(bytes, 0, bytes.length)).toEqual(given);
      }),
    );
  });

  it('keeps the bits of a staleness marker', () => {
    const sum = new Float64Array(1);
    writeStaleMarker(sum, 0);
    const [given] = fc.sample(histogram, 1);
    const bytes = encodeHistogram({ ...given!, sum: sum[0]! });
    expect(words(Float64Array.of(decodeHistogramBytes(bytes, 0, bytes.length).sum))).toEqual(words(sum));
  });

  it('takes about a byte a bucket where counts are small and whole', () => {
    const bytes = encodeHistogram({
      schema: 3,
      counterResetHint: 'unknown',
      zeroThreshold: 2 ** -128,
      zeroCount: 0,
      count: 100,
      sum: 12.5,
      positiveSpans: [{ offset: 3, length: 20 }],
      positiveBuckets: new Float64Array(20).fill(5),
      negativeSpans: [],
      negativeBuckets: new Float64Array(0),
      customValues: new Float64Array(0),
    });
    expect(bytes.length).toBeLessThanOrEqual(36);
  });

  it('of any bytes is read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeHistogramBytes(bytes, 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(HistogramBytesError);
        }
      }),
    );
  });
});
