import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { hasSameBits, randomFrom } from './columns.testing.ts';
import { IntegerColumnEncoder } from './integer-column.ts';
import { decodeIntegerColumn } from './integer-column-decode.ts';

const encoder = new IntegerColumnEncoder();

function encode(entries: Float64Array): ByteReader {
  const writer = new ByteWriter(64);
  const used = entries.slice();
  encoder.measure(used, used.length);
  encoder.write(writer, used, used.length);
  const reader = new ByteReader(writer.bytes.slice(0, writer.length + 8));
  reader.enter(0, writer.length);
  return reader;
}

/** A few steps are nearly as long as they may be, up in one stretch and down in the next; all others are short. */
function longStepsBetweenShortOnes(seed: number): Float64Array {
  const random = randomFrom(seed);
  const from = 256 * Math.floor(random() * 2) + Math.floor(random() * 3);
  const stretch = [32, 64, 96, 128][seed & 3]!;
  const shortest = 2 ** (1 + random() * 11);
  let at = 0;
  return Float64Array.from({ length: 600 + Math.floor(random() * 4000) }, (_, i) => {
    if (i < from || i >= from + 256) return (at += i === 0 ? 0 : Math.floor(random() ** 12 * shortest));
    const place = i - from;
    const isRising = Math.floor(place / stretch) % 2 === 0;
    const long = 2 ** 52 + 1000 * (place % 3) + Math.floor(random() * 1000);
    return at + [isRising ? 0 : long, isRising ? long : 0, Math.floor(long / 2)][place % 3]!;
  });
}

describe('an integer column', () => {
  it('comes back where steps lie further apart than a mini-block with all of them can say', () => {
    for (let seed = 0; seed < 400; seed++) {
      const entries = longStepsBetweenShortOnes(seed);
      const reader = encode(entries);
      const target = new Float64Array(entries.length);
      decodeIntegerColumn(reader, target, 0, entries.length);
      expect(reader.at).toBe(reader.end);
      if (!hasSameBits(target, entries)) expect(target).toEqual(entries);
    }
  });
});
