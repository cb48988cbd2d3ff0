import { readFileSync } from 'node:fs';
import { randomFrom } from './codec/columns.testing.ts';
import type { TestSeries } from './memory-block.testing.ts';

const COUNT = 360;

const cube = (x: number): number => x * x * x;

/** What a sample of each kind is worth, by its number and the value before it. */
const kinds: Readonly<Record<string, (random: () => number, i: number, before: number) => number>> = {
  uneven_steps_total: (random, _i, before) => before + Math.floor(cube(cube(random())) * 200),
  even_gauge: (random) => Math.floor(random() * 11),
  seconds_total: (random, _i, before) => Math.round((before + cube(random())) * 100) / 100,
  load: (random) => Math.floor(cube(random()) * 500) / 100,
  noise: (random) => random() - 0.5,
  sum: (random, _i, before) => before + random() * 10,
  restarts_total: (random, i, before) => (i % 100 === 99 ? 0 : before + Math.floor(random() * 3)),
  rare_total: (random, _i, before) => before + (random() < 0.03 ? 1 : 0),
  constant: () => 42,
  odd: (_random, i) => [1, 1e300, 2, Number.NaN, -0, Number.POSITIVE_INFINITY, 5e-324, 0][(i * i) % 8]!,
};

/** The series of the blocks in fixtures/: of each kind, and a histogram's buckets; scraped with jitter. */
export function seriesOfEarlierFormats(): TestSeries[] {
  const random = randomFrom(42);
  const times = Array.from({ length: COUNT }, (_, i) => i * 10_000 + Math.floor(random() * 4));
  const series = Object.entries(kinds).map(([name, next]): TestSeries => {
    let before = 0;
    return {
      labels: ['__name__', name],
      samples: times.map((time, i): [number, number] => {
        const value = next(random, i, before);
        before = value;
        return [time, value];
      }),
    };
  });
  const buckets = ['0.1', '0.5', '1', '+Inf'].map((le) => ({
    labels: ['__name__', 'seconds_bucket', 'le', le],
    samples: [] as [number, number][],
  }));
  const totals = [0, 0, 0, 0];
  for (const time of times) {
    const observed = 20 + Math.floor(random() * 60);
    for (const [i, share] of [0.3, 0.7, 0.95, 1].entries()) {
      totals[i]! += Math.floor(observed * share);
      buckets[i]!.samples.push([time, totals[i]!]);
    }
  }
  return [...series, ...buckets];
}

/**
 * A block of these series as earlier programs wrote it: its data pages are of version 1, before columns had symbols, or 2,
 * before values were multiples of a step.
 */
export function blockOfFormat(version: 1 | 2): { readonly pages: Uint8Array[]; readonly descriptor: Uint8Array } {
  const name = version === 1 ? 'first-format' : 'second-format';
  const fixture = readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), 'utf8');
  const { pages, descriptor }: { pages: string[]; descriptor: string } = JSON.parse(fixture);
  return { pages: pages.map((page) => Buffer.from(page, 'base64')), descriptor: Buffer.from(descriptor, 'base64') };
}
