import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { hasSameBits, randomFrom, shapes, valuesArbitrary } from './columns.testing.ts';
import { ValuesDecoder } from './values-decode.ts';
import { ValuesEncoder } from './values-encode.ts';
import { decodeValuesSlowly } from './values-twin.testing.ts';

const encoder = new ValuesEncoder();
const decoder = new ValuesDecoder();

function encode(values: Float64Array, series = 0): Uint8Array {
  const writer = new ByteWriter(8);
  encoder.encode(writer, values, series, 0);
  return writer.bytes.slice(0, writer.length);
}

function decode(bytes: Uint8Array, count: number): Float64Array {
  const padded = new Uint8Array(bytes.length + 8);
  padded.set(bytes);
  const reader = new ByteReader(padded);
  reader.enter(0, bytes.length);
  const target = new Float64Array(count);
  decoder.decode(reader, target, 0, count);
  return target;
}

describe('values of a series', () => {
  it('mean the same to a second, slow reading', () => {
    fc.assert(
      fc.property(valuesArbitrary(300), (values) => {
        encoder.clear();
        const bytes = encode(values);
        const slow = decodeValuesSlowly(bytes, values.length);
        expect(hasSameBits(new Float64Array(BigUint64Array.from(slow).buffer), values)).toBe(true);
        expect(hasSameBits(decode(bytes, values.length), values)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('that are predicted mean the same to a second, slow reading', () => {
    encoder.clear();
    const random = randomFrom(2);
    let total = 0;
    const reference = Float64Array.from({ length: 200 }, () => (total += Math.floor(random() * 500)));
    const values = reference.map((value) => Math.floor(value * 0.3 + random()));
    const referenceBits = decodeValuesSlowly(encode(reference, 0), 200);
    const bytes = encode(values, 1);
    expect(bytes[0]! & 7).toBe(6);
    const slow = decodeValuesSlowly(bytes, 200, () => referenceBits);
    expect(hasSameBits(new Float64Array(BigUint64Array.from(slow).buffer), values)).toBe(true);
  });

  it.each([
    ['constant', 0, 3],
    ['flapping', 0, 0],
    ['decimals', 1, 0],
    ['sums', 2, 0],
    ['magnitudes', 3, 0],
    ['singles', 7, 0],
    ['signedNoise', 4, 0],
    ['huge', 4, 0],
    ['ratios', 7, 0],
    ['percents', 7, 0],
    ['rareCounter', 0, 2],
  ])('of the shape %s are of kind %i with change map %i', (shape, kind, map) => {
    encoder.clear();
    const bytes = encode(Float64Array.from(shapes[shape]!(randomFrom(1), 300)));
    expect([bytes[0]! & 7, (bytes[0]! >> 3) & 3]).toEqual([kind, map]);
  });

  it('are never much longer than raw', () => {
    fc.assert(
      fc.property(valuesArbitrary(), (values) => {
        encoder.clear();
        expect(encode(values).length).toBeLessThanOrEqual(values.length * 8 + 64);
      }),
      { numRuns: 200 },
    );
  });
});
