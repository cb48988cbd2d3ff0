import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKernelArena } from './kernel-arena.ts';
import { KnownLabels } from './known-labels.ts';
import { encodeLabels } from './label-bytes.ts';
import { LabelIndex } from './label-index.ts';
import { LabelRuns } from './label-runs.ts';

const name = fc.constantFrom('__name__', 'a', 'b', 'job', 'é', 'x'.repeat(300));
const value = fc.constantFrom('up', 'x', 'y', '', '雪', 'v'.repeat(130), 'w'.repeat(245), 'z'.repeat(400));
const labelSet = fc.array(fc.tuple(name, value), { maxLength: 8 });
/** A value before its name, as no encoder of ours writes it. */
const reversed = (n: string, v: string) => {
  const [nameBytes, valueBytes] = [Buffer.from(n), Buffer.from(v)];
  const message = [0x12, valueBytes.length, ...valueBytes, 0x0a, nameBytes.length, ...nameBytes];
  return Uint8Array.from([0x0a, message.length, ...message]);
};

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function read(runs: LabelRuns, bytes: Uint8Array) {
  return readView(runs, viewOf(bytes));
}

function readView(runs: LabelRuns, view: DataView) {
  runs.read(view, 0, view.byteLength);
  return {
    pairs: [...runs.pairs],
    valueCount: runs.valueCount,
    hasMetricName: runs.hasMetricName,
    isAscending: runs.isAscending,
    isCanonical: runs.isCanonical,
    repeated: runs.repeatedName(),
    names: [...runs.names],
  };
}

describe('LabelRuns', () => {
  it.each([true, false])('reads a run after others as it reads it alone (interning: %s)', (interns) => {
    fc.assert(
      fc.property(fc.array(fc.oneof(labelSet, fc.constant([]))), (sets) => {
        const index = new LabelIndex();
        const runs = new LabelRuns(index, interns);
        for (const set of sets) {
          const bytes = encodeLabels(set.flat());
          expect(read(runs, bytes)).toEqual(read(new LabelRuns(index, interns), bytes));
        }
      }),
    );
  });

  it('tells names, values and form as a plain look at the labels does', () => {
    fc.assert(
      fc.property(fc.array(labelSet), (sets) => {
        const runs = new LabelRuns(new LabelIndex(), false);
        for (const set of sets) {
          const names = set.map(([n]) => n);
          const valued = set.filter(([, v]) => v !== '').map(([n]) => n);
          const ascends = names.every(
            (n, i) => i === 0 || Buffer.compare(Buffer.from(names[i - 1]!), Buffer.from(n)) < 0,
          );
          expect(read(runs, encodeLabels(set.flat()))).toMatchObject({
            names,
            valueCount: valued.length,
            hasMetricName: valued.includes('__name__'),
            isAscending: ascends,
            isCanonical: ascends && valued.length === names.length,
          });
          expect(runs.repeatedName() !== undefined).toBe(new Set(valued).size < valued.length);
        }
      }),
    );
  });

  it('reads runs in the memory of the kernel as it reads others', () => {
    const arena = createKernelArena()!;
    const short = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', '1', '2'));
    const any = fc.tuple(fc.stringMatching(/^[a-d]{3,6}$/), fc.string());
    const labels = fc.uniqueArray(fc.oneof(fc.tuple(name, value), short, any), { selector: ([n]) => n, maxLength: 8 });
    const run = fc.record({ labels, form: fc.constantFrom('sorted', 'unsorted', 'reversed'), interns: fc.boolean() });
    fc.assert(
      fc.property(fc.array(run), (runs) => {
        const known = new KnownLabels(arena);
        known.forget();
        const index = new LabelIndex();
        const [checks, interns] = [new LabelRuns(index, false, known), new LabelRuns(index, true, known)];
        const plainIndex = new LabelIndex();
        const [plainChecks, plainInterns] = [new LabelRuns(plainIndex, false), new LabelRuns(plainIndex, true)];
        for (const { labels, form, interns: isInterning } of runs) {
          const sorted = labels.toSorted((a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])));
          const [first] = labels;
          const isShort = form === 'reversed' && first !== undefined && first.join('').length < 100;
          const inOrder = encodeLabels((form === 'sorted' ? sorted : labels).flat());
          const bytes = isShort ? reversed(first[0], first[1]) : inOrder;
          const { startBytes, memory } = arena.bodies;
          new Uint8Array(memory.buffer).set(bytes, startBytes);
          const view = new DataView(memory.buffer, startBytes, bytes.length);
          const expected = read(isInterning ? plainInterns : plainChecks, bytes);
          const found = readView(isInterning ? interns : checks, view);
          expect({ ...found, pairs: isInterning ? found.pairs : [] }).toEqual({
            ...expected,
            pairs: isInterning ? expected.pairs : [],
          });
        }
      }),
    );
    expect.hasAssertions();
  });

  it('takes other encodings of a label for not canonical', () => {
    const runs = new LabelRuns(new LabelIndex(), true);
    expect(read(runs, encodeLabels(['__name__', 'up'])).isCanonical).toBe(true);
    expect(read(runs, reversed('__name__', 'up'))).toMatchObject({ names: ['__name__'], isCanonical: false });
    const longVarint = Uint8Array.from([0x0a, 8, 0x0a, 0x81, 0, 0x61, 0x12, 1, 0x78]);
    longVarint[1] = longVarint.length - 2;
    expect(read(runs, longVarint)).toMatchObject({ names: ['a'], isAscending: true, isCanonical: false });
  });

  it('reads on rightly after a run that was refused', () => {
    const runs = new LabelRuns(new LabelIndex(), false);
    const good = encodeLabels(['__name__', 'up', 'a', 'x', 'b', 'y']);
    const before = read(runs, good);
    const bad = encodeLabels(['__name__', 'up', 'a', '?', 'b', 'y']);
    bad[bad.indexOf('?'.charCodeAt(0))] = 0xff;
    expect(() => read(runs, bad)).toThrow(/label value is not valid UTF-8/);
    expect(read(runs, good)).toEqual(before);
  });

  it('looks pairs up again once it has forgotten them', () => {
    const index = new LabelIndex();
    const runs = new LabelRuns(index, true);
    const bytes = encodeLabels(['__name__', 'up']);
    const [pair] = read(runs, bytes).pairs;
    index.addSeries(pair!, 0);
    runs.forget();
    expect(index.removeSeries(pair!, Uint8Array.of(1))).toBe(true);
    const marks = new Uint8Array(index.pairLimit).fill(1);
    index.removePairs(index.nameIdOf(pair!), marks);
    index.releasePair(pair!);
    expect(index.pairCount).toBe(0);
    read(runs, bytes);
    expect(index.pairCount).toBe(1);
  });
});
