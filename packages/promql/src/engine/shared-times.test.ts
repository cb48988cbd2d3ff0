import { describe, expect, it } from 'vitest';
import { sharedTimes } from './shared-times.ts';
import { ABSENT, FLOAT } from './value.ts';

const times = Float64Array.of(10, 20, 30, 40);
const presence = (...isPresent: number[]) => Uint8Array.from(isPresent, (is) => (is === 1 ? FLOAT : ABSENT));

describe('times of the steps at which a series is present', () => {
  it('are those steps', () => {
    for (let bits = 0; bits < 16; bits++) {
      const present = presence(...[0, 1, 2, 3].map((i) => (bits >> i) & 1));
      const expected = times.filter((_, i) => present[i] !== ABSENT);
      expect(sharedTimes(times)(present)).toEqual(expected);
    }
  });

  it('are one array for steps in a row, also of different answers', () => {
    const first = sharedTimes(times)(presence(0, 1, 1, 1));
    for (const others of [presence(1, 1, 1, 0), presence(0, 1, 1, 0), presence(1, 0, 1, 1)]) {
      expect(sharedTimes(times)(others)).not.toEqual(first);
    }
    expect(sharedTimes(times)(presence(0, 1, 1, 1))).toBe(first);
    expect(sharedTimes(times)(presence(1, 1, 1, 1))).toBe(times);
    expect(sharedTimes(times.slice())(presence(0, 1, 1, 1))).not.toBe(first);
  });
});
