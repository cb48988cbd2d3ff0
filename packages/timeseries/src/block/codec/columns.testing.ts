import fc from 'fast-check';

export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.slice().buffer);
}

/** True where two columns have the same bits; much faster than the comparison of an assertion. */
export function hasSameBits(a: Float64Array, b: Float64Array): boolean {
  return Buffer.compare(Buffer.from(a.slice().buffer), Buffer.from(b.slice().buffer)) === 0;
}

/** The double of two halves, exact bits, written into `values[index]`. */
export function setBits(values: Float64Array, index: number, high: number, low: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset);
  words[2 * index] = low;
  words[2 * index + 1] = high;
}

type Shape = (random: () => number, count: number) => number[];

function walk(step: (random: () => number) => number, start = 0): Shape {
  return (random, count) => {
    let value = start;
    return Array.from({ length: count }, () => (value += step(random)));
  };
}

/** What metrics look like, by name. */
export const shapes: Readonly<Record<string, Shape>> = {
  constant: (random, count) => new Array<number>(count).fill(Math.floor(random() * 1000)),
  constantFloat: (random, count) => new Array<number>(count).fill(random()),
  counter: walk((random) => Math.floor(random() * 100), 12345),
  bigCounter: walk((random) => Math.floor(random() * 4e6), 8e11),
  rareCounter: walk((random) => (random() < 0.05 ? 1 + Math.floor(random() * 40960) : 0)),
  resets: (random, count) => {
    let value = 0;
    return Array.from({ length: count }, () => (value = random() < 0.01 ? 0 : value + Math.floor(random() * 50)));
  },
  decimals: (random, count) => Array.from({ length: count }, () => Math.floor(random() * 10_000) / 100),
  fractions: (random, count) => Array.from({ length: count }, () => (random() < 0.1 ? random() : 0.25)),
  pages: walk((random) => Math.floor((random() - 0.5) * 100) * 4096, 4096 * 1e5),
  gauge: (random, count) => Array.from({ length: count }, () => Math.floor((random() - 0.5) * 2000)),
  noise: (random, count) => Array.from({ length: count }, () => random() * 1e-4),
  signedNoise: (random, count) => Array.from({ length: count }, () => (random() - 0.5) * 2 ** (random() * 80)),
  sums: walk((random) => random() * 10, 1000),
  magnitudes: (random, count) =>
    Array.from({ length: count }, () => (random() + random() * 2 ** -30) * 2 ** (random() * 12)),
  singles: (random, count) => Array.from({ length: count }, () => Math.fround(random() * 100)),
  ratios: (random, count) => Array.from({ length: count }, () => Math.floor(random() * 4e6) / 16_322_936),
  percents: (random, count) => Array.from({ length: count }, () => 100 * (1 - Math.floor(random() * 1e7) / 33_554_431)),
  line: (_random, count) => Array.from({ length: count }, (_, i) => 17e8 + i * 15),
  huge: (random, count) => Array.from({ length: count }, () => (random() - 0.5) * Number.MAX_VALUE),
  tiny: (random, count) => Array.from({ length: count }, () => random() * Number.MIN_VALUE * 1000),
  limits: (random, count) => Array.from({ length: count }, () => (random() < 0.5 ? 1 : -1) * (2 ** 52 - 1)),
  beyond: (random, count) => Array.from({ length: count }, () => 2 ** 53 + Math.floor(random() * 1e6) * 2),
  flapping: (random, count) => Array.from({ length: count }, () => (random() < 0.5 ? 1 : 0)),
};

const odd: readonly (readonly [number, number])[] = [
  [0x7ff00000, 2],
  [0x7ff80000, 1],
  [0x7ff80000, 0],
  [0xfff80000, 12345],
  [0x7ff00000, 0],
  [0xfff00000, 0],
  [0x80000000, 0],
  [0, 0],
  [0, 1],
  [0x7fefffff, 0xffffffff],
];

/** mulberry32 */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values of a shape, in some columns with odd ones (NaNs, infinities, -0) strewn in. */
export function valuesArbitrary(maxCount = 500): fc.Arbitrary<Float64Array> {
  return fc
    .record({
      shape: fc.constantFrom(...Object.keys(shapes)),
      seed: fc.integer(),
      count: fc.integer({ min: 1, max: maxCount }),
      oddShare: fc.constantFrom(0, 0, 0.002, 0.05, 0.6),
      repeats: fc.constantFrom(0, 0, 0.3, 0.9),
    })
    .map(({ shape, seed, count, oddShare, repeats }) => {
      const random = randomFrom(seed);
      const values = Float64Array.from(shapes[shape]!(random, count));
      for (let i = 1; i < count; i++) if (random() < repeats) values[i] = values[i - 1]!;
      for (let i = 0; i < count; i++) {
        if (random() >= oddShare) continue;
        const [high, low] = odd[Math.floor(random() * odd.length)]!;
        setBits(values, i, high, low);
      }
      return values;
    });
}

/** Timestamps of a kind: regular, jittering, with gaps, equal, negative, far apart, not whole. */
export function timestampsArbitrary(count: number): fc.Arbitrary<Float64Array> {
  return fc
    .record({
      seed: fc.integer(),
      start: fc.constantFrom(0, 1736935200123, -5_000_000, 2 ** 51, -(2 ** 52), 1e300),
      interval: fc.constantFrom(0, 1, 15_000, 2 ** 40),
      jitter: fc.constantFrom(0, 0, 1, 500),
      missing: fc.constantFrom(0, 0, 0.02, 0.5),
      fraction: fc.constantFrom(0, 0, 0, 0.5),
    })
    .map(({ seed, start, interval, jitter, missing, fraction }) => {
      const random = randomFrom(seed);
      let at = start;
      return Float64Array.from({ length: count }, () => {
        at += interval;
        while (random() < missing) at += interval;
        return at + Math.floor(random() * (jitter + 1)) + fraction;
      }).sort();
    });
}
