import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../append-columns.ts';
import { LogError } from '../errors.ts';
import { Followers } from '../followers.ts';
import { ScanPage } from '../scan-page.ts';
import { checkRecords, Head } from './head.ts';
import { headKeysFrom } from './key-listing.ts';

const record = fc.record({
  key: fc.oneof(fc.uint8Array({ maxLength: 3, max: 3 }), fc.uint8Array({ minLength: 1, maxLength: 40 })),
  value: fc.uint8Array({ maxLength: 60 }),
});

function append(head: Head, records: readonly { key: Uint8Array; value: Uint8Array }[], nowMs = 1): void {
  head.commit(head.stage(columnsOf(records), nowMs));
}

function read(head: Head, key: Uint8Array, from: number, to: number, limit = 1e6): [number, string][] {
  const page = new ScanPage(limit, 1e9);
  head.read(key, from, to, page);
  return Array.from({ length: page.count }, (_, i) => [page.sequences[i]!, hex(page.valueAt(i))]);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const text = (value: string) => Buffer.from(value);

describe('head', () => {
  it('answers reads and counts as a plain map of arrays does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(record, { minLength: 1, maxLength: 20 }), { maxLength: 30 }),
        fc.nat(300),
        fc.nat(300),
        fc.integer({ min: 1, max: 50 }),
        (batches, a, b, limit) => {
          const startSequence = 1000;
          const head = new Head(1, startSequence, new Followers());
          const model = new Map<string, [number, string][]>();
          let next = startSequence;
          for (const batch of batches) {
            append(head, batch);
            for (const { key, value } of batch) {
              const entries = model.get(hex(key)) ?? [];
              model.set(hex(key), [...entries, [next++, hex(value)]]);
            }
          }
          expect(head.endSequence).toBe(next);
          expect(head.keys.count).toBe(model.size);
          const [from, to] = [startSequence + Math.min(a, b), startSequence + Math.max(a, b)];
          for (const [key, all] of model) {
            const expected = all.filter(([sequence]) => sequence >= from && sequence < to);
            expect(read(head, Buffer.from(key, 'hex'), from, to, limit)).toEqual(expected.slice(0, limit));
            expect(head.count(Buffer.from(key, 'hex'), from, to)).toBe(expected.length);
          }
        },
      ),
    );
  });

  it('finds any record of a key with many records', () => {
    const head = new Head(1, 0, new Followers());
    const batch = Array.from({ length: 100 }, (_, i) => ({
      key: text(i % 2 === 0 ? 'even' : 'odd'),
      value: text(`${i}`),
    }));
    for (let i = 0; i < 300; i++) append(head, batch);
    expect(head.count(text('odd'), 0, 30_000)).toBe(15_000);
    for (const from of [0, 1, 2, 4, 9, 5_000, 16_383, 16_384, 29_998, 29_999]) {
      expect(read(head, text('odd'), from, 30_000, 1)[0]![0]).toBe(from % 2 === 0 ? from + 1 : from);
      expect(head.count(text('odd'), 0, from)).toBe(Math.floor(from / 2));
    }
    expect(read(head, text('odd'), 0, 30_000).map(([sequence]) => sequence)).toEqual(
      Array.from({ length: 15_000 }, (_, i) => i * 2 + 1),
    );
  });

  it('takes an entry of hundreds of records, also with room made for as many as before', () => {
    const keyOf = (i: number) => `${i % 170}`;
    const entry = Array.from({ length: 300 }, (_, i) => ({ key: text(keyOf(i)), value: text(`${i}`) }));
    let before: Head | undefined;
    for (let segment = 0; segment < 3; segment++) {
      const head: Head = new Head(segment, segment * 300, new Followers(), 0, before);
      append(head, entry);
      expect(head.keys.count).toBe(170);
      for (let i = 0; i < 170; i++) {
        const expected = [i, i + 170].filter((record) => record < 300);
        const found = read(head, text(keyOf(i)), 0, 1e6);
        expect(found).toEqual(expected.map((record) => [segment * 300 + record, hex(text(`${record}`))]));
      }
      before = head;
    }
  });

  it('ends a page at the record that reaches its bytes', () => {
    const head = new Head(1, 0, new Followers());
    append(
      head,
      Array.from({ length: 10 }, () => ({ key: text('k'), value: Buffer.alloc(100) })),
    );
    const page = new ScanPage(1000, 250);
    head.read(text('k'), 0, 10, page);
    expect(page.count).toBe(3);
  });

  it('keeps records larger than its chunks', () => {
    const head = new Head(1, 0, new Followers());
    const large = Buffer.alloc(9_000_000, 7);
    append(head, [{ key: text('a'), value: text('1') }]);
    append(head, [{ key: text('a'), value: large }]);
    append(head, [{ key: text('a'), value: text('3') }]);
    const page = new ScanPage(10, 1e9);
    head.read(text('a'), 0, 3, page);
    expect(page.valueAt(1).length).toBe(large.length);
    expect(Buffer.compare(page.valueAt(1), large)).toBe(0);
    expect(hex(page.valueAt(2))).toBe(hex(text('3')));
  });

  it('rebuilds from its journal entries', () => {
    const first = new Head(1, 5, new Followers());
    const second = new Head(1, 5, new Followers());
    for (let i = 0; i < 20; i++) {
      const staged = first.stage(columnsOf([{ key: text(`k${i % 3}`), value: text(`v${i}`) }]), 1000 + i);
      const entry = Buffer.from(staged.bytes);
      first.commit(staged);
      second.commit(second.stageEntry(entry));
    }
    expect(read(second, text('k1'), 0, 100)).toEqual(read(first, text('k1'), 0, 100));
    expect(second.startTimeMs).toBe(1000);
    expect(second.times.timeOf(19)).toBe(1019);
  });

  it('refuses an entry that does not go on where it ends', () => {
    const first = new Head(1, 5, new Followers());
    const second = new Head(1, 6, new Followers());
    const staged = first.stage(columnsOf([{ key: text('k'), value: text('v') }]), 1);
    expect(() => second.commit(second.stageEntry(staged.bytes))).toThrow(LogError);
    expect(second.recordCount).toBe(0);
  });

  it('does not let a clock that goes back turn arrival times round', () => {
    const head = new Head(1, 0, new Followers());
    append(head, [{ key: text('k'), value: text('a') }], 500);
    append(head, [{ key: text('k'), value: text('b') }], 400);
    append(head, [{ key: text('k'), value: text('c') }], 600);
    expect([0, 1, 2].map((record) => head.times.timeOf(record))).toEqual([500, 500, 600]);
  });

  it('needs at most 64 bytes a key beside the key', () => {
    const head = new Head(1, 0, new Followers());
    const count = 100_000;
    for (let i = 0; i < count; i += 100) {
      append(
        head,
        Array.from({ length: 100 }, (_, j) => ({ key: text(`key-${i + j}`), value: text('') })),
      );
    }
    const columns = head.keys.allocatedBytes + head.postings.allocatedBytes;
    expect(columns / count).toBeLessThan(64);
  });

  it('lists keys in byte order, also those added since the last time', async () => {
    const head = new Head(1, 0, new Followers());
    const list = async (from: string) => {
      const keys: string[] = [];
      for await (const key of headKeysFrom(head, text(from))) keys.push(Buffer.from(key).toString());
      return keys;
    };
    const names = Array.from({ length: 500 }, (_, i) => `k${(i * 7919) % 1009}`);
    append(
      head,
      names.slice(0, 300).map((name) => ({ key: text(name), value: text('') })),
    );
    expect(await list('')).toEqual([...new Set(names.slice(0, 300))].sort());
    append(
      head,
      names.slice(300).map((name) => ({ key: text(name), value: text('') })),
    );
    expect(await list('')).toEqual([...new Set(names)].sort());
    expect(await list('k5')).toEqual([...new Set(names)].filter((name) => name >= 'k5').sort());
  });

  it('refuses keys that are too long', () => {
    const records = columnsOf([
      { key: text('ok'), value: text('') },
      { key: Buffer.alloc(70_000), value: text('') },
    ]);
    expect(() => checkRecords(records)).toThrow('record[1]: key has 70000 bytes');
  });
});
