import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStringInterner, internUtf8 } from './interner.ts';

describe('internUtf8', () => {
  it('gives the text of the bytes, whatever was read before', () => {
    const interner = createStringInterner();
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(texts, (list) => {
        for (const text of [...list, ...list]) {
          const bytes = Buffer.from(`.${text}.`);
          expect(internUtf8(interner, bytes, 1, bytes.length - 1)).toBe(text);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not take a wrong text that has the same slot', () => {
    const interner = createStringInterner();
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(`value-${i}`);
      expect(internUtf8(interner, bytes, 0, bytes.length)).toBe(`value-${i}`);
    }
  });

  it('refuses what is not UTF-8, each time', () => {
    const interner = createStringInterner();
    for (let i = 0; i < 2; i++) {
      expect(() => internUtf8(interner, Uint8Array.of(0xc0, 0x80), 0, 2)).toThrow('invalid UTF-8');
    }
  });
});
