import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatResult, parseFloatBytes } from './float.ts';

function parse(text: string): number | undefined {
  const bytes = Buffer.from(`x${text} 1`);
  const value = parseFloatBytes(bytes, 1, bytes.length - 2);
  return floatResult.isValid ? value : undefined;
}

describe('parseFloatBytes', () => {
  it('gives back every double from its shortest text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(parse(Object.is(value, -0) ? '-0' : String(value))).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });

  it('rounds decimal text of any length as Number does', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 30 });
    const sign = fc.constantFrom('', '+', '-');
    const exponent = fc.oneof(
      fc.constant(''),
      fc.tuple(sign, fc.integer({ min: 0, max: 300 })).map(([s, n]) => `e${s}${n}`),
    );
    fc.assert(
      fc.property(sign, digits, fc.boolean(), digits, exponent, (start, whole, hasDot, fraction, end) => {
        const text = `${start}${whole}${hasDot ? '.' : ''}${hasDot ? fraction : ''}${end}`;
        const isNumber = whole !== '' || (hasDot && fraction !== '');
        const value = Number(text);
        expect(parse(text)).toBe(isNumber && Number.isFinite(value) ? value : undefined);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['inf', Infinity],
    ['+Inf', Infinity],
    ['-INF', -Infinity],
    ['Infinity', Infinity],
    ['-infinity', -Infinity],
    ['NaN', Number.NaN],
    ['nan', Number.NaN],
    ['1.', 1],
    ['.5', 0.5],
    ['1E3', 1000],
  ])('takes %s', (text, value) => expect(parse(text)).toBe(value));

  it.each([
    '',
    '+',
    '-',
    '.',
    '-.',
    'e5',
    '1e',
    '1e+',
    '1e5.5',
    '0x10',
    '0x1p-3',
    '0b1',
    '0o1',
    '1_000',
    '1e400',
    '-1e400',
    '+NaN',
    '-nan',
    'infinit',
    'Infinity1',
    '1 ',
    '1a',
    '--1',
    '+-1',
    '1,5',
    '\u0661',
  ])('refuses %j', (text) => expect(parse(text)).toBeUndefined());
});
