import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from './append-columns.ts';
import { isLogError } from './errors.ts';
import { EntryReader, entryLength, writeEntry } from './journal-entry.ts';
import { ScanPage } from './scan-page.ts';

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
      value: bytes.slice(reader.bodyStart, reader.bodyEnd),
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

  it('has the attributes of a record before its value', () => {
    const header = fc.record({ name: fc.string({ minLength: 1 }), value: fc.uint8Array({ maxLength: 200 }) });
    const attributed = fc.record({
      key: fc.uint8Array({ maxLength: 9 }),
      value: fc.uint8Array({ maxLength: 200 }),
      headers: fc.array(header, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(attributed, { minLength: 1, maxLength: 8 }), (list) => {
        const columns = columnsOf(list);
        const bytes = new Uint8Array(entryLength(columns, 7, 1000));
        expect(writeEntry(bytes, 0, columns, 7, 1000)).toBe(bytes.length);
        const reader = new EntryReader();
        reader.open(bytes, 0, bytes.length);
        const page = new ScanPage(100, 1e9);
        while (reader.next()) {
          if (reader.hasAttributes) page.addWithAttributes(7, 1000, bytes, reader.bodyStart, reader.bodyEnd);
          else page.add(7, 1000, bytes, reader.bodyStart, reader.bodyEnd);
        }
        expect(page.count).toBe(list.length);
        for (const [i, { value, headers }] of list.entries()) {
          const found = page.recordAt(i);
          expect(Uint8Array.from(found.value)).toEqual(value);
          expect((found.headers ?? []).map((each) => [each.name, [...each.value]])).toEqual(
            headers.map((each) => [each.name, [...each.value]]),
          );
        }
        for (let length = 0; length < bytes.length; length++) {
          const cut = () => {
            reader.open(bytes, 0, length);
            while (reader.next());
          };
          expect(cut).toThrow('journal entry');
        }
      }),
      { numRuns: 30 },
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
          Uint8Array.of(1, 2, ...bytes.subarray(2)),
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
