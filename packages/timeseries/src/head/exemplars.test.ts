import { describe, expect, it } from 'vitest';
import { ExemplarRing } from './exemplars.ts';

const at = (timestampMs: number, id = 'x') => ({ labels: ['trace_id', id], value: 1, timestampMs });

describe('the ring of exemplars', () => {
  it('gives the exemplars of a series between two times', () => {
    const ring = new ExemplarRing(10);
    for (const timestampMs of [1, 2, 3]) ring.add(7, at(timestampMs), 1);
    ring.add(8, at(2), 1);
    expect(ring.between(7, 2, 3)).toEqual([at(2), at(3)]);
    expect(ring.between(9, 0, 9)).toEqual([]);
  });

  it('forgets those that came first', () => {
    const ring = new ExemplarRing(3);
    for (let i = 0; i < 7; i++) ring.add(i % 2, at(i), 1);
    expect(ring.count).toBe(3);
    expect(ring.between(0, 0, 9)).toEqual([at(4), at(6)]);
    expect(ring.between(1, 0, 9)).toEqual([at(5)]);
  });

  it('takes none that is not newer than the last of its series, or whose labels are long', () => {
    const ring = new ExemplarRing(3);
    expect(ring.add(1, at(5), 1)).toBe(true);
    expect(ring.add(1, at(5), 1)).toBe(false);
    expect(ring.add(1, at(4), 1)).toBe(false);
    expect(ring.add(1, at(6, 'x'.repeat(120)), 1)).toBe(true);
    expect(ring.add(1, at(7, 'x'.repeat(121)), 1)).toBe(false);
  });
});
