import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latencies } from './latencies.ts';

describe('latencies', () => {
  it('have percentiles like those of a sorted list, within the width of a bucket', () => {
    const latency = fc.double({ min: 0.001, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 100 }),
        (list, percent) => {
          const latencies = new Latencies();
          for (const each of list) latencies.add(each);
          const exact = list.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * list.length) - 1]!;
          const found = latencies.percentile(percent);
          expect(found).toBeGreaterThanOrEqual(exact * 0.999);
          expect(found).toBeLessThanOrEqual(exact * 1.012);
        },
      ),
    );
  });

  it('are 0 when there are none', () => {
    expect(new Latencies().percentile(99)).toBe(0);
  });
});
