import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStorageError } from './errors.ts';
import { JournalFrame, JournalFrameReader } from './journal-frame.ts';

interface Entry {
  readonly ordinal: number;
  readonly bytes: Uint8Array;
}

const entries: fc.Arbitrary<Entry[]> = fc
  .array(fc.record({ gap: fc.oneof(fc.nat(3), fc.nat(100_000)), bytes: fc.uint8Array({ maxLength: 400 }) }))
  .map((list) => {
    let ordinal = -1;
    return list.map(({ gap, bytes }) => ({ ordinal: (ordinal += gap + 1), bytes }));
  });

function encode(list: readonly Entry[], frame = new JournalFrame(16)): Uint8Array {
  frame.reset();
  for (const { ordinal, bytes } of list) frame.add(ordinal, bytes);
  return new Uint8Array(frame.finish());
}

function decode(value: Uint8Array): Entry[] {
  const reader = new JournalFrameReader(value, 'row');
  const list: Entry[] = [];
  while (reader.next()) list.push({ ordinal: reader.ordinal, bytes: new Uint8Array(reader.entry) });
  return list;
}

describe('journal frame', () => {
  it('returns what was added, also from a frame that is used again', () => {
    const frame = new JournalFrame(16);
    fc.assert(
      fc.property(entries, (list) => {
        expect(decode(encode(list, frame))).toEqual(list);
      }),
    );
  });

  it('refuses every flipped bit', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(7), (list, at, bit) => {
        const value = encode(list);
        value[at % value.length]! ^= 1 << bit;
        expect(codeOf(() => decode(value))).toBe('corrupt');
      }),
    );
  });

  it('refuses every cut', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (list, at) => {
        const value = encode(list);
        expect(codeOf(() => decode(value.subarray(0, at % value.length)))).toBe('corrupt');
      }),
    );
  });

  it('names the row', () => {
    expect(() => decode(new Uint8Array(3))).toThrow('row: too short');
    expect(() => decode(new Uint8Array(9))).toThrow('row: version 0, expected 1');
  });

  it('grows to entries of any size', () => {
    const bytes = new Uint8Array(3_000_000).map((_, index) => index);
    const list = [{ ordinal: 0, bytes }];
    expect(decode(encode(list))[0]!.bytes.length).toBe(3_000_000);
    expect(Buffer.compare(decode(encode(list))[0]!.bytes, bytes)).toBe(0);
  });
});

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return isStorageError(error) ? error.code : String(error);
  }
  return undefined;
}
