import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { addRecord, createAppendColumns } from './log-append-columns.ts';
import { addAppendFrame, createFrameColumns, finishFrames } from './log-append-request.ts';
import { addAttributes, createAttributeBuilder, decodeAttributes, finishAttributes } from './log-attributes.ts';
import { decodeSessionAck, encodeAppendFrame, encodeSessionAcks, FrameReader } from './log-session.ts';
import { logMessage } from './schema.testing.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const record = fc.record({ key: bytes, value: bytes, timestampMs: fc.option(fc.nat(), { nil: undefined }) });
const frame = fc.record({ records: fc.array(record, { maxLength: 4 }), awaitDurable: fc.boolean() });
type Frame = typeof frame extends fc.Arbitrary<infer T> ? T : never;
const limits = { maxRecords: 100, maxKeyBytes: 65_535 };

function encode({ records, awaitDurable }: Frame): Uint8Array {
  const columns = createAppendColumns(Buffer.concat(records.flatMap(({ key, value }) => [key, value])));
  const builder = createAttributeBuilder();
  let at = 0;
  for (const [i, { key, value, timestampMs }] of records.entries()) {
    addRecord(columns, at, at + key.length, at + key.length, at + key.length + value.length);
    at += key.length + value.length;
    addAttributes(builder, i, { timestampMs });
  }
  return encodeAppendFrame({ ...columns, attributes: finishAttributes(builder, records.length) }, awaitDurable);
}

/** Cuts bytes into pieces of the sizes given, over and over. */
function* pieces(all: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < all.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield all.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });

describe('frames of a session', () => {
  it('come out as they were put in, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), sizes, (frames, cuts) => {
        const reader = new FrameReader(1 << 20);
        const taken: Frame[] = [];
        for (const piece of pieces(Buffer.concat(frames.map(encode)), cuts)) {
          reader.push(piece);
          while (reader.next()) {
            const columns = createFrameColumns(reader.bytes);
            const awaitDurable = addAppendFrame(columns, reader.start, reader.end, limits);
            const { attributes, count, ...found } = finishFrames(columns);
            const records = Array.from({ length: count }, (_, i) => {
              const end = attributes?.end[i] ?? 0;
              return {
                key: Uint8Array.from(found.bytes.subarray(found.keyStart[i], found.keyEnd[i])),
                value: Uint8Array.from(found.bytes.subarray(found.valueStart[i], found.valueEnd[i])),
                timestampMs: decodeAttributes(attributes?.bytes ?? found.bytes, attributes?.end[i - 1] ?? 0, end)
                  .timestampMs,
              };
            });
            taken.push({ records, awaitDurable });
          }
        }
        expect(reader.pendingBytes).toBe(0);
        expect(taken).toEqual(frames);
      }),
      { numRuns: 300 },
    );
  });

  it('are taken together, without those that are wrong', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(frame, fc.boolean()), { maxLength: 8 }), (list) => {
        const columns = createFrameColumns(Buffer.concat(list.map(([frame]) => encode(frame))));
        const reader = new FrameReader(1 << 20);
        reader.push(columns.bytes);
        const expected: Uint8Array[] = [];
        for (const [{ records }, isCut] of list) {
          expect(reader.next()).toBe(true);
          const isBroken = isCut && records.length > 0;
          try {
            // Without its last byte the last field of the request runs past the end.
            addAppendFrame(columns, reader.start, isBroken ? reader.end - 1 : reader.end, limits);
            if (!isBroken) expected.push(...records.map(({ key }) => key));
          } catch (error) {
            expect(isBroken && isWireError(error)).toBe(true);
            continue;
          }
          expect(columns.count).toBeGreaterThanOrEqual(expected.length);
          columns.count = expected.length;
        }
        const { count, keyStart, keyEnd } = finishFrames(columns);
        const keys = Array.from({ length: count }, (_, i) =>
          Uint8Array.from(columns.bytes.subarray(keyStart[i], keyEnd[i])),
        );
        expect(keys).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('are refused for a key that is too long, too many records, and a length that cannot be', () => {
    const long = { records: [{ key: new Uint8Array(70), value: new Uint8Array(0), timestampMs: undefined }] };
    const columns = createFrameColumns(encode({ ...long, awaitDurable: false }));
    const end = columns.bytes.length;
    expect(() => addAppendFrame(columns, 1, end, { maxRecords: 1, maxKeyBytes: 69 })).toThrow('record[0]: key has 70');
    expect(() => addAppendFrame(columns, 1, end, { maxRecords: 0, maxKeyBytes: 99 })).toThrow('at most 0 records');
    expect(columns.count).toBe(0);
    const reader = new FrameReader(100);
    reader.push(Uint8Array.of(101));
    expect(() => reader.next()).toThrow('a frame has 101 bytes');
    const endless = new FrameReader(100);
    endless.push(new Uint8Array(12).fill(0x80));
    expect(() => endless.next()).toThrow('not a varint');
  });
});

it('acknowledgements are what was encoded, also for other protobuf readers', () => {
  const ack = fc.record({
    frames: fc.nat(),
    startSequence: fc.maxSafeNat(),
    recordsAppended: fc.nat(),
    status: fc.constantFrom(0, 400, 429),
    message: fc.string(),
    closed: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(ack, { maxLength: 6 }), sizes, (acks, cuts) => {
      const reader = new FrameReader(1 << 20);
      const decoded: unknown[] = [];
      for (const piece of pieces(encodeSessionAcks(acks), cuts)) {
        reader.push(piece);
        while (reader.next()) {
          decoded.push(decodeSessionAck(reader.bytes, reader.start, reader.end));
          const { startSequence, ...rest } = fromBinary(
            logMessage('SessionAck'),
            Uint8Array.from(reader.bytes.subarray(reader.start, reader.end)),
          ) as unknown as Record<string, unknown>;
          expect({ ...rest, startSequence: Number(startSequence) }).toMatchObject(acks[decoded.length - 1]!);
        }
      }
      expect(decoded).toEqual(acks);
    }),
    { numRuns: 300 },
  );
});
