import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from './append-columns.ts';
import { isLogError } from './errors.ts';
import { EntryReader, entryLength, writeEntry } from './journal-entry.ts';

const records = fc.array(
  fc.record({ key: fc.uint8Array({ maxLength: 80 }), value: fc.uint8Array({ maxLength: 200 }) }),
  { minLength: 1, maxLength: 10 },
);

function encode(list: readonly { key: Uint8Array; value: Uint8Array }[], sequence: number, timeMs: number): Uint8Array {
  const columns = columnsOf(list);
  const bytes = new Uint8Array(entryLength(columns, sequence, timeMs) + 10);
  const end = writeEntry(bytes, 5, columns, sequence, timeMs);
  expect(end).toBe(bytes.length - 5);
  return bytes.subarray(5, end);
}

function decode(bytes: Uint8Array) {
  const reader = new EntryReader();
  reader.open(bytes, 0, bytes.length);
  const list: { key: Uint8Array; value: Uint8Array }[] = [];
  while (reader.next()) {
    list.push({
      key: bytes.slice(reader.keyStart, reader.keyEnd),
      value: bytes.slice(reader.valueStart, reader.valueEnd),
    });
  }
  return { sequence: reader.firstSequence, timeMs: reader.timeMs, list };
}

describe('journal entry', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(records, fc.maxSafeNat(), fc.maxSafeNat(), (list, sequence, timeMs) => {
        expect(decode(encode(list, sequence, timeMs))).toEqual({ sequence, timeMs, list });
      }),
    );
  });

  it('is refused when it is cut short, has more bytes, or is of another version', () => {
    fc.assert(
      fc.property(records, (list) => {
        const bytes = encode(list, 7, 1000);
        const bad = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length));
        bad.push(
          Uint8Array.of(...bytes, 0),
          Uint8Array.of(2, ...bytes.subarray(1)),
          Uint8Array.of(1, 1, ...bytes.subarray(2)),
        );
        for (const input of bad) {
          let error: unknown;
          try {
            decode(input);
          } catch (thrown) {
            error = thrown;
          }
          expect(isLogError(error) && error.code).toBe('corrupt');
        }
      }),
      { numRuns: 30 },
    );
  });
});
