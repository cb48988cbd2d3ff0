import { describe, expect, it } from 'vitest';
import { hasSameBits, randomFrom } from './columns.testing.ts';
import { addCorrections, fromMultiples, MultiplesFinder, toCorrections } from './multiples.ts';

const COUNT = 400;
const finder = new MultiplesFinder();

interface Found {
  readonly multiples: Float64Array;
  readonly corrections: Float64Array;
  readonly exceptions: number;
}

function find(values: Float64Array): Found | undefined {
  const multiples = new Float64Array(values.length);
  if (!finder.find(values, values.length, multiples)) return undefined;
  const corrections = new Float64Array(values.length);
  const words = new Uint32Array(values.buffer);
  const places = new Uint32Array(values.length);
  const exceptions = toCorrections(words, multiples, values.length, finder, corrections, places, 20);
  return { multiples, corrections, exceptions };
}

function columnOf(next: (random: () => number) => number, seed = 1): Float64Array {
  const random = randomFrom(seed);
  return Float64Array.from({ length: COUNT }, () => next(random));
}

describe('multiples of a step', () => {
  it.each<[string, number, (random: () => number) => number]>([
    ['shares of a fixed whole', 1 / 16_322_936, (random) => Math.floor(random() * 4e6) / 16_322_936],
    ['shares that are left', 1 / 4_177_919, (random) => 1 - Math.floor(random() * 4e6) / 4_177_919],
    ['percentages', 100 / 33_554_431, (random) => (100 * Math.floor(random() * 3e7)) / 33_554_431],
    ['rates of five minutes', 1 / 300, (random) => Math.floor(random() * 1000) / 300],
    ['degrees', 0.1 * (5 / 9), (random) => ((Math.floor(random() * 500) / 10 - 32) * 5) / 9],
    ['scaled fractions', 3e-5 * 2 ** -26, (random) => 1e-4 * (1 + (0.3 * Math.floor(random() * 2 ** 26)) / 2 ** 26)],
    ['steps on both sides of zero', 0.3 / 7, (random) => (Math.floor(random() * 2001) - 1000) * (0.3 / 7)],
  ])('are found in %s', (_name, step, nextOf) => {
    for (let seed = 0; seed < 10; seed++) {
      const values = columnOf(nextOf, seed);
      const found = find(values);
      expect(found?.exceptions).toBe(0);
      expect(finder.step / step).toBeCloseTo(1, 6);
      const { multiples, corrections } = found!;
      fromMultiples(multiples, 0, COUNT, finder.offset, finder.step, 0);
      addCorrections(multiples, 0, COUNT, corrections, 0);
      expect(hasSameBits(multiples, values)).toBe(true);
    }
  });

  it('are found beside values that are none', () => {
    const values = columnOf((random) => Math.floor(random() * 1e6) / 777_777);
    for (const [i, value] of [Number.NaN, Number.POSITIVE_INFINITY, -0].entries()) values[i * 5] = value;
    expect(find(values)?.exceptions).toBe(3);
  });

  it('are not found where their sums are beyond all doubles', () => {
    expect(find(columnOf((random) => Math.floor(random() * 4e6) * 1e298))).toBeUndefined();
  });

  it.each<[string, (random: () => number, before: number) => number]>([
    ['noise of many bits', (random) => random() + random() * 2 ** -30],
    ['sums of such noise', (random, before) => before + random() + random() * 2 ** -30],
    ['one value', () => Math.PI],
    ['what is not finite', () => Number.NaN],
    ['the least doubles', (random) => Math.floor(random() * 9) * Number.MIN_VALUE],
    ['the greatest doubles', (random) => (random() - 0.5) * Number.MAX_VALUE],
  ])('are not found in %s', (_name, next) => {
    let before = 0;
    const values = columnOf((random) => (before = next(random, before)));
    const found = find(values);
    if (found !== undefined) expect(found.exceptions).not.toBe(0);
  });
});
