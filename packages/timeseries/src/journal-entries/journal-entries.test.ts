import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKernelArena } from '../head/kernel-arena.ts';
import { JournalEntryDecoder } from './decode.ts';
import { JournalEntryEncoder } from './encode.ts';
import { JournalEntryError } from './format.ts';
import { histogramSection } from './sections.ts';
import { startSection } from './starts.ts';

interface Entry {
  startMs: number;
  durationMs: number;
  firstSlot: number;
  definitions: Uint8Array[];
  samples: { slot: number; offset: number; bits: bigint }[];
}

const entryArbitrary: fc.Arbitrary<Entry> = fc.record({
  startMs: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  durationMs: fc.constant(3_600_000),
  firstSlot: fc.nat(100_000),
  definitions: fc.array(fc.uint8Array({ max: 3, maxLength: 40 }), { maxLength: 20 }),
  samples: fc.array(
    fc.record({
      slot: fc.oneof(fc.nat(20), fc.nat(4_000_000)),
      offset: fc.oneof(fc.constant(77), fc.nat(3_599_999)),
      bits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
    { maxLength: 200 },
  ),
});

function encode(entry: Entry, encoder = new JournalEntryEncoder()): Uint8Array {
  const values = new Float64Array(entry.samples.length + 3);
  const view = new DataView(values.buffer);
  entry.samples.forEach(({ bits }, i) => {
    view.setBigUint64(i * 8, bits, true);
  });
  return encoder.encode(
    entry,
    { firstSlot: entry.firstSlot, count: entry.definitions.length, labels: (i) => entry.definitions[i]! },
    Uint32Array.from(entry.samples, ({ slot }) => slot),
    Int32Array.from(entry.samples, ({ offset }) => offset),
    values,
    entry.samples.length,
  );
}

function decode(bytes: Uint8Array, decoder = new JournalEntryDecoder()): Entry {
  const entry: Entry = { startMs: 0, durationMs: 0, firstSlot: -1, definitions: [], samples: [] };
  decoder.decode(bytes, {
    window: (startMs, durationMs) => Object.assign(entry, { startMs, durationMs }),
    definition: (slot, view, start, end) => {
      if (entry.firstSlot < 0) entry.firstSlot = slot;
      expect(slot).toBe(entry.firstSlot + entry.definitions.length);
      entry.definitions.push(new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice());
    },
    histogram: () => undefined,
    exemplar: () => undefined,
    floatSamples: (slots, offsets, values, count) => {
      const view = new DataView(values.buffer, values.byteOffset);
      for (let i = 0; i < count; i++) {
        entry.samples.push({ slot: slots[i]!, offset: offsets[i]!, bits: view.getBigUint64(i * 8, true) });
      }
    },
  });
  return entry;
}

describe('journal entries', () => {
  it('come back as they were, at any place in memory', () => {
    const encoder = new JournalEntryEncoder();
    const decoder = new JournalEntryDecoder();
    fc.assert(
      fc.property(entryArbitrary, fc.nat(7), (entry, shift) => {
        const bytes = encode(entry, encoder);
        const moved = new Uint8Array(bytes.length + 8).subarray(shift, shift + bytes.length);
        moved.set(bytes);
        const back = decode(moved, decoder);
        expect(back).toEqual({ ...entry, firstSlot: entry.definitions.length > 0 ? entry.firstSlot : -1 });
      }),
    );
  });

  it('are put together in the memory of a kernel, which may move meanwhile', () => {
    const arena = createKernelArena()!;
    const decoder = new JournalEntryDecoder(arena.bodies);
    fc.assert(
      fc.property(entryArbitrary, fc.nat(30), (entry, growsAt) => {
        const found: Uint8Array[] = [];
        decoder.decode(encode(entry), {
          window: () => undefined,
          definition: (_slot, view, start, end) => {
            expect(view.buffer).toBe(arena.buffer);
            found.push(new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice());
            if (found.length === growsAt) arena.reserve(arena.buffer.byteLength - arena.bodies.endBytes + 1);
          },
          histogram: () => undefined,
          exemplar: () => undefined,
          floatSamples: () => undefined,
        });
        expect(found).toEqual(entry.definitions);
      }),
    );
  });

  it('bring the starts of samples, where there are any', () => {
    const start = fc.oneof(fc.constantFrom(0, 0, 1_700_000_000_000), fc.integer({ min: -5, max: 2 ** 51 }));
    const samples = fc.array(fc.tuple(fc.nat(100), start), { maxLength: 50 });
    const encoder = new JournalEntryEncoder();
    const decoder = new JournalEntryDecoder();
    fc.assert(
      fc.property(samples, fc.array(start, { maxLength: 3 }), (floats, histograms) => {
        const starts = Float64Array.of(...floats.map(([, one]) => one), ...histograms);
        const section = startSection(starts, starts.length);
        expect(section === undefined).toBe(starts.every((one) => one === 0));
        const encoded = histograms.map((_, offset) => ({ slot: 1, offset, bytes: Uint8Array.of(1) }));
        const bytes = encoder.encode(
          { startMs: 0, durationMs: 1000 },
          { firstSlot: 0, count: 0, labels: () => new Uint8Array(0) },
          Uint32Array.from(floats, ([slot]) => slot),
          new Int32Array(floats.length),
          new Float64Array(floats.length),
          floats.length,
          histograms.length > 0 ? [histogramSection(encoded)] : [],
          section,
        );
        const found: number[] = [];
        decoder.decode(bytes, {
          window: () => undefined,
          definition: () => undefined,
          exemplar: () => undefined,
          floatSamples: (_slots, _offsets, _values, count, own) => found.push(...(own ?? new Float64Array(count))),
          histogram: (_slot, _offset, _bytes, startMs) => found.push(startMs),
        });
        expect(found).toEqual([...starts]);
      }),
    );
  });

  it('cost 8 bytes a sample and little else where a sender repeats its order', () => {
    const samples = Array.from({ length: 2000 }, (_, i) => ({
      slot: 5000 + i,
      offset: 1000 * (i >> 8),
      bits: BigInt(i),
    }));
    const bytes = encode({ startMs: 0, durationMs: 3_600_000, firstSlot: 0, definitions: [], samples });
    expect(bytes.length).toBeLessThan(2000 * 8 + 100);
  });

  it('are refused or read, never a crash, whatever the bytes', () => {
    const decoder = new JournalEntryDecoder();
    fc.assert(
      fc.property(entryArbitrary, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), (entry, changes) => {
        const bytes = encode(entry).slice();
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          decode(bytes, decoder);
        } catch (error) {
          expect(error).toBeInstanceOf(JournalEntryError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of another version, section or encoding are refused by name', () => {
    const entry = {
      startMs: 0,
      durationMs: 1000,
      firstSlot: 0,
      definitions: [],
      samples: [{ slot: 1, offset: 1, bits: 1n }],
    };
    const change = (at: number, value: number) => {
      const bytes = encode(entry).slice();
      bytes[at] = value;
      return () => decode(bytes);
    };
    expect(change(0, 2)).toThrow('journal entry has unknown version 2');
    expect(change(16, 9)).toThrow('journal entry has a section of unknown kind 9');
    expect(change(36, 7)).toThrow('journal entry has unknown value encoding 7');
  });
});
