import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookbackIndex, lookbackIndexes } from './select.ts';

describe('lookbackIndex', () => {
  it('is what the plan of a single step says', () => {
    const times = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 });
    fc.assert(
      fc.property(times, fc.integer({ min: -5, max: 70 }), fc.integer({ min: 1, max: 30 }), (all, end, lookbackMs) => {
        const timestamps = Float64Array.from(all.sort((a, b) => a - b));
        const [planned] = lookbackIndexes(timestamps, Float64Array.of(end), lookbackMs);
        expect(lookbackIndex(timestamps, end, lookbackMs)).toBe(planned);
      }),
    );
  });
});
