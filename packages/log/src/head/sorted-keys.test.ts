import fc from 'fast-check';
import { expect, it } from 'vitest';
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

it('orders keys by their bytes, whatever they have in common, and those that came later among them', async () => {
  const property = fc.asyncProperty(fc.array(key, { maxLength: 200 }), fc.nat(200), async (texts, known) => {
    const arena = new ByteArena();
    const keys = new KeyIndex(arena);
    for (const text of texts) {
      const position = arena.reserve(Math.max(1, text.length));
      const start = arena.offsetAt(position);
      arena.chunkAt(position).set(text, start);
      arena.commit(text.length);
      keys.findOrAdd(arena.chunkAt(position), start, start + text.length, position);
    }
    const numbers = Array.from({ length: keys.count }, (_, number) => number);
    const expected = numbers.sort((a, b) => Buffer.compare(keys.bytesOf(a), keys.bytesOf(b)));
    const first = await sortKeys(keys, Math.min(known, keys.count), new Uint32Array(0));
    expect([...(await sortKeys(keys, keys.count, first))]).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 200 });
});
