import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeLabels } from './label-bytes.ts';
import { LabelIndex } from './label-index.ts';
import { LabelRuns } from './label-runs.ts';

const name = fc.constantFrom('__name__', 'a', 'b', 'job', 'é', 'x'.repeat(300));
const value = fc.constantFrom('up', 'x', 'y', '', '雪', 'v'.repeat(130), 'z'.repeat(400));
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
  runs.read(viewOf(bytes), 0, bytes.length);
  return {
    names: [...runs.names],
    pairs: [...runs.pairs],
    valueCount: runs.valueCount,
    hasMetricName: runs.hasMetricName,
    isAscending: runs.isAscending,
    isCanonical: runs.isCanonical,
    repeated: runs.repeatedName(),
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
