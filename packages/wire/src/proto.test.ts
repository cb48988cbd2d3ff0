import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createProtoReader,
  nextField,
  readBytes,
  readDouble,
  readInt64,
  readSint64,
  readString,
  readUint64,
} from './proto-reader.ts';
import {
  beginMessage,
  createProtoWriter,
  endMessage,
  type ProtoWriter,
  varintSize,
  writeBytesField,
  writeDoubleField,
  writeInt64Field,
  writeSint64Field,
  writeStringField,
  writeUint64Field,
  writtenBytes,
} from './proto-writer.ts';

const safeInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, -1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
);
const field = fc.integer({ min: 1, max: 536_870_911 });

function written(write: (writer: ProtoWriter) => void): Uint8Array {
  const writer = createProtoWriter(1);
  write(writer);
  return Uint8Array.from(writtenBytes(writer));
}

describe('protobuf primitives', () => {
  it('write integers as the reference does, and read them back', () => {
    fc.assert(
      fc.property(field, safeInteger, (number, value) => {
        const bytes = written((writer) => {
          writeInt64Field(writer, number, value);
          writeSint64Field(writer, number, value);
          writeUint64Field(writer, number, Math.abs(value));
        });
        const expected = new BinaryWriter()
          .tag(number, 0)
          .int64(value)
          .tag(number, 0)
          .sint64(value)
          .tag(number, 0)
          .uint64(Math.abs(value))
          .finish();
        expect(bytes).toEqual(expected);
        const reader = createProtoReader(bytes);
        expect(nextField(reader) && [reader.field, readInt64(reader)]).toEqual([number, value]);
        expect(nextField(reader) && readSint64(reader)).toBe(value);
        expect(nextField(reader) && readUint64(reader)).toBe(Math.abs(value));
        expect(nextField(reader)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('write doubles, strings, bytes and messages of any length', () => {
    fc.assert(
      fc.property(
        fc.double(),
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 300 }),
        (number, text, bytes) => {
          const message = written((writer) => {
            const mark = beginMessage(writer, 1);
            writeDoubleField(writer, 1, number);
            writeStringField(writer, 2, text);
            writeBytesField(writer, 3, bytes);
            endMessage(writer, mark);
          });
          const theirs = new BinaryReader(message);
          expect(theirs.tag()).toEqual([1, 2]);
          expect(theirs.uint32()).toBe(message.length - theirs.pos);
          const reader = createProtoReader(message, theirs.pos);
          expect(nextField(reader) && readDouble(reader)).toBe(number);
          expect(nextField(reader) && readString(reader)).toBe(text);
          expect(nextField(reader) && Uint8Array.from(readBytes(reader))).toEqual(bytes);
        },
      ),
    );
  });

  it('know the size of a varint', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(varintSize(value)).toBe(new BinaryWriter().uint64(value).finish().length);
      }),
    );
  });

  it('refuse integers beyond 2^53 rather than round them', () => {
    const bytes = new BinaryWriter()
      .tag(1, 0)
      .uint64(2n ** 53n)
      .finish();
    const reader = createProtoReader(bytes);
    nextField(reader);
    expect(() => readUint64(reader)).toThrow('integer beyond 2^53');
  });
});
