import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { createWriteRequestDecoder } from './remote-write.ts';
import { encodeWriteRequest } from './remote-write-encode.ts';
import { decodeExemplar, decodeHistogram, type HistogramSample } from './remote-write-histogram.ts';
import { remoteWriteMessage } from './schema.testing.ts';

const decode = createWriteRequestDecoder();
const schema = remoteWriteMessage('Histogram');
const bucket = fc.integer({ min: 0, max: 1e9 });
const span = fc.record({ offset: fc.integer({ min: -100, max: 100 }), length: fc.constant(2) });

const histogramSample: fc.Arbitrary<HistogramSample> = fc
  .record({
    timestampMs: fc.maxSafeInteger(),
    schema: fc.integer({ min: -53, max: 8 }),
    counterResetHint: fc.constantFrom('unknown', 'reset', 'not_reset', 'gauge'),
    zeroThreshold: fc.double({ noNaN: true }),
    zeroCount: bucket,
    count: bucket,
    sum: fc.double({ noNaN: true }),
    positiveSpans: fc.array(span, { maxLength: 3 }),
    negativeSpans: fc.array(span, { maxLength: 3 }),
    customValues: fc.array(fc.double({ noNaN: true }), { maxLength: 4 }),
  })
  .map(({ timestampMs, customValues, ...rest }) => ({
    timestampMs,
    histogram: {
      isFloat: true,
      ...rest,
      positiveBuckets: Float64Array.from(rest.positiveSpans.flatMap((_, i) => [i * 3, i * 3 + 1.5])),
      negativeBuckets: Float64Array.from(rest.negativeSpans.flatMap((_, i) => [i * 2, i * 2 + 1])),
      customValues: Float64Array.from(customValues),
    },
  }));

describe('histograms and exemplars', () => {
  it('decodes the float histograms that the encoder wrote', () => {
    fc.assert(
      fc.property(histogramSample, (sample) => {
        const columns = decode(encodeWriteRequest({ series: [{ labels: ['a', 'b'], histograms: [sample] }] }));
        expect(columns.histogramCount).toBe(1);
        expect(columns.histogramSeries[0]).toBe(0);
        expect(decodeHistogram(columns.body, columns.histogramStart[0]!, columns.histogramEnd[0]!)).toEqual(sample);
      }),
    );
  });

  it('turns the deltas of integer histograms into absolute counts', () => {
    fc.assert(
      fc.property(fc.array(bucket, { maxLength: 12 }), fc.array(bucket, { maxLength: 12 }), (positive, negative) => {
        const deltas = (counts: number[]) => counts.map((count, i) => BigInt(count - (counts[i - 1] ?? 0)));
        const bytes = toBinary(
          schema,
          create(schema, {
            countInt: 7n,
            zeroCountInt: 3n,
            sum: 1.5,
            schema: -4,
            positiveSpans: [{ offset: -2, length: positive.length }],
            positiveDeltas: deltas(positive),
            negativeSpans: [{ offset: 5, length: negative.length }],
            negativeDeltas: deltas(negative),
            resetHint: 2,
            timestamp: -12n,
          } as Record<string, unknown>),
        );
        expect(decodeHistogram(bytes, 0, bytes.length)).toEqual({
          timestampMs: -12,
          histogram: {
            isFloat: false,
            schema: -4,
            counterResetHint: 'not_reset',
            zeroThreshold: 0,
            zeroCount: 3,
            count: 7,
            sum: 1.5,
            positiveSpans: [{ offset: -2, length: positive.length }],
            positiveBuckets: Float64Array.from(positive),
            negativeSpans: [{ offset: 5, length: negative.length }],
            negativeBuckets: Float64Array.from(negative),
            customValues: new Float64Array(0),
          },
        });
      }),
    );
  });

  it('refuses spans that declare other buckets than there are', () => {
    const bytes = Uint8Array.of(0x5a, 0x06, 0x10, 0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(() => decodeHistogram(bytes, 0, bytes.length)).toThrow('spans need 4294967295 buckets, have 0');
  });

  it('decodes exemplars', () => {
    const exemplar = { labels: ['trace_id', 'é'], value: -0.5, timestampMs: 1_732_000_000_123 };
    const columns = decode(encodeWriteRequest({ series: [{ labels: ['a', 'b'], exemplars: [exemplar] }] }));
    expect(decodeExemplar(columns.body, columns.exemplarStart[0]!, columns.exemplarEnd[0]!)).toEqual(exemplar);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(histogramSample, mutations, (sample, list) => {
        const bytes = mutate(encodeWriteRequest({ series: [{ labels: [], histograms: [sample] }] }).subarray(4), list);
        for (const run of [decodeHistogram, decodeExemplar]) {
          try {
            run(bytes, 0, bytes.length);
          } catch (error) {
            if (!isWireError(error)) throw error;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
