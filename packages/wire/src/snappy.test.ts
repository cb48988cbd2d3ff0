import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireError } from './errors.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { snappyCompress, snappyUncompress } from './snappy.ts';
import { snappyDecode, snappyUncompressedLength } from './snappy-decode.ts';

const LIMIT = 1 << 20;
/** Bytes with repetition, so that there are copies and not only literals. */
const repetitive = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(5), { maxLength: 200 }),
  )
  .map(([words, order]) => Uint8Array.from(order.flatMap((i) => [...words[i % words.length]!])));

function attempt(run: () => Uint8Array): Uint8Array | string {
  try {
    return run();
  } catch (error) {
    if (!isWireError(error)) throw error;
    return error.code;
  }
}

describe('snappy', () => {
  it('gives back what was compressed, in both decoders', () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        const body = snappyCompress(bytes);
        expect(snappyUncompress(body, LIMIT)).toEqual(bytes);
        expect(snappyDecode(body, bytes.length)).toEqual(bytes);
      }),
    );
  });

  it('takes and refuses the same damaged bodies in both decoders, and stays usable', () => {
    const sound = snappyCompress(Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 31));
    fc.assert(
      fc.property(repetitive, mutations, (bytes, list) => {
        const body = mutate(snappyCompress(bytes), list);
        const fast = attempt(() => snappyUncompress(body, LIMIT));
        const slow = attempt(() => snappyDecode(body, snappyUncompressedLength(body, LIMIT)));
        expect(fast).toEqual(slow);
        expect(snappyUncompress(sound, LIMIT).length).toBe(5000);
      }),
      { numRuns: 3000 },
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (body) => {
        const fast = attempt(() => snappyUncompress(body, LIMIT));
        expect(fast).toEqual(attempt(() => snappyDecode(body, snappyUncompressedLength(body, LIMIT))));
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses a bomb by its header', () => {
    const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
    expect(() => snappyUncompress(bomb, 32 << 20)).toThrow(
      'snappy: 4294967295 bytes uncompressed, the limit is 33554432',
    );
    expect(attempt(() => snappyUncompress(bomb, 32 << 20))).toBe('too_large');
  });

  it.each([
    ['nothing', []],
    ['an endless header', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['a header above 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a copy from before the start', [0x05, 0x00, 0x61, 0x01, 0x09]],
    ['a copy at offset 0', [0x05, 0x00, 0x61, 0x01, 0x00]],
    ['less than declared', [0x05, 0x00, 0x61]],
    ['more than declared', [0x01, 0x04, 0x61, 0x62]],
  ])('refuses %s', (_, body) => {
    expect(attempt(() => snappyUncompress(Uint8Array.from(body), LIMIT))).toBe('malformed');
  });

  it('decodes a wasteful encoding without WebAssembly', () => {
    const body = [100, ...Array.from({ length: 100 }, () => [0xf0, 0, 0x61]).flat()];
    expect(snappyUncompress(Uint8Array.from(body), LIMIT)).toEqual(new Uint8Array(100).fill(0x61));
  });

  it('agrees on empty input', () => {
    expect(snappyUncompress(snappyCompress(new Uint8Array(0)), LIMIT).length).toBe(0);
  });
});
