import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { type AppendRequest, decodeAppendRequest } from './log-append-request.ts';
import { decodeAttributes, type LogAttributes } from './log-attributes.ts';
import { encodeScanResponse } from './log-responses.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { logMessage } from './schema.testing.ts';

interface Sent extends LogAttributes {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const bytes = fc.uint8Array({ maxLength: 40 });
const header = fc.record({ name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }), value: bytes });
const attributes: fc.Arbitrary<LogAttributes> = fc.record(
  { timestampMs: fc.maxSafeInteger(), headers: fc.array(header, { minLength: 1, maxLength: 3 }) },
  { requiredKeys: [] },
);
const records: fc.Arbitrary<Sent[]> = fc.array(
  fc.tuple(bytes, bytes, attributes).map(([key, value, more]) => ({ key, value, ...more })),
  { maxLength: 12 },
);
const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64');

function asJson(list: readonly Sent[]): Uint8Array {
  const rows = list.map(({ key, value, timestampMs, headers }) => ({
    key: base64(key),
    value: base64(value),
    timestampMs,
    headers: headers?.map((each) => ({ name: each.name, value: base64(each.value) })),
  }));
  return Buffer.from(JSON.stringify({ records: rows }));
}

function asProtobuf(list: readonly Sent[]): Uint8Array {
  const schema = logMessage('AppendRequest');
  const rows = list.map(({ timestampMs, ...rest }) => ({
    ...rest,
    ...(timestampMs !== undefined && { timestampMs: BigInt(timestampMs) }),
  }));
  return toBinary(schema, create(schema, { records: rows } as never));
}

function attributesOf({ count, attributes: column }: AppendRequest): LogAttributes[] {
  return Array.from({ length: count }, (_, i) =>
    column === undefined ? {} : decodeAttributes(column.bytes, i === 0 ? 0 : column.end[i - 1]!, column.end[i]!),
  );
}

const plain = (list: readonly LogAttributes[]) =>
  list.map(({ timestampMs, headers }) => ({
    timestampMs,
    headers: headers?.map(({ name, value }) => ({ name, value: Uint8Array.from(value) })),
  }));

describe('attributes of records', () => {
  it('are decoded from both formats', () => {
    fc.assert(
      fc.property(records, (list) => {
        const expected = plain(list);
        expect(plain(attributesOf(decodeAppendRequest('json', asJson(list))))).toEqual(expected);
        expect(plain(attributesOf(decodeAppendRequest('protobuf', asProtobuf(list))))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('are passed on in both formats', () => {
    fc.assert(
      fc.property(records, fc.array(fc.nat(2 ** 41), { minLength: 12, maxLength: 12 }), (list, times) => {
        const { attributes: column, count } = decodeAppendRequest('protobuf', asProtobuf(list));
        const lengths = Uint32Array.from(list, (_, i) =>
          column === undefined ? 0 : column.end[i]! - (column.end[i - 1] ?? 0),
        );
        const columns = {
          count,
          sequences: Float64Array.from(list, (_, i) => i * 1000),
          sources: list.map(({ value }, i) => {
            const end = column?.end[i] ?? 0;
            return Uint8Array.from([7, ...(column?.bytes.subarray(end - lengths[i]!, end) ?? []), ...value, 7]);
          }),
          starts: Uint32Array.from(lengths, (length) => 1 + length),
          ends: Uint32Array.from(lengths, (length, i) => 1 + length + list[i]!.value.length),
          times: Float64Array.from(times),
          attributeLengths: lengths,
          nextSequence: 9,
        };
        const json = JSON.parse(Buffer.from(encodeScanResponse('json', new Uint8Array(1), columns)).toString());
        expect(json.values).toEqual(
          list.map(({ value, timestampMs, headers }, i) => ({
            sequence: i * 1000,
            value: base64(value),
            arrivalTimeMs: times[i],
            ...(timestampMs !== undefined && { timestampMs }),
            ...(headers !== undefined && {
              headers: headers.map((each) => ({ name: each.name, value: base64(each.value) })),
            }),
          })),
        );
        const message = fromBinary(
          logMessage('ScanResponse'),
          encodeScanResponse('protobuf', new Uint8Array(1), columns),
        ) as unknown as {
          values: { arrivalTimeMs: bigint; value: Uint8Array; timestampMs?: bigint; headers: { name: string }[] }[];
        };
        expect(
          message.values.map(({ arrivalTimeMs, value, timestampMs, headers }) => [
            Number(arrivalTimeMs),
            base64(value),
            timestampMs === undefined ? undefined : Number(timestampMs),
            headers.map(({ name }) => name),
          ]),
        ).toEqual(
          list.map(({ value, timestampMs, headers }, i) => [
            times[i],
            base64(value),
            timestampMs,
            (headers ?? []).map(({ name }) => name),
          ]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['{"records":[{"key":"","value":"","headers":{}}]}', 'record[0]: headers: expected an array'],
    ['{"records":[{"key":"","value":"","headers":[{}]}]}', 'record[0]: headers[0]: name is required'],
    ['{"records":[{"key":"","value":"","headers":[{"name":"a","value":"?"}]}]}', 'value is not valid base64'],
    ['{"records":[{"key":"","value":"","timestampMs":1.5}]}', 'record[0]: timestampMs is not a whole number'],
  ])('%s: %s', (body, message) => {
    expect(() => decodeAppendRequest('json', Buffer.from(body))).toThrow(message);
  });

  it('are refused when they are damaged, and what is taken can be read back', () => {
    fc.assert(
      fc.property(records, mutations, (list, changes) => {
        const body = mutate(asProtobuf(list), changes);
        let decoded: AppendRequest;
        try {
          decoded = decodeAppendRequest('protobuf', body);
        } catch (error) {
          if (!isWireError(error)) throw error;
          return;
        }
        attributesOf(decoded);
      }),
      { numRuns: 1000 },
    );
  });
});
