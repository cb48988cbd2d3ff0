import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkPool } from './chunk-pool.ts';
import { storedStarts } from './read-start-times.ts';
import { StartTimes } from './start-times.ts';
import { WindowHead } from './window-head.ts';
import { hasSampleAt } from './window-times.ts';

const sample = fc.record({
  slot: fc.nat(2),
  offset: fc.nat(12),
  start: fc.constantFrom(0, 0, 100, 200, 300),
});

it('a slot knows the start of each of its samples, in whatever order they came', () => {
  fc.assert(
    fc.property(fc.array(fc.array(sample, { minLength: 1, maxLength: 6 })), (requests) => {
      const window = new WindowHead(new ChunkPool(), 1, 1000, 1000);
      for (let series = 0; series < 3; series++) window.addSlot(series);
      const model = new Map<string, number>();
      for (const request of requests) {
        const starts = request.some(({ start }) => start !== 0)
          ? Float64Array.from(request, ({ start }) => start)
          : undefined;
        const slots = Uint32Array.from(request, ({ slot }) => slot);
        const offsets = Int32Array.from(request, ({ offset }) => offset);
        window.append(slots, offsets, new Float64Array(request.length), request.length, starts);
        for (const { slot, offset, start } of request) model.set(`${slot} ${offset}`, start);
      }
      for (let slot = 0; slot < 3; slot++) {
        for (let offset = 0; offset <= 13; offset++) {
          const known = model.get(`${slot} ${offset}`);
          expect(hasSampleAt(window, slot, 1000 + offset)).toBe(known !== undefined);
          if (known !== undefined) expect(window.startTimes?.get(slot, offset) ?? 0).toBe(known);
        }
      }
    }),
  );
});

it('what goes on with the same start takes one step', () => {
  const starts = new StartTimes();
  starts.set(7, 0, 5000, true);
  const before = starts.memoryBytes;
  for (let offset = 1; offset < 1000; offset++) starts.set(7, offset, 5000, true);
  expect(starts.memoryBytes).toBe(before);
  expect(starts.get(7, 999)).toBe(5000);
});

it('of two heads of a window the later one counts, where it has the sample', () => {
  const pool = new ChunkPool();
  const older = new WindowHead(pool, 1, 0, 1000);
  const newer = new WindowHead(pool, 2, 0, 1000);
  for (const window of [older, newer]) window.addSlot(0);
  const append = (window: WindowHead, offsets: number[], start?: number): void => {
    const count = offsets.length;
    const starts = start === undefined ? undefined : new Float64Array(count).fill(start);
    window.append(new Uint32Array(count), Int32Array.from(offsets), new Float64Array(count), count, starts);
  };
  append(older, [10, 20, 30], 5);
  append(newer, [20]);
  append(newer, [40], 6);
  const timestamps = Float64Array.of(10, 20, 30, 40);
  expect(storedStarts([older, newer], 0, timestamps)).toEqual(Float64Array.of(5, 0, 5, 6));
  expect(storedStarts([older, newer], 0, Float64Array.of(20))).toBeUndefined();
});
