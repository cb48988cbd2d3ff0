import { compareStrings } from '@opendata/promql';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergedStrings, sortedStrings } from './sorted-in-turns.ts';

const strings = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 3 }));
const sorted = (texts: Iterable<string>) => [...new Set(texts)].sort(compareStrings);

it('merges sorted lists to what a set of all of them holds', async () => {
  await fc.assert(
    fc.asyncProperty(strings, strings, async (a, b) => {
      expect(await mergedStrings(sorted(a), sorted(b), async () => undefined)).toEqual(sorted([...a, ...b]));
    }),
  );
});

it('looks once at what is in order already', async () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(5, '0'));
  let turns = 0;
  expect(await sortedStrings(texts, async () => void turns++)).toBe(texts);
  expect(turns).toBeLessThan(10);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 3 })), async (any) => {
      expect(await sortedStrings(any, async () => undefined)).toEqual([...any].sort(compareStrings));
    }),
  );
});

it('sorts and merges long lists, with turns in between', async () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `value-${(i * 7919) % 20_000}`);
  let turns = 0;
  const yielder = async () => void turns++;
  expect(await sortedStrings(texts, yielder)).toEqual(sorted(texts));
  expect(turns).toBeGreaterThan(10);
  const [even, odd] = [0, 1].map((rest) => sorted(texts.filter((_, i) => i % 2 === rest)));
  expect(await mergedStrings(even!, odd!, yielder)).toEqual(sorted(texts));
});
