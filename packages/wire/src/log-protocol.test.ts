import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, putBase64 } from './base64.ts';
import { isWireError } from './errors.ts';
import { parseAppendJson } from './log-append-json.ts';
import { type AppendRequest, createAppendDecoder, decodeAppendRequest } from './log-append-request.ts';
import { scanAppendJson } from './log-append-scan.ts';
import { type LogFormat, logRequestFormat, logResponseFormat } from './log-format.ts';
import {
  appendResponseText,
  encodeAppendResponse,
  encodeCountResponse,
  encodeErrorResponse,
  encodeKeysResponse,
  encodeScanResponse,
  encodeScanResponseParts,
  encodeSegmentsResponse,
} from './log-responses.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { logMessage } from './schema.testing.ts';

interface PlainRequest {
  readonly records: { key: Uint8Array; value: Uint8Array }[];
  readonly awaitDurable: boolean;
}

const bytes = fc.uint8Array({ maxLength: 80 });
const request: fc.Arbitrary<PlainRequest> = fc.record({
  records: fc.array(fc.record({ key: bytes, value: bytes }), { maxLength: 20 }),
  awaitDurable: fc.boolean(),
});
const sequence = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 9, 10, 999_999, 2 ** 32, Number.MAX_SAFE_INTEGER));

function plain(decoded: AppendRequest): PlainRequest {
  const { bytes: buffer, count, keyStart, keyEnd, valueStart, valueEnd, awaitDurable } = decoded;
  const records = Array.from({ length: count }, (_, i) => ({
    key: Uint8Array.from(buffer.subarray(keyStart[i], keyEnd[i])),
    value: Uint8Array.from(buffer.subarray(valueStart[i], valueEnd[i])),
  }));
  return { records, awaitDurable };
}

function toProtobuf({ records, awaitDurable }: PlainRequest): Uint8Array {
  const schema = logMessage('AppendRequest');
  return toBinary(schema, create(schema, { records, awaitDurable } as Record<string, unknown>));
}

function toJson({ records, awaitDurable }: PlainRequest, encoding: 'base64' | 'base64url' = 'base64'): string {
  const text = (value: Uint8Array) => Buffer.from(value).toString(encoding);
  return JSON.stringify({
    records: records.map(({ key, value }) => ({ key: text(key), value: text(value) })),
    awaitDurable,
  });
}

function read(message: string, encoded: Uint8Array): Record<string, unknown> {
  return fromBinary(logMessage(message), Uint8Array.from(encoded)) as unknown as Record<string, unknown>;
}

function json(encoded: Uint8Array): unknown {
  return JSON.parse(Buffer.from(encoded).toString());
}

describe('append requests', () => {
  it('decode in both formats', () => {
    fc.assert(
      fc.property(request, (input) => {
        expect(plain(decodeAppendRequest('protobuf', toProtobuf(input)))).toEqual(input);
        expect(plain(decodeAppendRequest('json', Buffer.from(toJson(input))))).toEqual(input);
        expect(plain(decodeAppendRequest('json', Buffer.from(toJson(input, 'base64url'))))).toEqual(input);
      }),
      { numRuns: 300 },
    );
  });

  it('scan plain JSON to the same as JSON.parse does, damaged or not', () => {
    let scanned = 0;
    fc.assert(
      fc.property(request, fc.constantFrom(undefined, 1, '\t'), fc.option(mutations), (input, indent, list) => {
        const text = Buffer.from(JSON.stringify(JSON.parse(toJson(input)), undefined, indent));
        const body = list === null ? text : mutate(text, list);
        const fast = scanAppendJson(body);
        if (list === null) expect(fast).toBeDefined();
        if (fast === undefined) {
          expectDecodedOrRefused('json', body);
          return;
        }
        scanned++;
        expect(plain(fast)).toEqual(plain(parseAppendJson(body)));
      }),
      { numRuns: 3000 },
    );
    expect(scanned).toBeGreaterThan(100);
  });

  it('take damaged protobuf as the reference does, or throw a WireError', () => {
    fc.assert(
      fc.property(request, mutations, (input, list) => {
        const body = mutate(toProtobuf(input), list);
        const decoded = expectDecodedOrRefused('protobuf', body);
        if (decoded === undefined) return;
        const { records, awaitDurable } = read('AppendRequest', body) as unknown as PlainRequest;
        expect(plain(decoded)).toEqual({ records: records.map(({ key, value }) => ({ key, value })), awaitDurable });
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"records":[{"key":"YQ==","value":"Yg=="},{"value":"Yg=="}]}', 'record[1]: key is required'],
    ['{"records":[{"key":"YQ=="}]}', 'record[0]: value is required'],
    ['{"records":[{"key":null,"value":""}]}', 'record[0]: key is required'],
    ['{"records":[{"key":"Y","value":""}]}', 'record[0]: key is not valid base64'],
    ['{"records":[{"key":"Y Q=","value":""}]}', 'record[0]: key is not valid base64'],
    ['{"records":[{"key":1,"value":""}]}', 'record[0]: key is not a base64 string'],
    ['{"records":[7]}', 'record[0]: expected an object'],
    ['{"records":{}}', 'records: expected an array'],
    ['{"records":[],"awaitDurable":1}', 'awaitDurable: expected true or false'],
    ['{}', 'records is required'],
    ['{"Records":[]}', 'records is required'],
    ['{"awaitDurable":true}', 'records is required'],
    ['{"records":null}', 'records is required'],
    ['[]', 'expected a JSON object'],
    ['{"records":[', 'invalid JSON'],
    ['', 'invalid JSON'],
    ['\xff', 'invalid JSON'],
  ])('JSON %s: %s', (body, message) => {
    expect(() => decodeAppendRequest('json', Buffer.from(body, 'latin1'))).toThrow(message);
  });

  it('refuse more records than are allowed', () => {
    const input = { records: Array.from({ length: 4 }, () => ({ key: new Uint8Array(1), value: new Uint8Array(1) })) };
    const proto = toProtobuf({ ...input, awaitDurable: false });
    const plainJson = Buffer.from(toJson({ ...input, awaitDurable: false }));
    const otherJson = Buffer.from(`{"await_durable":false,${plainJson.toString().slice(1)}`);
    for (const [format, body] of [
      ['protobuf', proto],
      ['json', plainJson],
      ['json', otherJson],
    ] as const) {
      expect(decodeAppendRequest(format, body, 4).count).toBe(4);
      expect(() => decodeAppendRequest(format, body, 3)).toThrow('at most 3 records');
    }
  });

  it('protobuf without a key or a value', () => {
    expect(() => decodeAppendRequest('protobuf', Uint8Array.of(0x0a, 0x02, 0x12, 0x00))).toThrow(
      'record[0]: key is required',
    );
    expect(() => decodeAppendRequest('protobuf', Uint8Array.of(0x0a, 0x02, 0x0a, 0x00))).toThrow(
      'record[0]: value is required',
    );
  });

  it.each([
    ['{"await_durable":true,"records":[{"key":"","value":""}]}', 1, true],
    ['{"records":[{"value":"Y\\/8=","key":"\\u0059Q"}]}', 1, false],
    ['{"records":[],"awaitDurable":null}', 0, false],
  ])('JSON %s', (body, count, awaitDurable) => {
    const decoded = decodeAppendRequest('json', Buffer.from(body));
    expect([decoded.count, decoded.awaitDurable]).toEqual([count, awaitDurable]);
  });

  it.each([
    ['{"records":[],"awaitDurabel":true}', 'unknown field "awaitDurabel", expected one of records, awaitDurable'],
    ['{"records":[{"key":"","value":"","ttl":1}]}', 'record[0]: unknown field "ttl", expected one of key, value'],
  ])('refuses JSON %s', (body, message) => {
    expect(() => decodeAppendRequest('json', Buffer.from(body))).toThrow(message);
  });

  function expectDecodedOrRefused(format: LogFormat, body: Uint8Array): AppendRequest | undefined {
    try {
      return decodeAppendRequest(format, body);
    } catch (error) {
      if (!isWireError(error)) throw error;
      return undefined;
    }
  }
});

describe('responses', () => {
  it('of a scan', () => {
    const record = fc.record({ sequence, value: bytes });
    fc.assert(
      fc.property(bytes, fc.array(record, { maxLength: 20 }), sequence, (key, records, nextSequence) => {
        const columns = {
          count: records.length,
          sequences: Float64Array.from(records, (entry) => entry.sequence),
          sources: records.map(({ value }) => Uint8Array.from([1, 2, ...value, 3])),
          starts: Uint32Array.from(records, () => 2),
          ends: Uint32Array.from(records, ({ value }) => value.length + 2),
          nextSequence,
        };
        const whole = encodeScanResponse('protobuf', key, columns);
        for (const partBytes of [1, 16, 100, 1000]) {
          const { sizeBytes, parts } = encodeScanResponseParts('protobuf', key, columns, partBytes);
          expect(sizeBytes).toBe(whole.length);
          expect(Buffer.compare(Buffer.concat([...parts]), whole), `parts of ${partBytes} bytes`).toBe(0);
        }
        const message = read('ScanResponse', whole);
        expect([message['status'], message['key'], message['nextSequence']]).toEqual([
          'success',
          key,
          BigInt(nextSequence),
        ]);
        const values = message['values'] as { sequence: bigint; value: Uint8Array }[];
        expect(values.map((entry) => [Number(entry.sequence), entry.value])).toEqual(
          records.map((entry) => [entry.sequence, entry.value]),
        );
        const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64');
        expect(Buffer.from(encodeScanResponse('json', key, columns)).toString()).toBe(
          JSON.stringify({
            status: 'success',
            key: base64(key),
            values: records.map((entry) => ({ sequence: entry.sequence, value: base64(entry.value) })),
            nextSequence,
          }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('of an append and of a count', () => {
    fc.assert(
      fc.property(fc.nat(), sequence, (recordsAppended, startSequence) => {
        const append = read('AppendResponse', encodeAppendResponse('protobuf', recordsAppended, startSequence));
        expect(append).toMatchObject({ status: 'success', recordsAppended, startSequence: BigInt(startSequence) });
        expect(json(encodeAppendResponse('json', recordsAppended, startSequence))).toEqual({
          status: 'success',
          recordsAppended,
          startSequence,
        });
        expect(read('CountResponse', encodeCountResponse('protobuf', startSequence))).toMatchObject({
          status: 'success',
          count: BigInt(startSequence),
        });
        expect(json(encodeCountResponse('json', startSequence))).toEqual({ status: 'success', count: startSequence });
      }),
    );
  });

  it('of keys and of segments', () => {
    const segment = fc.record({ id: fc.nat(), startSequence: sequence, startTimeMs: fc.maxSafeInteger() });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), fc.array(segment, { maxLength: 5 }), (keys, segments) => {
        const keysMessage = read('KeysResponse', encodeKeysResponse('protobuf', keys));
        expect((keysMessage['keys'] as { key: Uint8Array }[]).map(({ key }) => key)).toEqual(keys);
        expect(json(encodeKeysResponse('json', keys))).toEqual({
          status: 'success',
          keys: keys.map((key) => ({ key: Buffer.from(key).toString('base64') })),
        });
        const rows = segments.map(({ id, startSequence, startTimeMs }) => ({
          id,
          startSeq: startSequence,
          startTimeMs,
        }));
        const segmentsMessage = read('SegmentsResponse', encodeSegmentsResponse('protobuf', segments));
        const read64 = (segmentsMessage['segments'] as Record<string, bigint | number>[]).map((entry) => ({
          id: entry['id'],
          startSeq: Number(entry['startSeq']),
          startTimeMs: Number(entry['startTimeMs']),
        }));
        expect(read64).toEqual(rows);
        expect(json(encodeSegmentsResponse('json', segments))).toEqual({ status: 'success', segments: rows });
      }),
    );
  });

  it('of an error', () => {
    expect(json(encodeErrorResponse('no "key"'))).toEqual({ status: 'error', message: 'no "key"' });
  });
});

describe('base64', () => {
  it('takes exactly what the alphabets allow', () => {
    const character = fc.constantFrom(...'AQgwZz09+/-_= \n.é');
    fc.assert(
      fc.property(fc.array(character, { maxLength: 10 }), (characters) => {
        const text = Buffer.from(characters.join(''));
        const isBase64 =
          /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/.test(text.toString()) &&
          text.every((byte) => byte < 128);
        const out = Buffer.alloc(20);
        const written = decodeBase64(text, 0, text.length, out, 3);
        expect(written >= 0).toBe(isBase64);
        if (isBase64) expect(out.subarray(3, 3 + written)).toEqual(Buffer.from(text.toString(), 'base64'));
      }),
      { numRuns: 2000 },
    );
  });

  it('writes what Buffer does', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const out = Buffer.alloc(200);
        const end = putBase64(out, 1, value, 0, value.length);
        expect(out.toString('latin1', 1, end)).toBe(Buffer.from(value).toString('base64'));
      }),
    );
  });
});

describe('formats', () => {
  it.each([
    ['application/protobuf', 'protobuf'],
    ['Application/Protobuf; proto=x', 'protobuf'],
    ['application/protobuf+json', 'json'],
    ['application/json', 'json'],
    [undefined, 'json'],
  ] as const)('a request of %s is %s', (contentType, format) => {
    expect(logRequestFormat(contentType)).toBe(format);
  });

  it.each([
    ['application/protobuf', 'protobuf'],
    ['text/html, application/protobuf;q=0.9', 'protobuf'],
    ['*/*', 'json'],
    ['application/protobuf+json', 'json'],
    [undefined, 'json'],
  ] as const)('a client that accepts %s gets %s', (accept, format) => {
    expect(logResponseFormat(accept)).toBe(format);
  });
});

describe('quicker forms', () => {
  const numbers = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.maxSafeNat());

  it('of the answer to an append are the same bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom<LogFormat>('json', 'protobuf'), numbers, numbers, (format, count, start) => {
        const text = appendResponseText(format, count, start);
        expect(Buffer.from(text, 'latin1')).toEqual(Buffer.from(encodeAppendResponse(format, count, start)));
      }),
    );
  });

  it('of the decoder answer the same for one request after the other, good or bad', () => {
    const decode = createAppendDecoder();
    const headers = fc.array(fc.record({ name: fc.string({ maxLength: 5 }), value: bytes }), { maxLength: 2 });
    const record = fc.record({ key: bytes, value: bytes, headers }, { requiredKeys: [] });
    const body = fc.record({ records: fc.array(record, { maxLength: 40 }), cut: fc.option(fc.nat(200), { nil: 0 }) });
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 4 }), (bodies) => {
        for (const { records, cut } of bodies) {
          const whole = toProtobuf({ records: records as PlainRequest['records'], awaitDurable: cut % 2 === 0 });
          const request = whole.subarray(0, Math.max(0, whole.length - cut));
          expect(outcome(() => decode('protobuf', request, 30))).toEqual(
            outcome(() => decodeAppendRequest('protobuf', request, 30)),
          );
        }
      }),
    );
  });
});

function outcome(decode: () => AppendRequest): unknown {
  try {
    const { bytes, count, keyStart, keyEnd, valueStart, valueEnd, attributes, awaitDurable } = decode();
    const ranges = [keyStart, keyEnd, valueStart, valueEnd].map((column) => Array.from(column.subarray(0, count)));
    return { bytes, count, ranges, attributes, awaitDurable };
  } catch (error) {
    return String(error);
  }
}
