import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLogError } from '../errors.ts';
import { compareKeys } from '../key-bytes.ts';
import { ScanPage } from '../scan-page.ts';
import { countBefore, DataPageBuilder, readRun } from './data-page.ts';
import { decodeDescriptor, encodeDescriptor } from './descriptor.ts';
import { DirectoryPage, DirectoryPageBuilder, type Run } from './directory-page.ts';
import { filterPageOf, KeyFilterBuilder, mayInclude } from './key-filter.ts';
import { encodeOrderPage, OrderPage } from './order-page.ts';

const key = fc.uint8Array({ maxLength: 12 });
const amount = fc.oneof(fc.nat(200), fc.nat());

/** Calls `read` on every shortened and some altered copies of `bytes`: nothing but a LogError may come out. */
function expectNoFaults(bytes: Uint8Array, read: (bytes: Uint8Array) => void): void {
  const tryRead = (input: Uint8Array) => {
    try {
      read(input);
    } catch (error) {
      if (!isLogError(error)) throw error;
      expect(error.code).toBe('corrupt');
    }
  };
  for (let length = 0; length < bytes.length; length++) tryRead(bytes.slice(0, length));
  for (let i = 0; i < bytes.length; i++) {
    for (const value of [0x00, 0x7f, 0xff]) {
      const altered = bytes.slice();
      altered[i] = value;
      tryRead(altered);
    }
  }
}

describe('segment descriptor', () => {
  const descriptor = fc.record({
    segmentId: amount,
    startSequence: fc.maxSafeNat(),
    recordCount: amount,
    keyCount: amount,
    startTimeMs: amount,
    endTimeMs: amount,
    valueBytes: fc.maxSafeNat(),
    orderPage: amount,
    filterPage: amount,
    filterPages: amount,
    data: fc.array(fc.record({ gap: fc.nat(9), length: amount }), { maxLength: 4 }).map((list) => {
      const pages = new Uint32Array(list.length);
      const positions = new Float64Array(list.length + 1);
      list.forEach(({ gap, length }, i) => {
        pages[i] = (i === 0 ? 0 : pages[i - 1]! + 1) + gap;
        positions[i + 1] = positions[i]! + length;
      });
      return { pages, positions };
    }),
    times: fc.array(fc.record({ page: amount, firstTimeMs: amount, firstRecord: amount }), { maxLength: 3 }),
    directory: fc.array(fc.record({ page: amount, firstKey: key, firstSequence: amount, firstPosition: amount }), {
      maxLength: 5,
    }),
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(descriptor, (value) => {
        expect(decodeDescriptor(encodeDescriptor(value))).toEqual(value);
      }),
    );
  });

  it('is refused when it is damaged', () => {
    fc.assert(
      fc.property(descriptor, (value) => expectNoFaults(encodeDescriptor(value), decodeDescriptor)),
      { numRuns: 20 },
    );
  });
});

describe('order page and key filter', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), fc.nat(40), (list, skipped) => {
        const from = Math.min(skipped, list.length);
        const page = new OrderPage(encodeOrderPage(Uint32Array.from(list), from));
        expect(Array.from({ length: page.count }, (_, i) => page.positionAt(i))).toEqual(list.slice(from));
      }),
    );
  });

  it('a filter knows every key of it, and few others', () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => Buffer.from(`device-${i}`));
    const builder = new KeyFilterBuilder(keys.length);
    for (const each of keys) builder.add(each, 0, each.length);
    const pages = Array.from({ length: builder.pageCount }, (_, i) => builder.encodePage(i));
    expect(pages.length).toBe(2);
    const isKnown = (each: Uint8Array) => mayInclude(pages[filterPageOf(each, keys.length)]!, each, keys.length);
    expect(keys.every(isKnown)).toBe(true);
    const others = Array.from({ length: 20_000 }, (_, i) => Buffer.from(`other-${i}`)).filter(isKnown);
    expect(others.length).toBeLessThan(200);
  });

  it('are refused when they are damaged', () => {
    const filter = new KeyFilterBuilder(3);
    expectNoFaults(filter.encodePage(0), (bytes) => mayInclude(bytes, Buffer.from('k'), 3));
    expectNoFaults(encodeOrderPage(Uint32Array.of(1, 2, 3), 0), (bytes) => new OrderPage(bytes));
  });
});

it('a segment of another release is refused with its version', () => {
  expect(() => decodeDescriptor(Uint8Array.of(2, 1, 1))).toThrow(
    'unknown version: 2; this release reads version 3 only',
  );
});

describe('directory page', () => {
  const entries = fc
    .uniqueArray(fc.record({ key, firstSequence: fc.nat(1000) }), {
      selector: (entry) => `${entry.key}/${entry.firstSequence}`,
      minLength: 1,
      maxLength: 40,
    })
    .map((list) =>
      list
        .sort((a, b) => compareKeys(a.key, b.key) || a.firstSequence - b.firstSequence)
        .map((entry, i): { key: Uint8Array; run: Run } => ({
          key: entry.key,
          run: {
            page: i,
            offset: i * 3,
            firstSequence: entry.firstSequence,
            lastSequence: entry.firstSequence,
            count: 1,
            ordinal: i,
          },
        })),
    );

  it('finds the entry for a key and a sequence as a search from the start does', () => {
    fc.assert(
      fc.property(entries, key, fc.nat(1000), (list, other, sequence) => {
        const builder = new DirectoryPageBuilder();
        for (const { key, run } of list) builder.add(key, 0, key.length, run);
        const page = new DirectoryPage(builder.finish());
        expect(list.map((_, i) => page.runAt(i))).toEqual(list.map(({ run }) => run));
        for (const wanted of [other, ...list.slice(0, 5).map((entry) => entry.key)]) {
          const expected = list.findIndex((entry) => {
            const order = compareKeys(entry.key, wanted);
            return order > 0 || (order === 0 && entry.run.lastSequence >= sequence);
          });
          expect(page.lowerBound(wanted, sequence)).toBe(expected < 0 ? list.length : expected);
        }
      }),
    );
  });

  it('is refused when it is damaged', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const builder = new DirectoryPageBuilder();
        for (const { key, run } of list.slice(0, 6)) builder.add(key, 0, key.length, run);
        expectNoFaults(builder.finish(), (bytes) => {
          const page = new DirectoryPage(bytes);
          page.lowerBound(list[0]!.key, 5);
          for (let i = 0; i < page.count; i++) page.runAt(i);
        });
      }),
      { numRuns: 20 },
    );
  });
});

describe('data page', () => {
  const records = fc.array(
    fc.record({ gap: fc.integer({ min: 1, max: 500 }), value: fc.uint8Array({ maxLength: 30 }) }),
    {
      minLength: 1,
      maxLength: 30,
    },
  );

  function build(list: readonly { gap: number; value: Uint8Array }[]): {
    bytes: Uint8Array;
    run: Run;
    sequences: number[];
  } {
    const builder = new DataPageBuilder(64);
    const sequences: number[] = [];
    let sequence = 100;
    builder.startRun(sequence, 1000);
    const offset = builder.length;
    for (const { gap, value } of list) {
      if (sequences.length > 0) sequence += gap;
      builder.add(sequence, 1000 + sequence, value, 0, value.length);
      sequences.push(sequence);
    }
    const run = { page: 0, offset, firstSequence: 100, lastSequence: sequence, count: list.length, ordinal: 0 };
    return { bytes: builder.finish().slice(), run, sequences };
  }

  it('gives back a part of a run', () => {
    fc.assert(
      fc.property(records, fc.nat(3000), fc.nat(3000), (list, a, b) => {
        const { bytes, run, sequences } = build(list);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const page = new ScanPage(1000, 1e9);
        readRun(bytes, run, { startSequence: 7000, startTimeMs: 1000 }, from, to, page);
        const expected = sequences.map((at, i) => ({ at, i })).filter(({ at }) => at >= from && at < to);
        expect([...page.sequences.subarray(0, page.count)]).toEqual(expected.map(({ at }) => at + 7000));
        expect(expected.map((_, i) => [...page.valueAt(i)])).toEqual(expected.map(({ i }) => [...list[i]!.value]));
        expect(countBefore(bytes, run, from)).toBe(sequences.filter((at) => at < from).length);
      }),
    );
  });

  it('is refused when it is damaged', () => {
    fc.assert(
      fc.property(records, (list) => {
        const { bytes, run } = build(list.slice(0, 5));
        expectNoFaults(bytes, (input) => {
          readRun(input, run, { startSequence: 0, startTimeMs: 0 }, 0, 1e9, new ScanPage(1000, 1e9));
          countBefore(input, run, 1e9);
        });
      }),
      { numRuns: 20 },
    );
  });
});
