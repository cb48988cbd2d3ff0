import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Query } from './query.ts';

describe('query', () => {
  it('decodes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const encoded = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        expect([...new Query(`/scan?a=1&key=${encoded}`).key()]).toEqual([...bytes]);
        const base64 = Buffer.from(bytes).toString('base64');
        expect([...new Query(`/scan?key_b64=${encodeURIComponent(base64)}`).key()]).toEqual([...bytes]);
        expect([...new Query(`/scan?key_b64=${Buffer.from(bytes).toString('base64url')}`).key()]).toEqual([...bytes]);
      }),
    );
  });

  it('decodes text as browsers encode it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(new Query(`/?${new URLSearchParams({ key: text })}`).key().toString()).toBe(text);
        expect(new Query(`/?key=${encodeURIComponent(text)}`).key().toString()).toBe(text);
      }),
    );
  });

  it('holds numbers to a bound, up to 2^64 - 1', () => {
    const query = new Query('/?a=18446744073709551615&b=0&c=9007199254740993');
    expect(query.integer('a', 1, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
    expect(query.integer('b', 1, 10)).toBe(0);
    expect(query.integer('c', 1, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
    expect(query.integer('absent', 7, 10)).toBe(7);
  });
});
