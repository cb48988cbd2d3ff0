import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VarintCursor, varintLength, writeVarint } from './varint.ts';

const anyNumber = fc.oneof(fc.nat(), fc.maxSafeNat());

describe('varints', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { maxLength: 20 }), (values) => {
        const bytes = new Uint8Array(values.reduce((length, value) => length + varintLength(value), 0));
        let offset = 0;
        for (const value of values) offset = writeVarint(bytes, offset, value);
        expect(offset).toBe(bytes.length);
        const cursor = new VarintCursor();
        cursor.reset(bytes, 0, bytes.length);
        expect(values.map(() => cursor.next())).toEqual(values);
        expect(cursor.failed).toBe(false);
      }),
    );
  });

  it('fail past the end and past 2^53 - 1', () => {
    const cursor = new VarintCursor();
    for (const bytes of [
      [],
      [0x80],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ]) {
      cursor.reset(Uint8Array.from(bytes), 0, bytes.length);
      expect(cursor.next()).toBe(0);
      expect(cursor.failed).toBe(true);
    }
  });
});
