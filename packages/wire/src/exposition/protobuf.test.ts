import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from '../errors.ts';
import { mutate, mutations } from '../mutate.testing.ts';
import { createProtoWriter, writeRaw, writeVarint, writtenBytes } from '../proto-writer.ts';
import { buildMessages } from '../schema.testing.ts';
import { parseExposition } from './parse.ts';
import { beginProtobuf } from './protobuf.ts';
import type { ExpositionSamples } from './samples.ts';

const message = buildMessages('client', {
  MetricFamily: [
    [1, 'name', 'string'],
    [2, 'help', 'string'],
    [3, 'type', 'int32'],
    [4, 'metric', 'repeated Metric'],
    [5, 'unit', 'string'],
  ],
  Metric: [
    [1, 'label', 'repeated Label'],
    [2, 'gauge', 'Value'],
    [3, 'counter', 'Value'],
    [4, 'summary', 'Summary'],
    [5, 'untyped', 'Value'],
    [6, 'timestamp_ms', 'int64'],
    [7, 'histogram', 'Histogram'],
  ],
  Label: [
    [1, 'name', 'string'],
    [2, 'value', 'string'],
  ],
  Value: [
    [1, 'value', 'double'],
    [2, 'exemplar', 'Exemplar'],
  ],
  Exemplar: [
    [1, 'label', 'repeated Label'],
    [2, 'value', 'double'],
    [3, 'timestamp', 'Timestamp'],
  ],
  Timestamp: [
    [1, 'seconds', 'int64'],
    [2, 'nanos', 'int32'],
  ],
  Summary: [
    [1, 'sample_count', 'uint64'],
    [2, 'sample_sum', 'double'],
    [3, 'quantile', 'repeated Quantile'],
  ],
  Quantile: [
    [1, 'quantile', 'double'],
    [2, 'value', 'double'],
  ],
  Histogram: [
    [1, 'sample_count', 'uint64'],
    [2, 'sample_sum', 'double'],
    [3, 'bucket', 'repeated Bucket'],
    [5, 'schema', 'sint32'],
    [6, 'zero_threshold', 'double'],
    [7, 'zero_count', 'uint64'],
    [9, 'negative_span', 'repeated Span'],
    [10, 'negative_delta', 'repeated sint64'],
    [12, 'positive_span', 'repeated Span'],
    [13, 'positive_delta', 'repeated sint64'],
    [16, 'exemplars', 'repeated Exemplar'],
  ],
  Bucket: [
    [1, 'cumulative_count', 'uint64'],
    [2, 'upper_bound', 'double'],
    [3, 'exemplar', 'Exemplar'],
  ],
  Span: [
    [1, 'offset', 'sint32'],
    [2, 'length', 'uint32'],
  ],
});

function delimited(...families: object[]): Uint8Array {
  const writer = createProtoWriter();
  for (const family of families) {
    const bytes = toBinary(message('MetricFamily'), fromJson(message('MetricFamily'), family as JsonValue));
    writeVarint(writer, bytes.length);
    writeRaw(writer, bytes);
  }
  return Uint8Array.from(writtenBytes(writer));
}

function contents(parsed: ExpositionSamples): [string, number, number][] {
  return Array.from({ length: parsed.count }, (_, i) => [
    parsed.labels(i).join(' '),
    parsed.values[i]!,
    parsed.timestamps[i]!,
  ]);
}

const exemplar = { label: [{ name: 't', value: 'x' }], value: 2, timestamp: { seconds: '5', nanos: 250_000_000 } };
const FAMILIES = [
  {
    name: 'requests_total',
    help: 'All.',
    type: 0,
    metric: [{ label: [{ name: 'utf.8', value: 'a"\\\n' }], counter: { value: 3, exemplar }, timestampMs: '1500' }],
  },
  {
    name: 'up',
    type: 1,
    metric: [{ gauge: { value: 1 } }, { label: [{ name: 'a', value: 'b' }], gauge: { value: 'NaN' } }],
  },
  {
    name: 'rpc',
    type: 2,
    metric: [{ summary: { sampleCount: '3', sampleSum: 4, quantile: [{ quantile: 1, value: 9 }] } }],
  },
  { name: 'odd', type: 3, metric: [{ untyped: { value: 7 } }] },
  {
    name: 'latency',
    type: 4,
    unit: 'seconds',
    metric: [
      {
        histogram: {
          sampleCount: '6',
          sampleSum: 4.5,
          bucket: [{ cumulativeCount: '2', upperBound: 1, exemplar }],
          schema: 1,
          zeroThreshold: 0.5,
          zeroCount: '1',
          positiveSpan: [{ offset: -1, length: 2 }],
          positiveDelta: ['2', '1'],
          exemplars: [exemplar],
        },
      },
    ],
  },
];

describe('the protobuf format', () => {
  it('gives the samples that the text format has, and classic buckets', () => {
    const parsed = parseExposition(delimited(...FAMILIES), 'protobuf');
    const none = Number.NaN;
    expect(contents(parsed)).toEqual([
      ['__name__ requests_total utf.8 a"\\\n', 3, 1500],
      ['__name__ up', 1, none],
      ['__name__ up a b', none, none],
      ['__name__ rpc_count', 3, none],
      ['__name__ rpc_sum', 4, none],
      ['__name__ rpc quantile 1.0', 9, none],
      ['__name__ odd', 7, none],
      ['__name__ latency_count', 6, none],
      ['__name__ latency_sum', 4.5, none],
      ['__name__ latency_bucket le 1.0', 2, none],
      ['__name__ latency_bucket le +Inf', 6, none],
    ]);
    expect(parsed.exemplars).toEqual([
      { sample: 0, labels: ['t', 'x'], value: 2, timestampMs: 5250 },
      { sample: 9, labels: ['t', 'x'], value: 2, timestampMs: 5250 },
    ]);
    expect(parsed.metadata[0]).toEqual({ family: 'requests_total', type: 'counter', help: 'All.', unit: '' });
    expect(parsed.histograms).toEqual([]);
  });

  it('gives native histograms where they are wanted, with classic buckets where these are too', () => {
    for (const classicToo of [false, true]) {
      const parse = beginProtobuf(delimited(...FAMILIES), { nativeHistograms: true, classicToo });
      while (!parse.parseLines(1));
      const parsed = parse.finish();
      expect(parsed.count).toBe(classicToo ? 11 : 7);
      expect(parsed.histograms).toHaveLength(1);
      const { histogram, seriesStart, exemplars } = parsed.histograms![0]!;
      expect(parsed.labelsAt(seriesStart)).toEqual(['__name__', 'latency']);
      expect(histogram).toMatchObject({ schema: 1, count: 6, zeroCount: 1, positiveBuckets: Float64Array.of(2, 3) });
      expect(exemplars).toHaveLength(1);
    }
  });

  it('is read or refused, whatever the bytes', () => {
    const bytes = delimited(...FAMILIES);
    fc.assert(
      fc.property(mutations, fc.boolean(), (changes, nativeHistograms) => {
        try {
          const parse = beginProtobuf(mutate(bytes, changes), { nativeHistograms, classicToo: true });
          while (!parse.parseLines(3));
          const parsed = parse.finish();
          for (let i = 0; i < parsed.count; i++) parsed.labels(i);
        } catch (error) {
          expect(isWireError(error), String(error)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
