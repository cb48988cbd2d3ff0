import { create, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { createWriteRequestDecoder, METRIC_TYPES, type WriteRequestColumns } from './remote-write.ts';
import { encodeWriteRequest, type WriteRequest } from './remote-write-encode.ts';
import { decodeExemplar, decodeHistogram } from './remote-write-histogram.ts';
import { decodeLabels } from './remote-write-labels.ts';
import { remoteWriteMessage } from './schema.testing.ts';

const requestSchema = remoteWriteMessage('WriteRequest');

interface PlainSeries {
  readonly labels: string[];
  readonly samples: { bits: [number, number]; timestampMs: number }[];
}

function plain(columns: WriteRequestColumns): PlainSeries[] {
  return Array.from({ length: columns.seriesCount }, (_, i) => ({
    labels: decodeLabels(columns.body, columns.labelsStart[i]!, columns.labelsEnd[i]!),
    samples: Array.from({ length: columns.sampleStart[i + 1]! - columns.sampleStart[i]! }, (_, k) => {
      const n = columns.sampleStart[i]! + k;
      return {
        bits: [columns.valueBits[2 * n]! >>> 0, columns.valueBits[2 * n + 1]! >>> 0] as [number, number],
        timestampMs: columns.timestamps[n]!,
      };
    }),
  }));
}

function bitsOf(value: number): [number, number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

interface ReferenceRequest {
  timeseries: { labels: { name: string; value: string }[]; samples: { value: number; timestamp: bigint }[] }[];
}

function reference(bytes: Uint8Array): PlainSeries[] {
  const request = fromBinary(requestSchema, bytes) as MessageShape<typeof requestSchema> as unknown as ReferenceRequest;
  return request.timeseries.map((series) => ({
    labels: series.labels.flatMap(({ name, value }) => [name, value]),
    samples: series.samples.map(({ value, timestamp }) => ({ bits: bitsOf(value), timestampMs: Number(timestamp) })),
  }));
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const labels = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }).map((pairs) => pairs.flat());
const timestampMs = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 49, 2 ** 28 - 1),
);
const value = fc.oneof(fc.double(), fc.constantFrom(0, -0, Infinity, -Infinity), fc.integer());
const request: fc.Arbitrary<WriteRequest> = fc.record({
  series: fc.array(
    fc.record({
      labels,
      samples: fc.array(fc.record({ timestampMs, value: fc.oneof(value, fc.constant('stale' as const)) }), {
        maxLength: 4,
      }),
    }),
    { maxLength: 8 },
  ),
  metadata: fc.array(fc.record({ family: text, type: fc.constantFrom(...METRIC_TYPES), help: text, unit: text }), {
    maxLength: 2,
  }),
});

describe('remote write 1.0', () => {
  const decode = createWriteRequestDecoder();

  it('decodes what the encoder wrote, bit by bit', () => {
    fc.assert(
      fc.property(request, (input) => {
        const columns = decode(encodeWriteRequest(input));
        const expected = input.series.map((series) => ({
          labels: series.labels,
          samples: (series.samples ?? []).map((sample) => ({
            bits: sample.value === 'stale' ? [2, 0x7ff00000] : bitsOf(sample.value),
            timestampMs: sample.timestampMs,
          })),
        }));
        expect(plain(columns)).toEqual(expected);
        expect(columns.metadata).toEqual(input.metadata ?? []);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with another implementation about its bytes and ours', () => {
    fc.assert(
      fc.property(request, (input) => {
        const bytes = encodeWriteRequest({ series: withoutNaN(input) });
        expect(plain(decode(bytes))).toEqual(reference(bytes));
        const again = toBinary(requestSchema, fromBinary(requestSchema, bytes));
        expect(plain(decode(again))).toEqual(reference(bytes));
      }),
    );
  });

  it('takes series whose fields come in any order, with unknown ones between', () => {
    const label = (name: string, text: string) =>
      fieldOf(1, Uint8Array.from([...fieldOf(1, Buffer.from(name)), ...fieldOf(2, Buffer.from(text))]));
    const sample = (at: number) => fieldOf(2, Uint8Array.of(0x10, at));
    const parts = [
      label('a', '1'),
      sample(1),
      label('b', '2'),
      fieldOf(9, Uint8Array.of(1, 2)),
      sample(2),
      Uint8Array.of(0x38, 7),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: 1 }), (chosen) => {
        const bytes = fieldOf(1, Buffer.concat(chosen));
        expect(plain(decode(bytes))).toEqual(reference(bytes));
      }),
    );
  });

  it('decodes damaged bytes as the other implementation does, or throws a WireError', () => {
    let accepted = 0;
    fc.assert(
      fc.property(request, mutations, (input, list) => {
        const bytes = mutate(encodeWriteRequest({ series: withoutNaN(input) }), list);
        let ours: PlainSeries[];
        try {
          const columns = decode(bytes);
          ours = plain(columns);
          decodePoints(columns);
        } catch (error) {
          if (!isWireError(error)) throw error;
          return;
        }
        accepted++;
        expect(ours.map(withCanonicalNaN)).toEqual(reference(bytes).map(withCanonicalNaN));
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          plain(decode(bytes));
        } catch (error) {
          if (!isWireError(error)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('works on a view in the middle of a larger buffer', () => {
    const bytes = encodeWriteRequest({
      series: [{ labels: ['a', 'b'], samples: [{ timestampMs: 5, value: Math.PI }] }],
    });
    const larger = new Uint8Array(bytes.length + 6);
    larger.set(bytes, 3);
    const columns = decode(larger.subarray(3, 3 + bytes.length));
    expect(columns.values[0]).toBe(Math.PI);
  });

  it('keeps ranges right when the arrays grow', () => {
    const series = Array.from({ length: 10_000 }, (_, i) => ({
      labels: ['i', `${i}`],
      samples: [
        { timestampMs: i, value: i },
        { timestampMs: i + 1, value: -i },
      ],
    }));
    const columns = decode(encodeWriteRequest({ series }));
    expect([columns.seriesCount, columns.sampleCount]).toEqual([10_000, 20_000]);
    expect(plain(columns)[9_999]!.labels).toEqual(['i', '9999']);
    expect(columns.sampleStart[10_000]).toBe(20_000);
    expect(columns.values[19_999]).toBe(-9_999);
  });

  it('refuses more series or samples than the limits', () => {
    const small = createWriteRequestDecoder({ maxSeries: 2, maxSamples: 3 });
    const series = (samples: number) => ({
      labels: ['a', 'b'],
      samples: Array.from({ length: samples }, () => ({ timestampMs: 1, value: 1 })),
    });
    expect(small(encodeWriteRequest({ series: [series(2), series(1)] })).sampleCount).toBe(3);
    expect(() => small(encodeWriteRequest({ series: [series(4)] }))).toThrow('more than 3 samples');
    expect(() => small(encodeWriteRequest({ series: [series(0), series(0), series(0)] }))).toThrow(
      'more than 2 series',
    );
  });

  it.each([
    ['a group', [0x0b, 0x0c], 'groups are not supported'],
    ['field number 0', [0x02, 0x00], 'field number 0'],
    ['a length past the end', [0x0a, 0x05, 0x00], 'runs past the end'],
    [
      'a timestamp beyond 2^53',
      [0x0a, 0x0c, 0x12, 0x0a, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      'beyond 2^53',
    ],
    ['a varint that does not end', [0x0a, 0x0d, 0x12, 0x0b, 0x10, ...Array(10).fill(0xff)], 'varint'],
    ['a value of another wire type', [0x0a, 0x04, 0x12, 0x02, 0x08, 0x01], 'wire type 0'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(message);
  });

  it('refuses labels that are not UTF-8', () => {
    const columns = decode(Uint8Array.of(0x0a, 0x07, 0x0a, 0x05, 0x0a, 0x01, 0xff, 0x12, 0x00));
    expect(() => decodeLabels(columns.body, columns.labelsStart[0]!, columns.labelsEnd[0]!)).toThrow(
      'label name is not UTF-8',
    );
  });

  it('knows the bytes of a request of another implementation', () => {
    const bytes = toBinary(
      requestSchema,
      create(requestSchema, {
        timeseries: [
          { labels: [{ name: '__name__', value: 'up' }], samples: [{ value: 1, timestamp: 1_732_000_000_123n }] },
        ],
        metadata: [{ type: 2, metricFamilyName: 'up', help: 'is it', unit: '' }],
      } as Record<string, unknown>),
    );
    const columns = decode(bytes);
    expect(plain(columns)).toEqual([
      { labels: ['__name__', 'up'], samples: [{ bits: bitsOf(1), timestampMs: 1_732_000_000_123 }] },
    ]);
    expect(columns.metadata).toEqual([{ family: 'up', type: 'gauge', help: 'is it', unit: '' }]);
  });
});

/** What the decoder leaves to be decoded on demand. */
function decodePoints(columns: WriteRequestColumns): void {
  for (let i = 0; i < columns.exemplarCount; i++) {
    decodeExemplar(columns.body, columns.exemplarStart[i]!, columns.exemplarEnd[i]!);
  }
  for (let i = 0; i < columns.histogramCount; i++) {
    decodeHistogram(columns.body, columns.histogramStart[i]!, columns.histogramEnd[i]!);
  }
}

function withCanonicalNaN(series: PlainSeries): PlainSeries {
  const isNaNBits = ([low, high]: [number, number]) =>
    (high & 0x7ff00000) === 0x7ff00000 && ((high & 0xfffff) !== 0 || low !== 0);
  return {
    labels: series.labels,
    samples: series.samples.map((sample) => (isNaNBits(sample.bits) ? { ...sample, bits: [0, 0x7ff80000] } : sample)),
  };
}

/** NaN payloads do not survive the other implementation. */
function withoutNaN(input: WriteRequest) {
  return input.series.map((series) => ({
    ...series,
    samples: (series.samples ?? []).filter((sample) => sample.value !== 'stale' && !Number.isNaN(sample.value)),
  }));
}

function fieldOf(field: number, content: Uint8Array): Uint8Array {
  return Uint8Array.from([(field << 3) | 2, content.length, ...content]);
}
