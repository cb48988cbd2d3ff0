import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { METRIC_TYPES } from './remote-write.ts';
import { createWriteRequest2Decoder, type WriteRequest2Columns } from './remote-write-2.ts';
import { encodeWriteRequest2, type WriteRequest2Series } from './remote-write-2-encode.ts';
import { decodeExemplar, decodeHistogram } from './remote-write-histogram.ts';
import { decodeLabels } from './remote-write-labels.ts';
import { buildMessages } from './schema.testing.ts';

const requestSchema = buildMessages('io.prometheus.write.v2', {
  Request: [
    [4, 'symbols', 'repeated string'],
    [5, 'timeseries', 'repeated TimeSeries'],
  ],
  TimeSeries: [
    [1, 'labels_refs', 'repeated uint32'],
    [2, 'samples', 'repeated Sample'],
  ],
  Sample: [
    [1, 'value', 'double'],
    [2, 'timestamp', 'int64'],
    [3, 'start_timestamp', 'int64'],
  ],
})('Request');

const decode = createWriteRequest2Decoder();
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const labels = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }).map((pairs) => pairs.flat());
const sample = fc.record({
  timestampMs: fc.maxSafeInteger(),
  value: fc.double({ noNaN: true }),
  startTimestampMs: fc.oneof(fc.constant(0), fc.maxSafeInteger()),
});
const exemplar = fc.record({ labels, value: fc.double({ noNaN: true }), timestampMs: fc.maxSafeInteger() });
const series = fc.record({
  labels,
  samples: fc.array(sample, { maxLength: 3 }),
  exemplars: fc.array(exemplar, { maxLength: 2 }),
});

function plain(columns: WriteRequest2Columns) {
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  return range(0, columns.seriesCount).map((i) => ({
    labels: decodeLabels(columns.body, columns.labelsStart[i]!, columns.labelsEnd[i]!),
    samples: range(columns.sampleStart[i]!, columns.sampleStart[i + 1]!).map((n) => ({
      timestampMs: columns.timestamps[n]!,
      value: columns.values[n]!,
      startTimestampMs: columns.startTimestamps[n]!,
    })),
    exemplars: range(0, columns.exemplarCount)
      .filter((k) => columns.exemplarSeries[k] === i)
      .map((k) => decodeExemplar(columns.body, columns.exemplarStart[k]!, columns.exemplarEnd[k]!)),
  }));
}

describe('remote write 2.0', () => {
  it('decodes what the encoder wrote', () => {
    fc.assert(
      fc.property(fc.array(series, { maxLength: 6 }), (list) => {
        expect(plain(decode(encodeWriteRequest2(list)))).toEqual(list);
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with another implementation', () => {
    fc.assert(
      fc.property(
        fc.array(
          series.map((one) => ({ ...one, exemplars: [] })),
          { maxLength: 6 },
        ),
        (list) => {
          const theirs = toBinary(requestSchema, fromBinary(requestSchema, encodeWriteRequest2(list)));
          expect(plain(decode(theirs))).toEqual(list);
        },
      ),
    );
  });

  it('takes damaged bytes or throws a WireError', () => {
    fc.assert(
      fc.property(fc.array(series, { minLength: 1, maxLength: 4 }), mutations, (list, changes) => {
        try {
          const columns = decode(mutate(encodeWriteRequest2(list), changes));
          plain(columns);
          for (let i = 0; i < columns.histogramCount; i++) {
            decodeHistogram(columns.body, columns.histogramStart[i]!, columns.histogramEnd[i]!);
          }
        } catch (error) {
          if (!isWireError(error)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps the bits of the staleness marker', () => {
    const columns = decode(
      encodeWriteRequest2([{ labels: ['a', 'b'], samples: [{ timestampMs: 1, value: 'stale' }] }]),
    );
    expect([columns.valueBits[0], columns.valueBits[1]]).toEqual([2, 0x7ff00000]);
  });

  it('takes histograms with their start', () => {
    const histogram = {
      isFloat: true,
      schema: 1,
      counterResetHint: 'unknown' as const,
      zeroThreshold: 0,
      zeroCount: 1,
      count: 3,
      sum: 2,
      positiveSpans: [{ offset: 0, length: 1 }],
      positiveBuckets: Float64Array.of(2),
      negativeSpans: [],
      negativeBuckets: new Float64Array(0),
      customValues: new Float64Array(0),
    };
    const histograms = [{ timestampMs: 7, startTimestampMs: 3, histogram }];
    const columns = decode(encodeWriteRequest2([{ labels: ['a', 'b'] }, { labels: ['c', 'd'], histograms }]));
    expect([columns.histogramCount, columns.histogramSeries[0]]).toEqual([1, 1]);
    expect(decodeHistogram(columns.body, columns.histogramStart[0]!, columns.histogramEnd[0]!)).toEqual(histograms[0]);
  });

  it('lists metadata once for each metric name', () => {
    const metadata = { type: 'counter' as const, help: 'requests', unit: '' };
    const named = (name: string, path: string, rest: Partial<WriteRequest2Series> = {}) => ({
      labels: ['__name__', name, 'path', path],
      ...rest,
    });
    const exemplars = [{ labels: ['trace_id', 'x'], value: 1, timestampMs: 2 }];
    const list = [
      named('a_total', '/', { metadata, exemplars }),
      named('a_total', '/b', { metadata }),
      named('b', '/'),
    ];
    expect(decode(encodeWriteRequest2(list)).metadata).toEqual([{ family: 'a_total', ...metadata }]);
    expect(METRIC_TYPES[1]).toBe('counter');
  });

  it.each([
    [
      'a reference to no symbol',
      [0x0a, 0x02, 0x00, 0x01],
      'parsing labels for series: symbol 1 is outside of the table of 1',
    ],
    [
      'an odd number of references',
      [0x0a, 0x01, 0x00],
      'parsing labels for series: an odd number of label references: 1',
    ],
    [
      'metadata of no symbol',
      [0x2a, 0x02, 0x18, 0x05],
      'parsing metadata for series: symbol 5 is outside of the table of 1',
    ],
  ])('tells %s with its series, and goes on', (_what, bytes, reason) => {
    const series = [0x2a, bytes.length, ...bytes];
    const { seriesCount, seriesFaults } = createWriteRequest2Decoder()(
      Uint8Array.from([0x22, 0x00, 0x2a, 0x00, ...series, 0x2a, 0x00]),
    );
    expect(seriesCount).toBe(3);
    expect([...seriesFaults]).toEqual([[1, reason]]);
  });

  it('leaves out exemplars that refer to no symbol', () => {
    const exemplar = [0x22, 0x04, 0x0a, 0x02, 0x00, 0x07];
    const { exemplarCount, exemplarFaults } = createWriteRequest2Decoder()(
      Uint8Array.from([0x22, 0x00, 0x2a, exemplar.length, ...exemplar]),
    );
    expect(exemplarCount).toBe(0);
    expect(exemplarFaults).toEqual([{ series: 0, reason: 'parsing exemplar: symbol 7 is outside of the table of 1' }]);
  });

  it('takes references one by one and symbols after the series', () => {
    const bytes = Uint8Array.of(0x2a, 0x04, 0x08, 0x00, 0x08, 0x01, 0x22, 0x00, 0x22, 0x01, 0x78);
    expect(plain(decode(bytes))[0]!.labels).toEqual(['', 'x']);
  });

  it('takes the start that older senders give a series', () => {
    const bytes = Uint8Array.of(0x2a, 0x06, 0x12, 0x02, 0x10, 0x05, 0x30, 0x03);
    expect(plain(decode(bytes))[0]!.samples).toEqual([{ timestampMs: 5, value: 0, startTimestampMs: 3 }]);
  });

  it('bounds what symbols grow to when they are written out', () => {
    const small = createWriteRequest2Decoder({ maxLabelBytes: 10_000 });
    const list = Array.from({ length: 100 }, () => ({ labels: ['name', 'x'.repeat(1000)] }));
    expect(() => small(encodeWriteRequest2(list))).toThrow('labels of more than 10000 bytes');
    const repeated = { labels: Array.from({ length: 20_002 }, () => 'x') };
    expect(() => decode(encodeWriteRequest2([repeated]))).toThrow('more than 10000 labels');
  });
});
