import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { PageFormatError } from './errors.ts';
import { addSymbols } from './symbols-decode.ts';
import { SymbolsEncoder } from './symbols-encode.ts';

const encoder = new SymbolsEncoder();

/** Symbols of 2 to 16 kinds, of which the lowest and the highest come, with shares from even to very uneven. */
const symbolsArbitrary = fc
  .record({
    kinds: fc.integer({ min: 2, max: 16 }),
    skew: fc.constantFrom(1, 2, 8, 60),
    weights: fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { minLength: 2, maxLength: 700 }),
  })
  .map(({ kinds, skew, weights }) => {
    const symbols = Uint8Array.from(weights, (weight) => Math.floor(weight ** skew * kinds));
    symbols[0] = 0;
    symbols[symbols.length - 1] = kinds - 1;
    return { kinds, symbols };
  });

function encode(symbols: Uint8Array, kinds: number): { bytes: Uint8Array; expectedBytes: number } {
  const writer = new ByteWriter(8);
  encoder.counts.fill(0);
  for (const symbol of symbols) encoder.counts[symbol]!++;
  const expectedBytes = encoder.measure(symbols.length, kinds);
  encoder.write(writer, symbols, symbols.length, kinds);
  return { bytes: writer.bytes.slice(0, writer.length), expectedBytes };
}

function decode(bytes: Uint8Array, count: number): number[] {
  const padded = new Uint8Array(bytes.length + 8).fill(255);
  padded.set(bytes);
  const reader = new ByteReader(padded);
  reader.enter(0, bytes.length);
  const target = new Float64Array(count).fill(5);
  addSymbols(reader, target, 0, count, 8);
  expect(reader.at).toBe(bytes.length);
  return [...target].map((value) => (value - 5) / 8);
}

describe('symbols', () => {
  it('come back, and take about as many bytes as was said', () => {
    fc.assert(
      fc.property(symbolsArbitrary, ({ kinds, symbols }) => {
        const { bytes, expectedBytes } = encode(symbols, kinds);
        expect(decode(bytes, symbols.length)).toEqual([...symbols]);
        expect(bytes.length).toBeLessThan(expectedBytes * 1.06 + 8);
      }),
      { numRuns: 300 },
    );
  });

  it('take what their shares allow', () => {
    const symbols = Uint8Array.from({ length: 1440 }, (_, i) => (i % 90 === 7 ? 1 : 0));
    // 1440 bits; entropy 127.
    expect(encode(symbols, 2).bytes.length).toBeLessThan(28);
  });

  it('that are damaged are refused or read, and nothing else happens', () => {
    fc.assert(
      fc.property(
        symbolsArbitrary,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        ({ kinds, symbols }, changes) => {
          const { bytes } = encode(symbols, kinds);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const reader = new ByteReader(Uint8Array.of(...bytes, 0, 0, 0, 0, 0, 0, 0, 0));
          reader.enter(0, bytes.length);
          try {
            addSymbols(reader, new Float64Array(symbols.length), 0, symbols.length, 1);
          } catch (error) {
            expect(error).toBeInstanceOf(PageFormatError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
