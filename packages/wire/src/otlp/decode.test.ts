import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from '../errors.ts';
import { mutate, mutations } from '../mutate.testing.ts';
import { decodeOtlpMetrics } from './decode.ts';
import type { OtlpPart } from './model.ts';
import { encodeOtlpResponse, encodeRpcStatus } from './responses.ts';
import { otlpMessage } from './schema.testing.ts';

const message = otlpMessage('Request');

function fromProtobuf(json: object): OtlpPart[] {
  const bytes = toBinary(message, fromJson(message, idsInBase64(json) as JsonValue));
  return [...decodeOtlpMetrics(bytes, 'protobuf')].filter((part) => part !== undefined);
}

/** Protobuf's JSON has bytes in base64, where OTLP's has ids in hex. */
function idsInBase64(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(idsInBase64);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === 'traceId' || key === 'spanId' ? Buffer.from(one as string, 'hex').toString('base64') : idsInBase64(one),
    ]),
  );
}

function fromText(json: object): OtlpPart[] {
  return [...decodeOtlpMetrics(Buffer.from(JSON.stringify(json)), 'json')].filter((part) => part !== undefined);
}

const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('NaN', 'Infinity', '-Infinity'),
);
const uint = fc.bigInt(0n, 2n ** 64n - 1n).map(String);
const int = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String);
const time = fc.bigInt(0n, 2n ** 64n - 1n).map(String);
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((id) => Buffer.from(id).toString('hex'));

const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int }),
    fc.record({ doubleValue: double }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('base64')) }),
    fc.constant({}),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({
      kvlistValue: fc.record({ values: fc.array(fc.record({ key: text, value: tie('value') }), { maxLength: 3 }) }),
    }),
  ),
}));

const attributes = fc.array(fc.record({ key: text, value: anyValue }), { maxLength: 4 });
const number = fc.oneof(fc.record({ asDouble: double }), fc.record({ asInt: int }), fc.constant({}));
const exemplars = fc.array(
  fc
    .tuple(number, fc.record({ timeUnixNano: time, filteredAttributes: attributes, traceId: hex(16), spanId: hex(8) }))
    .map(([value, rest]) => ({ ...value, ...rest })),
  { maxLength: 2 },
);
const common = { startTimeUnixNano: time, timeUnixNano: time, attributes, flags: fc.nat(3) };
const buckets = fc.record({ offset: fc.integer(), bucketCounts: fc.array(uint, { maxLength: 5 }) });
const temporality = { aggregationTemporality: fc.nat(3) };
const optional = { requiredKeys: ['timeUnixNano'] as ['timeUnixNano'] };

const numberPoints = fc.array(
  fc.tuple(number, fc.record({ ...common, exemplars }, optional)).map(([value, rest]) => ({ ...value, ...rest })),
  { maxLength: 3 },
);
const histogramPoint = fc.record(
  {
    ...common,
    exemplars,
    count: uint,
    sum: double,
    bucketCounts: fc.array(uint, { maxLength: 4 }),
    explicitBounds: fc.array(double, { maxLength: 4 }),
  },
  optional,
);
const exponentialPoint = fc.record(
  {
    ...common,
    exemplars,
    count: uint,
    sum: double,
    scale: fc.integer({ min: -20, max: 20 }),
    zeroCount: uint,
    zeroThreshold: double,
    positive: buckets,
    negative: buckets,
  },
  optional,
);
const summaryPoint = fc.record(
  {
    ...common,
    count: uint,
    sum: double,
    quantileValues: fc.array(fc.record({ quantile: double, value: double }), { maxLength: 3 }),
  },
  optional,
);
const points = <T>(point: fc.Arbitrary<T>) => fc.array(point, { maxLength: 3 });

const data = fc.oneof(
  fc.record({ gauge: fc.record({ dataPoints: numberPoints }) }),
  fc.record({ sum: fc.record({ dataPoints: numberPoints, isMonotonic: fc.boolean(), ...temporality }) }),
  fc.record({ histogram: fc.record({ dataPoints: points(histogramPoint), ...temporality }) }),
  fc.record({ exponentialHistogram: fc.record({ dataPoints: points(exponentialPoint), ...temporality }) }),
  fc.record({ summary: fc.record({ dataPoints: points(summaryPoint) }) }),
  fc.constant({}),
);
const metric = fc
  .tuple(fc.record({ name: text, description: text, unit: text }), data)
  .map(([head, rest]) => ({ ...head, ...rest }));
const request = fc.record({
  resourceMetrics: fc.array(
    fc.record({
      resource: fc.record({ attributes }),
      scopeMetrics: fc.array(
        fc.record({
          scope: fc.record({ name: text, version: text, attributes }),
          schemaUrl: text,
          metrics: fc.array(metric, { maxLength: 3 }),
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
});

describe('requests of OTLP metrics', () => {
  it('read the same in protobuf and in JSON', () => {
    fc.assert(
      fc.property(request, (json) => {
        expect(fromProtobuf(json)).toEqual(fromText(json));
      }),
      { numRuns: 300 },
    );
  });

  it('are read or refused, whatever the bytes', () => {
    fc.assert(
      fc.property(
        request,
        mutations,
        fc.constantFrom('protobuf' as const, 'json' as const),
        (json, changes, encoding) => {
          const bytes =
            encoding === 'json'
              ? Buffer.from(JSON.stringify(json))
              : toBinary(message, fromJson(message, idsInBase64(json) as JsonValue));
          try {
            for (const part of decodeOtlpMetrics(mutate(bytes, changes), encoding)) expect(part?.points).not.toBe(null);
          } catch (error) {
            expect(isWireError(error), String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          for (const part of decodeOtlpMetrics(bytes, 'protobuf')) expect(part?.points).not.toBe(null);
        } catch (error) {
          expect(isWireError(error), String(error)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('have times in whole ms and integers of 64 bits as near as a number can be', () => {
    const dataPoints = [
      { timeUnixNano: '1700000000123999999', startTimeUnixNano: '18446744073709551615', asInt: '9007199254740993' },
    ];
    const json = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints } }] }] }] };
    for (const parts of [fromProtobuf(json), fromText(json)]) {
      expect(parts[0]?.points).toMatchObject([
        { timeMs: 1_700_000_000_123, startTimeMs: 18_446_744_073_709, value: 9007199254740992 },
      ]);
    }
  });

  it('have attributes of every type as text', () => {
    const values = [
      [{ stringValue: 'a<b' }, 'a<b'],
      [{ intValue: '-9223372036854775808' }, '-9223372036854775808'],
      [{ doubleValue: 1e-7 }, '1e-7'],
      [{ boolValue: false }, 'false'],
      [{ bytesValue: 'AAEC' }, 'AAEC'],
      [{ arrayValue: { values: [{ stringValue: '"' }, { intValue: '1' }, {}] } }, '["\\"",1,null]'],
      [{ kvlistValue: { values: [{ key: 'b', value: { boolValue: true } }, { key: 'a' }] } }, '{"a":null,"b":true}'],
      [{}, ''],
    ] as const;
    const resource = { attributes: values.map(([value], i) => ({ key: String(i), value })) };
    const json = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ name: 'm' }] }] }] };
    const expected = values.flatMap(([, printed], i) => [String(i), printed]);
    expect(fromProtobuf(json)[0]?.resource.attributes).toEqual(expected);
    expect(fromText(json)[0]?.resource.attributes).toEqual(expected);
  });

  it('are cut into parts, so that long ones can be read in turns', () => {
    const dataPoints = Array.from({ length: 300 }, (_, i) => ({ timeUnixNano: '1000000', asInt: String(i) }));
    const json = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints } }] }] }] };
    for (const parts of [fromProtobuf(json), fromText(json)]) {
      expect(parts.map((part) => part.points.length)).toEqual([128, 128, 44]);
      expect(parts[0]?.metric).toBe(parts[2]?.metric);
    }
  });

  it('that are nested too deep are refused', () => {
    let value: object = { stringValue: 'x' };
    let bytes: number[] = [];
    const field = (number: number, message: readonly number[]) => {
      const { length } = message;
      return [number * 8 + 2, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...message];
    };
    for (let i = 0; i < 70; i++) {
      value = { arrayValue: { values: [value] } };
      bytes = field(5, field(1, bytes));
    }
    const message = Uint8Array.from(field(1, field(1, field(1, field(2, bytes)))));
    expect(() => [...decodeOtlpMetrics(message, 'protobuf')]).toThrow('nested more than 64 deep');
    const json = { resourceMetrics: [{ resource: { attributes: [{ key: 'k', value }] } }] };
    expect(() => fromText(json)).toThrow('nested more than 64 deep');
    expect(() => [...decodeOtlpMetrics(Buffer.from('['.repeat(1e6)), 'json')]).toThrow(/otlp/);
  });

  it('of wrong JSON are refused with the place', () => {
    const faults: [object, string][] = [
      [{ resourceMetrics: 1 }, 'resourceMetrics: expected an array, found 1'],
      [{ resourceMetrics: [{ resource: [] }] }, 'resource: expected an object, found an array'],
      [
        { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ gauge: { dataPoints: [{ asInt: '1.5' }] } }] }] }] },
        'otlp: resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0].asInt: expected an integer, found 1.5',
      ],
      [
        {
          resourceMetrics: [
            { scopeMetrics: [{}, { metrics: [{}, { sum: { dataPoints: [{}, { asDouble: 'x' }] } }] }] },
          ],
        },
        'otlp: resourceMetrics[0].scopeMetrics[1].metrics[1].sum.dataPoints[1].asDouble: expected a number, found x',
      ],
      [
        {
          resourceMetrics: [{ scopeMetrics: [{ metrics: [{ gauge: { dataPoints: [...Array(200).fill({}), 7] } }] }] }],
        },
        'metrics[0].gauge.dataPoints[200]: expected an object, found 7',
      ],
      [
        {
          resourceMetrics: [
            { resource: { attributes: [{}, { key: 'k', value: { arrayValue: { values: [{}, 1] } } }] } },
          ],
        },
        'otlp: resourceMetrics[0].resource.attributes[1].value.arrayValue.values[1]: expected an object, found 1',
      ],
      [
        {
          resourceMetrics: [
            { scopeMetrics: [{ metrics: [{ histogram: { dataPoints: [{ bucketCounts: ['1', 'y'] }] } }] }] },
          ],
        },
        'metrics[0].histogram.dataPoints[0].bucketCounts[1]: expected an integer, found y',
      ],
      [
        { resourceMetrics: [{ scopeMetrics: [{ scope: { name: 1 } }] }] },
        'scopeMetrics[0].scope.name: expected a string',
      ],
    ];
    for (const [json, expected] of faults) expect(() => fromText(json)).toThrow(expected);
  });
});

it('answers say what was not taken, and errors are a google.rpc.Status', () => {
  expect(encodeOtlpResponse('protobuf')).toHaveLength(0);
  expect(Buffer.from(encodeOtlpResponse('json')).toString()).toBe('{}');
  const rejection = { points: 3, message: 'why' };
  expect(Buffer.from(encodeOtlpResponse('protobuf', rejection)).toString('hex')).toBe('0a0708031203776879');
  expect(JSON.parse(Buffer.from(encodeOtlpResponse('json', rejection)).toString())).toEqual({
    partialSuccess: { rejectedDataPoints: '3', errorMessage: 'why' },
  });
  expect(Buffer.from(encodeRpcStatus('protobuf', 3, 'bad')).toString('hex')).toBe('08031203626164');
  expect(Buffer.from(encodeRpcStatus('json', 3, 'bad')).toString()).toBe('{"code":3,"message":"bad"}');
});

describe('requests of nothing but empty messages', () => {
  const empty = (count: number) => Buffer.alloc(2 * count).map((_, i) => (i % 2 === 0 ? 0x0a : 0));

  it('leave others their turns', () => {
    const parts = [...decodeOtlpMetrics(empty(100_000), 'protobuf')];
    expect(parts.length).toBeGreaterThan(50);
    expect(new Set(parts)).toEqual(new Set([undefined]));
  });

  it('are refused where there are too many', () => {
    const parts = decodeOtlpMetrics(empty(1_000_001), 'protobuf');
    expect(() => parts.next()).toThrow('otlp: a request of more than 1000000 metrics and points');
  });
});
