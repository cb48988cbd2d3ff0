import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantileOfSorted, sortNaNFirst } from '../range/over-time.ts';
import { quantileOf } from './quantile.ts';

describe('quantileOf', () => {
  it('gives what sorting gives', () => {
    const value = fc.oneof(
      fc.integer({ min: -5, max: 5 }).map((n) => n + 0),
      fc.double({ noNaN: true }).map((n) => n + 0),
      fc.constantFrom(Infinity, -Infinity, Number.NaN),
    );
    const q = fc.oneof(fc.double({ min: 0, max: 1 }), fc.constantFrom(0, 0.5, 1, -1, 2, Number.NaN));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), q, (values, phi) => {
        const expected = quantileOfSorted(phi, sortNaNFirst(Float64Array.from(values)));
        expect(quantileOf(phi, Float64Array.from(values)) + 0).toBe(expected + 0);
      }),
    );
  });

  it('selects among many finite values', () => {
    const finite = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 32, maxLength: 500 });
    fc.assert(
      fc.property(finite, fc.double({ min: 0, max: 1, noNaN: true }), (values, phi) => {
        const expected = quantileOfSorted(phi, sortNaNFirst(Float64Array.from(values)));
        expect(quantileOf(phi, Float64Array.from(values))).toBe(expected);
      }),
    );
  });
});
