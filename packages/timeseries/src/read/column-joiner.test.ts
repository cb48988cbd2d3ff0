import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedTimestamps } from '../head/shared-timestamps.ts';
import { ColumnJoiner } from './column-joiner.ts';

function ascendingCount(values: readonly number[]): number {
  const end = values.findIndex((value, i) => !(value >= (i === 0 ? Number.NEGATIVE_INFINITY : values[i - 1]!)));
  return end < 0 ? values.length : end;
}

describe('ColumnJoiner', () => {
  it('joins parts, and knows how far the whole ascends', () => {
    const part = fc.array(fc.constantFrom(0, 0, 1, 1, 2, Number.NaN), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        let time = 0;
        const columns = parts.map((values) => ({
          timestamps: Float64Array.from(values, () => time++),
          values: Float64Array.from(values),
          ascendingCount: ascendingCount(values),
        }));
        const joined = new ColumnJoiner(new SharedTimestamps()).join([...columns].reverse());
        expect([...joined.values]).toEqual(parts.flat());
        expect([...joined.timestamps]).toEqual(parts.flat().map((_, i) => i));
        expect(joined.ascendingCount).toBe(ascendingCount(parts.flat()));
      }),
    );
  });

  it('gives wholes of the same parts the same times', () => {
    const joiner = new ColumnJoiner(new SharedTimestamps());
    const [first, second] = [Float64Array.of(1, 2), Float64Array.of(3)];
    const join = () =>
      joiner.join([
        { timestamps: first, values: Float64Array.of(5, 6) },
        { timestamps: second, values: Float64Array.of(7) },
      ]);
    expect(join().timestamps).toBe(join().timestamps);
    expect(join().ascendingCount).toBe(0);
  });
});
