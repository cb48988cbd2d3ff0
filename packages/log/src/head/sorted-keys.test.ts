import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashBytes } from '../key-bytes.ts';
import { ByteArena } from './byte-arena.ts';
import { KeyIndex } from './key-index.ts';
import { sortKeys } from './sorted-keys.ts';

/** Keys that begin alike, end early, or differ in bytes behind the ones that are looked at first. */
const key = fc
  .tuple(
    fc.constantFrom('', 'user-', 'user-000', 'user-0000000000000'),
    fc.uint8Array({ maxLength: 9 }),
    fc.constantFrom('', '\0', '\0\0\0\0', '\xff'),
  )
  .map(([start, middle, end]) => Buffer.concat([Buffer.from(start), middle, Buffer.from(end, 'latin1')]));

function indexOf(texts: readonly Uint8Array[]): KeyIndex {
  const arena = new ByteArena();
  const keys = new KeyIndex(arena);
  for (const text of texts) {
    const position = arena.reserve(Math.max(1, text.length));
    const start = arena.offsetAt(position);
    arena.chunkAt(position).set(text, start);
    arena.commit(text.length);
    const chunk = arena.chunkAt(position);
    keys.findOrAdd(chunk, start, start + text.length, position, hashBytes(chunk, start, start + text.length));
  }
  return keys;
}

/** How many bytes all of them begin with. */
function commonLength(texts: readonly Uint8Array[]): number {
  const [first = new Uint8Array(0), ...others] = texts;
  const differing = first.findIndex((byte, at) => others.some((other) => other[at] !== byte));
  return differing < 0 ? first.length : differing;
}

function expectedOrder(keys: KeyIndex): number[] {
  const numbers = Array.from({ length: keys.count }, (_, number) => number);
  return numbers.sort((a, b) => Buffer.compare(keys.bytesOf(a), keys.bytesOf(b)));
}

it('orders keys by their bytes, whatever they have in common, and those that came later among them', async () => {
  const property = fc.asyncProperty(fc.array(key, { maxLength: 200 }), fc.nat(200), async (texts, known) => {
    const keys = indexOf(texts);
    const expected = expectedOrder(keys);
    expect(keys.commonLength).toBe(commonLength(texts));
    const first = await sortKeys(keys, Math.min(known, keys.count), new Uint32Array(0));
    expect([...(await sortKeys(keys, keys.count, first))]).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 200 });
});

it.each<[string, (n: number) => string]>([
  ['numbers', (n) => `key-${(n * 7919) % 20_000}`],
  ['groups of some hundred keys that begin alike', (n) => `tenant-${n % 31}/device/${(n * 7919) % 20_000}`],
  ['keys that are the beginnings of others', (n) => 'a'.repeat(n % 2500) + '\0'.repeat(n % 3)],
  ['a few far apart among many alike', (n) => (n % 1000 === 0 ? `z${n}` : `user-00000000${n}`)],
])('orders thousands of keys: %s', async (_, nameOf) => {
  const keys = indexOf(Array.from({ length: 6000 }, (_, n) => Buffer.from(nameOf(n))));
  const expected = expectedOrder(keys);
  const some = await sortKeys(keys, 1000, new Uint32Array(0));
  expect([...(await sortKeys(keys, keys.count, some))]).toEqual(expected);
  expect([...(await sortKeys(keys, keys.count, new Uint32Array(0)))]).toEqual(expected);
});

it('finds every key of many, and no other', () => {
  const names = Array.from({ length: 6000 }, (_, n) => Buffer.from(`key-${n}`));
  const keys = indexOf(names);
  expect(names.map((name) => keys.find(name, 0, name.length))).toEqual(names.map((_, n) => n));
  const others = Array.from({ length: 6000 }, (_, n) => Buffer.from(`other-${n}`));
  expect(others.filter((name) => keys.find(name, 0, name.length) >= 0)).toEqual([]);
});
