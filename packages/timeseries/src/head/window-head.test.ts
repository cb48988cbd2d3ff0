import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkPool } from './chunk-pool.ts';
import { countOf, readSamples } from './read-window.ts';
import { WindowHead } from './window-head.ts';
import { overlaps } from './window-times.ts';

const START = 1_700_000_000_000;

function readAll(window: WindowHead, slot: number, from = START, to = START + 3_600_000): [number, number][] {
  const columns = { timestamps: new Float64Array(5000), values: new Float64Array(5000) };
  const end = readSamples(window, slot, from, to, columns, 3);
  return Array.from({ length: end - 3 }, (_, i) => [columns.timestamps[i + 3]! - START, columns.values[i + 3]!]);
}

function append(
  window: WindowHead,
  samples: readonly (readonly [slot: number, offset: number, value: number])[],
): void {
  window.append(
    Uint32Array.from(samples, ([slot]) => slot),
    Int32Array.from(samples, ([, offset]) => offset),
    Float64Array.from(samples, ([, , value]) => value),
    samples.length,
  );
}

describe('WindowHead', () => {
  it('holds what a map of times holds, whatever the order of arrival', () => {
    const sample = fc.tuple(fc.nat(2), fc.nat(60), fc.integer({ min: 0, max: 5 }));
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 300 }), fc.nat(60), fc.nat(60), (samples, from, to) => {
        const window = new WindowHead(new ChunkPool(), 1, START, 3_600_000);
        const model = [0, 1, 2].map(() => new Map<number, number>());
        for (const series of [0, 1, 2]) window.addSlot(series * 5000);
        append(window, samples);
        for (const [slot, offset, value] of samples) model[slot]!.set(offset, value);
        for (const slot of [0, 1, 2]) {
          const expected = [...model[slot]!].sort((a, b) => a[0] - b[0]);
          expect(readAll(window, slot)).toEqual(expected);
          expect(countOf(window, slot)).toBe(expected.length);
          const within = expected.filter(([offset]) => offset >= from && offset <= to);
          expect(readAll(window, slot, START + from, START + to)).toEqual(within);
          if (within.length > 0) expect(overlaps(window, slot, START + from, START + to)).toBe(true);
        }
        expect(window.sampleCount).toBe(model[0]!.size + model[1]!.size + model[2]!.size);
      }),
    );
  });

  it('appends to many segments of chunks what it appends one by one', () => {
    const slots = 3000;
    const withSlots = () => {
      const window = new WindowHead(new ChunkPool(), 1, START, 3_600_000);
      for (let series = 0; series < slots; series++) window.addSlot(series);
      return window;
    };
    const atOnce = withSlots();
    const single = withSlots();
    for (let scrape = 0; scrape < 36; scrape++) {
      // Another order each time, with gaps; some samples come late or twice.
      const samples = Array.from({ length: slots }, (_, i) => {
        const slot = (i * 7919 + scrape * 13) % slots;
        const offset = 10 * scrape + (slot % 97 === scrape ? -15 : 0) - (slot % 89 === scrape ? 10 : 0);
        return [slot, Math.max(0, offset), scrape * slots + i] as const;
      }).filter(([slot]) => (slot + scrape) % 11 !== 0);
      append(atOnce, samples);
      for (const [slot, offset, value] of samples) single.chains.add(slot, offset, Float64Array.of(value), 0);
    }
    for (let slot = 0; slot < slots; slot += 7) expect(readAll(atOnce, slot)).toEqual(readAll(single, slot));
    expect(atOnce.sampleCount).toBe(single.sampleCount);
  });

  it('finds the slots of series in any order, and gives them to new ones', () => {
    const series = fc.oneof(fc.nat(6), fc.integer({ min: 1020, max: 1030 }), fc.nat(5000));
    const requests = fc.array(fc.array(series, { maxLength: 20 }), { maxLength: 4 });
    const pool = new ChunkPool();
    fc.assert(
      fc.property(requests, fc.nat(20), (all, kept) => {
        const window = new WindowHead(pool, 1, START, 3_600_000);
        const model: number[] = [];
        // In the order of the first time, as senders have it, and once more behind slots that were taken back.
        for (const request of [...all, ...all, all.flat()]) {
          const slots = new Uint32Array(request.length);
          window.slotsFor(Uint32Array.from(request), request.length, slots);
          for (const id of request) if (!model.includes(id)) model.push(id);
          expect([...slots]).toEqual(request.map((id) => model.indexOf(id)));
          expect(window.slotCount).toBe(model.length);
          if (request === all[0] && model.length > kept) window.removeSlotsFrom((model.length = kept));
        }
      }),
    );
  });

  it('keeps the exact bits of a value, staleness markers too', () => {
    const window = new WindowHead(new ChunkPool(), 1, START, 3_600_000);
    const values = new Float64Array(40);
    new DataView(values.buffer).setBigUint64(8, 0x7ff0000000000002n, true);
    const slot = window.addSlot(3);
    const offsets = Int32Array.from({ length: 40 }, (_, i) => (i === 39 ? 1 : i * 2));
    window.append(new Uint32Array(40).fill(slot), offsets, values, 40);
    const columns = { timestamps: new Float64Array(40), values: new Float64Array(40) };
    expect(readSamples(window, slot, START, START + 100, columns, 0)).toBe(40);
    expect(new DataView(columns.values.buffer).getBigUint64(16, true)).toBe(0x7ff0000000000002n);
  });

  it('finds slots by series and takes unused ones back', () => {
    const window = new WindowHead(new ChunkPool(), 1, START, 3_600_000);
    expect(window.slotOf(9)).toBe(-1);
    expect(window.addSlot(9)).toBe(0);
    expect(window.addSlot(1_000_000)).toBe(1);
    expect(window.slotOf(1_000_000)).toBe(1);
    window.removeSlotsFrom(1);
    expect(window.slotOf(1_000_000)).toBe(-1);
    expect(window.slotOf(9)).toBe(0);
    expect(window.addSlot(7)).toBe(1);
    expect(window.seriesOf(1)).toBe(7);
  });

  it('gives its room back to the pool', () => {
    const pool = new ChunkPool();
    const fill = () => {
      const window = new WindowHead(pool, 1, START, 3_600_000);
      for (let series = 0; series < 100; series++) window.addSlot(series);
      for (let offset = 0; offset < 50; offset++) {
        append(
          window,
          Array.from({ length: 100 }, (_, slot) => [slot, offset, slot] as const),
        );
      }
      expect(readAll(window, 99).length).toBe(50);
      return window;
    };
    const first = fill();
    const used = pool.usedBytes;
    const allocated = pool.allocatedBytes;
    first.drop();
    expect(pool.usedBytes).toBe(0);
    fill();
    expect(pool.usedBytes).toBe(used);
    expect(pool.allocatedBytes).toBe(allocated);
  });
});
