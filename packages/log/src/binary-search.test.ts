import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstIndex } from './binary-search.ts';

it('finds what a look at every index finds', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(21), (numbers, limit) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const expected = sorted.findIndex((number) => number >= limit);
      const found = firstIndex(sorted.length, (i) => sorted[i]! >= limit);
      expect(found).toBe(expected < 0 ? sorted.length : expected);
    }),
  );
});
