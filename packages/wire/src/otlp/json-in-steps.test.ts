import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseJsonInSteps } from './json-in-steps.ts';

/** The value, or that there is none. */
function parsed(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof SyntaxError) return 'no JSON';
    throw error;
  }
}

function inSteps(text: string, pieceLength?: number): { readonly value: unknown; readonly steps: number } {
  const steps = parseJsonInSteps(text, pieceLength);
  for (let count = 0; ; count++) {
    const { value, done } = steps.next();
    if (done === true) return { value, steps: count };
  }
}

const space = fc.constantFrom('', '', ' ', '\n', '\t ', '\r\n');
const texts = fc
  .tuple(fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }), fc.constantFrom(0, 1, 3), space, space)
  .map(([value, indent, before, after]) => `${before}${JSON.stringify(value, undefined, indent)}${after}`);
const pieceLengths = fc.integer({ min: 1, max: 40 });

describe('JSON in steps', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(texts, pieceLengths, (text, pieceLength) => {
        expect(inSteps(text, pieceLength).value).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const change = fc.record({
      at: fc.nat(),
      removed: fc.integer({ min: 0, max: 2 }),
      added: fc.string({ unit: fc.constantFrom(...'[]{},:"\\ 1a-.\u00a0'), maxLength: 2 }),
    });
    fc.assert(
      fc.property(texts, pieceLengths, change, (text, pieceLength, { at, removed, added }) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + added + text.slice(place + removed);
        expect(parsed(() => inSteps(changed, pieceLength).value)).toEqual(parsed(() => JSON.parse(changed)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    ' ',
    '[',
    '[1,',
    '[1,]',
    '[,1]',
    '[1,,2]',
    '{"a":1,}',
    '{,}',
    '{"a"}',
    '{"a":}',
    '[1}',
    '{"a":1]',
    '"a',
    '[1]]',
    '1 2',
    '[\u00a0]',
  ])('refuses %j', (text) => {
    for (const pieceLength of [1, 2, 3, 4, 100]) expect(() => inSteps(text, pieceLength)).toThrow(SyntaxError);
  });

  it('takes a key that names the prototype for a key, and the last of two', () => {
    const text = '{"__proto__":{"a":[1,2]},"b":1,"b":[2]}';
    expect(JSON.stringify(inSteps(text, 4).value)).toBe('{"__proto__":{"a":[1,2]},"b":[2]}');
  });

  it('takes a turn for each piece, also of strings and numbers alone', () => {
    const points = Array.from({ length: 10_000 }, (_, i) => ({ i, text: 'x'.repeat(50) }));
    for (const value of [
      points,
      { a: { b: points } },
      points.map(({ i }) => i),
      Object.fromEntries(points.map(({ text }, i) => [`k${i}`, text])),
    ]) {
      const text = JSON.stringify(value);
      const { value: found, steps } = inSteps(text, 1000);
      expect(found).toEqual(value);
      expect(steps).toBeGreaterThan(text.length / 2000);
    }
  });

  it('looks at a long string once, however deep it is', () => {
    const quotes = 20_000;
    const text = `${'['.repeat(31)}"${'\\"'.repeat(quotes)}"${']'.repeat(31)}`;
    const looks = vi.spyOn(String.prototype, 'indexOf');
    try {
      expect(inSteps(text, 1000).steps).toBe(31);
      expect(looks.mock.calls.length).toBeLessThan(3 * quotes);
    } finally {
      looks.mockRestore();
    }
  });

  it('names the place of a fault', () => {
    const text = `{"a":[${'{"b":1},'.repeat(100)}{"b" 1}]}`;
    expect(() => inSteps(text, 50)).toThrow(new RegExp(`at position ${text.length - 4}$`));
    expect(() => JSON.parse(text)).toThrow(new RegExp(`at position ${text.length - 4}`));
  });

  it('refuses what is nested too deep, soon', () => {
    expect(() => inSteps('['.repeat(2_000_000), 1000)).toThrow(RangeError);
    expect(() => inSteps('{"a":'.repeat(500_000), 1000)).toThrow(RangeError);
  });
});
