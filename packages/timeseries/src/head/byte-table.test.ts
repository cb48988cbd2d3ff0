import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegmentArena } from './byte-arena.ts';
import { hashBytes } from './byte-hash.ts';
import { ByteTable } from './byte-table.ts';
import { KernelArena } from './kernel-arena.ts';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe.each([
  ['segments', () => new SegmentArena()],
  ['the kernel', () => new KernelArena()],
])('ByteTable over %s', (_what, createArena) => {
  it('behaves as a map from byte strings to numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 9, max: 3 }), { maxLength: 200 }),
        fc.nat(7),
        (strings, shift) => {
          const table = new ByteTable(createArena());
          const model = new Map<string, number>();
          for (const string of strings) {
            const shifted = new Uint8Array(string.length + shift + 1);
            shifted.set(string, shift);
            const view = viewOf(shifted);
            const end = shift + string.length;
            const key = string.join();
            expect(table.find(view, shift, end)).toBe(model.get(key) ?? -1);
            const id = table.intern(view, shift, end);
            if (!model.has(key)) model.set(key, model.size);
            expect(id).toBe(model.get(key));
            expect(table.equals(id, view, shift, end)).toBe(true);
            expect([...table.bytes(id)]).toEqual([...string]);
          }
          expect(table.limit).toBe(model.size);
        },
      ),
    );
  });

  it('keeps 100,000 strings over several segments', () => {
    const table = new ByteTable(createArena());
    const bytes = new Uint8Array(100);
    const view = viewOf(bytes);
    for (let i = 0; i < 100_000; i++) {
      view.setUint32(40, i, true);
      expect(table.intern(view, 0, 100)).toBe(i);
    }
    for (let i = 0; i < 100_000; i += 997) {
      view.setUint32(40, i, true);
      expect(table.find(view, 0, 100)).toBe(i);
    }
    expect(table.memoryBytes).toBeGreaterThan(10_000_000);
  });

  it('tells strings apart that differ in one bit anywhere', () => {
    const arena = createArena();
    const table = new ByteTable(arena);
    for (let length = 1; length <= 50; length++) {
      const bytes = new Uint8Array(length);
      const id = table.intern(viewOf(bytes), 0, length);
      const isEqual = (other: Uint8Array) => {
        const view = arena instanceof KernelArena ? arena.load(other) : viewOf(other);
        expect(table.equals(id, viewOf(other), 0, length)).toBe(table.equals(id, view, 0, length));
        return table.equals(id, view, 0, length);
      };
      expect(isEqual(bytes)).toBe(true);
      for (let bit = 0; bit < length * 8; bit++) {
        const other = bytes.slice();
        other[bit >> 3] = 1 << (bit & 7);
        expect(isEqual(other)).toBe(false);
      }
    }
  });
});

describe('KernelArena', () => {
  const strings = fc.uint8Array({ maxLength: 70, max: 2 });

  it('hashes and compares what is in its memory as JavaScript does', () => {
    const arena = new KernelArena();
    fc.assert(
      fc.property(strings, strings, fc.integer(), (a, b, seed) => {
        const { startBytes } = arena.bodies;
        const first = arena.add(viewOf(a), 0, a.length);
        const second = arena.add(viewOf(b), 0, b.length);
        const memory = new DataView(arena.memory.buffer, startBytes);
        new Uint8Array(arena.memory.buffer).set(a, startBytes + 3);
        expect(arena.hash(memory, 3, 3 + a.length, seed)).toBe(hashBytes(viewOf(a), 0, a.length, seed));
        const shorter = Math.min(a.length, b.length);
        let prefix = 0;
        while (prefix < shorter && a[prefix] === b[prefix]) prefix++;
        let suffix = 0;
        while (suffix < shorter && a.at(-1 - suffix) === b.at(-1 - suffix)) suffix++;
        expect(arena.sharedStart(first, second, shorter)).toBe(prefix);
        expect(arena.sharedEnd(first + a.length, second + b.length, shorter)).toBe(suffix);
        const copy = arena.add(memory, 3, a.length);
        expect([...arena.bytes(copy, a.length)]).toEqual([...a]);
      }),
    );
  });
});
