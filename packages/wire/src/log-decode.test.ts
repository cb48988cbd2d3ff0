import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { addRecord, createAppendColumns } from './log-append-columns.ts';
import { encodeAppendRequest } from './log-append-encode.ts';
import { decodeAppendRequest } from './log-append-request.ts';
import {
  addAttributes,
  createAttributeBuilder,
  decodeAttributes,
  finishAttributes,
  type LogAttributes,
} from './log-attributes.ts';
import type { LogFormat } from './log-format.ts';
import { logRecordAt } from './log-records.ts';
import {
  encodeAppendResponse,
  encodeCountResponse,
  encodeErrorResponse,
  encodeKeysResponse,
  encodeScanResponse,
  encodeSegmentsResponse,
} from './log-responses.ts';
import {
  decodeAppendResponse,
  decodeCountResponse,
  decodeErrorResponse,
  decodeKeysResponse,
  decodeScanResponse,
  decodeSegmentsResponse,
} from './log-responses-decode.ts';
import { encodeRecordEvents } from './log-scan-json.ts';
import { mutate, mutations } from './mutate.testing.ts';

const format = fc.constantFrom<LogFormat>('protobuf', 'json');
const bytes = fc.uint8Array({ maxLength: 60 });
const sequence = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER));
const attributes: fc.Arbitrary<LogAttributes> = fc.record(
  {
    timestampMs: fc.maxSafeInteger(),
    headers: fc.array(fc.record({ name: fc.string({ minLength: 1 }), value: bytes }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);
const record = fc.record({ key: bytes, value: bytes, attributes, sequence, arrivalTimeMs: fc.nat() });

/** Lays records out as a server has them: attributes right before each value. */
function scanColumns(records: readonly { value: Uint8Array; attributes: LogAttributes; sequence: number }[]) {
  const builder = createAttributeBuilder();
  for (const [i, entry] of records.entries()) addAttributes(builder, i, entry.attributes);
  const column = finishAttributes(builder, records.length);
  const bodies = records.map(({ value }, i) => {
    const own = column?.bytes.subarray(i === 0 ? 0 : column.end[i - 1], column.end[i]) ?? new Uint8Array(0);
    return { own: own.length, body: Buffer.concat([own, value]) };
  });
  return {
    count: records.length,
    sequences: Float64Array.from(records, (entry) => entry.sequence),
    sources: bodies.map(({ body }) => body),
    starts: Uint32Array.from(bodies, ({ own }) => own),
    ends: Uint32Array.from(bodies, ({ body }) => body.length),
    attributeLengths: column === undefined ? undefined : Uint32Array.from(bodies, ({ own }) => own),
  };
}

function keyColumns(records: readonly { key: Uint8Array }[]) {
  return {
    keySources: records.map(({ key }) => Buffer.concat([Buffer.from('..'), key])),
    keyStarts: new Uint32Array(records.length).fill(2),
    keyEnds: Uint32Array.from(records, ({ key }) => key.length + 2),
  };
}

describe('a decoded answer is what was encoded', () => {
  it('of a scan', () => {
    fc.assert(
      fc.property(
        format,
        bytes,
        fc.array(record, { maxLength: 40 }),
        sequence,
        fc.boolean(),
        fc.boolean(),
        (wire, key, list, nextSequence, withTimes, manyKeys) => {
          const times = withTimes ? Float64Array.from(list, ({ arrivalTimeMs }) => arrivalTimeMs) : undefined;
          const columns = { ...scanColumns(list), times, nextSequence };
          const encoded = manyKeys
            ? encodeScanResponse(wire, undefined, { ...columns, ...keyColumns(list) })
            : encodeScanResponse(wire, key, columns);
          const decoded = decodeScanResponse(wire, encoded);
          if (manyKeys) expect(decoded.key).toBeUndefined();
          else expect(Uint8Array.from(decoded.key!)).toEqual(key);
          expect(decoded.nextSequence).toBe(nextSequence);
          expect(decoded.records.count).toBe(list.length);
          list.forEach((entry, i) => {
            const { value, key: own, ...rest } = logRecordAt(decoded.records, i);
            expect(own && Uint8Array.from(own)).toEqual(manyKeys ? entry.key : undefined);
            expect(Uint8Array.from(value)).toEqual(entry.value);
            const headers = rest.headers?.map((header) => ({ ...header, value: Uint8Array.from(header.value) }));
            expect({ ...rest, ...(headers !== undefined && { headers }) }).toEqual({
              sequence: entry.sequence,
              ...entry.attributes,
              ...(withTimes && entry.arrivalTimeMs !== 0 && { arrivalTimeMs: entry.arrivalTimeMs }),
            });
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of the others', () => {
    const segment = fc.record({ id: fc.nat(), startSequence: sequence, startTimeMs: fc.maxSafeInteger() });
    fc.assert(
      fc.property(
        format,
        fc.array(bytes, { maxLength: 5 }),
        fc.array(segment, { maxLength: 5 }),
        sequence,
        fc.nat(),
        (wire, keys, segments, number, count) => {
          const plainKeys = decodeKeysResponse(wire, encodeKeysResponse(wire, keys)).map((key) => Uint8Array.from(key));
          expect(plainKeys).toEqual(keys);
          expect(decodeSegmentsResponse(wire, encodeSegmentsResponse(wire, segments))).toEqual(segments);
          expect(decodeCountResponse(wire, encodeCountResponse(wire, number))).toBe(number);
          expect(decodeAppendResponse(wire, encodeAppendResponse(wire, count, number))).toEqual({
            recordsAppended: count,
            startSequence: number,
          });
        },
      ),
    );
    expect(decodeErrorResponse(encodeErrorResponse('no "key"'))).toBe('no "key"');
    expect(decodeErrorResponse(Buffer.from('<html>'))).toBeUndefined();
  });

  it('of an append request', () => {
    fc.assert(
      fc.property(format, fc.array(record, { maxLength: 20 }), fc.boolean(), (wire, list, awaitDurable) => {
        const buffer = Buffer.concat(list.flatMap(({ key, value }) => [key, value]));
        const columns = createAppendColumns(buffer);
        const builder = createAttributeBuilder();
        let at = 0;
        list.forEach(({ key, value, attributes: own }, i) => {
          const keyEnd = at + key.length;
          addRecord(columns, at, keyEnd, keyEnd, keyEnd + value.length);
          at = keyEnd + value.length;
          addAttributes(builder, i, own);
        });
        const withAttributes = { ...columns, attributes: finishAttributes(builder, list.length) };
        const decoded = decodeAppendRequest(wire, encodeAppendRequest(wire, withAttributes, awaitDurable));
        expect(decoded.awaitDurable).toBe(awaitDurable);
        expect(decoded.count).toBe(list.length);
        list.forEach(({ key, value, attributes: own }, i) => {
          expect(Uint8Array.from(decoded.bytes.subarray(decoded.keyStart[i], decoded.keyEnd[i]))).toEqual(key);
          expect(Uint8Array.from(decoded.bytes.subarray(decoded.valueStart[i], decoded.valueEnd[i]))).toEqual(value);
          const column = decoded.attributes;
          if (column === undefined) expect(own).toEqual({});
          else
            expect(decodeAttributes(column.bytes, i === 0 ? 0 : column.end[i - 1]!, column.end[i]!)).toMatchObject({
              ...own,
              ...(own.headers && {
                headers: own.headers.map((header) => ({ ...header, value: Buffer.from(header.value) })),
              }),
            });
        });
      }),
      { numRuns: 200 },
    );
  });
});

it('events have the sequence as id and the record as JSON', () => {
  const list = [
    { sequence: 7, key: Buffer.from('k'), value: Buffer.from('v'), attributes: { timestampMs: 5 } },
    { sequence: 12, key: Buffer.from(''), value: Buffer.from(''), attributes: {} },
  ];
  const events = encodeRecordEvents({ ...scanColumns(list), ...keyColumns(list), nextSequence: 13 });
  expect(Buffer.from(events).toString()).toBe(
    'id: 7\ndata: {"sequence":7,"key":"aw==","value":"dg==","timestampMs":5}\n\n' +
      'id: 12\ndata: {"sequence":12,"key":"","value":""}\n\n',
  );
});

it('damaged answers are decoded or refused with a WireError', () => {
  const decoders = [
    decodeScanResponse,
    decodeKeysResponse,
    decodeSegmentsResponse,
    decodeCountResponse,
    decodeAppendResponse,
  ];
  fc.assert(
    fc.property(format, fc.array(record, { maxLength: 5 }), bytes, mutations, (wire, list, key, damage) => {
      const answers = [
        encodeScanResponse(wire, key, { ...scanColumns(list), nextSequence: 9 }),
        encodeKeysResponse(wire, [key]),
        encodeSegmentsResponse(wire, [{ id: 1, startSequence: 2, startTimeMs: 3 }]),
      ];
      for (const answer of answers) {
        const body = mutate(answer, damage);
        for (const decode of decoders) {
          try {
            decode(wire, body);
          } catch (error) {
            expect(isWireError(error)).toBe(true);
          }
        }
      }
    }),
    { numRuns: 1000 },
  );
});
