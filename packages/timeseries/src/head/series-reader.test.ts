import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { KERNEL_CAPACITY } from './chunk-memory.ts';
import { ChunkPool } from './chunk-pool.ts';
import { SeriesReader } from './series-reader.ts';
import { WindowHead } from './window-head.ts';

const START = 1_700_000_000_000;
const WINDOW_MS = 1000;

interface Sample {
  readonly timeMs: number;
  readonly value: number;
}

/** Windows with the samples of each series, in order of time. */
function windowsOf(series: readonly (readonly Sample[])[], pool = new ChunkPool()): WindowHead[] {
  const windows = new Map<number, WindowHead>();
  for (const [number, samples] of series.entries()) {
    for (const { timeMs, value } of samples) {
      const startMs = Math.floor(timeMs / WINDOW_MS) * WINDOW_MS;
      let window = windows.get(startMs);
      if (window === undefined) windows.set(startMs, (window = new WindowHead(pool, 1, startMs, WINDOW_MS)));
      const known = window.slotOf(number);
      const slot = known < 0 ? window.addSlot(number) : known;
      window.append(Uint32Array.of(slot), Int32Array.of(timeMs - startMs), Float64Array.of(value), 1);
    }
  }
  return [...windows.values()].sort((a, b) => a.startMs - b.startMs);
}

function ascendingCount(values: readonly number[]): number {
  const end = values.findIndex((value, i) => !(value >= (i === 0 ? Number.NEGATIVE_INFINITY : values[i - 1]!)));
  return end < 0 ? values.length : end;
}

describe('SeriesReader', () => {
  it('reads what was appended, ascending as far as it is', () => {
    // Steps of few lengths, so that some series have the same times.
    const gap = fc.constantFrom(10, 10, 10, 10, 30, 700);
    const value = fc.oneof({ weight: 30, arbitrary: fc.nat(1) }, fc.constantFrom(Number.NaN, -1, Infinity));
    const column = fc.array(fc.tuple(gap, value), { maxLength: 120 });
    const range = fc.tuple(fc.integer({ min: -100, max: 3000 }), fc.integer({ min: -100, max: 3000 }));
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 4 }), range, (columns, [a, b]) => {
        const series = columns.map((steps) => {
          let timeMs = START;
          let total = 0;
          return steps.map(([ms, step]) => {
            timeMs += ms;
            total = step === 1 ? total + 1 : total;
            return { timeMs, value: step === 0 || step === 1 ? total : step };
          });
        });
        const [startMs, endMs] = [START + Math.min(a, b), START + Math.max(a, b)];
        const reader = new SeriesReader(windowsOf(series), startMs, endMs);
        for (const [number, samples] of series.entries()) {
          const wanted = samples.filter(({ timeMs }) => timeMs >= startMs && timeMs <= endMs);
          expect(reader.read(number)).toBe(wanted.length > 0);
          if (wanted.length === 0) continue;
          expect([...reader.timestamps]).toEqual(wanted.map(({ timeMs }) => timeMs));
          expect([...reader.values]).toEqual(wanted.map((sample) => sample.value));
          expect(reader.ascendingCount).toBe(ascendingCount(wanted.map((sample) => sample.value)));
        }
      }),
    );
  });

  it('gives series with the same times one column, and keeps the bits of values', () => {
    const marker = new Float64Array(new BigUint64Array([0x7ff0000000000002n]).buffer)[0]!;
    const samples = Array.from({ length: 50 }, (_, i) => ({ timeMs: START + i * 100, value: i === 30 ? marker : i }));
    const reader = new SeriesReader(windowsOf([samples, samples, samples.slice(1)]), START, START + 10_000);
    reader.read(0);
    const { timestamps, values } = reader;
    expect(new BigUint64Array(values.buffer, values.byteOffset, 50)[30]).toBe(0x7ff0000000000002n);
    reader.read(2);
    expect(reader.timestamps).not.toBe(timestamps);
    reader.read(1);
    expect(reader.timestamps).toBe(timestamps);
    expect([...reader.values]).toEqual([...values]);
  });

  it('reads while the memory of the kernel grows and moves', () => {
    const pool = new ChunkPool();
    const window = new WindowHead(pool, 1, START, 3_600_000_000);
    const slots = Uint32Array.from({ length: 90_000 }, (_, i) => window.addSlot(i));
    const buffer = pool.memory!.buffer;
    const reader = new SeriesReader([window], START, START + 3_600_000_000);
    for (let time = 0; time < 64; time++) {
      window.append(
        slots,
        new Int32Array(slots.length).fill(time),
        Float64Array.from(slots, (slot) => slot + time),
        slots.length,
      );
      for (const number of [0, 1500, 89_999]) {
        expect(reader.read(number)).toBe(true);
        expect([...reader.values]).toEqual(Array.from({ length: time + 1 }, (_, i) => number + i));
      }
    }
    expect(pool.memory!.buffer).not.toBe(buffer);
  });

  it('reads where there is no WebAssembly', () => {
    vi.stubGlobal('WebAssembly', undefined);
    const samples = Array.from({ length: 100 }, (_, i) => ({ timeMs: START + i * 30, value: i }));
    const pool = new ChunkPool();
    const windows = windowsOf([samples, samples, samples.slice(3)], pool);
    vi.unstubAllGlobals();
    expect(pool.memory).toBeUndefined();
    const reader = new SeriesReader(windows, START, START + 10_000);
    for (const [number, from] of [0, 0, 3].entries()) {
      expect(reader.read(number)).toBe(true);
      expect([...reader.values]).toEqual(samples.slice(from).map(({ value }) => value));
      expect([...reader.timestamps]).toEqual(samples.slice(from).map(({ timeMs }) => timeMs));
    }
  });

  it('reads series that are too long for the kernel', () => {
    const count = KERNEL_CAPACITY + 1000;
    const window = new WindowHead(new ChunkPool(), 1, START, 3_600_000_000);
    for (const slot of [window.addSlot(0), window.addSlot(1)]) {
      const offsets = Int32Array.from({ length: count }, (_, i) => i * 3);
      window.append(new Uint32Array(count).fill(slot), offsets, Float64Array.from(offsets), count);
    }
    const reader = new SeriesReader([window], START, START + 3_600_000_000);
    for (const number of [0, 1]) {
      expect(reader.read(number)).toBe(true);
      expect(reader.values.length).toBe(count);
      expect(reader.values[count - 1]).toBe((count - 1) * 3);
      expect(reader.timestamps[count - 1]).toBe(START + (count - 1) * 3);
      expect(reader.ascendingCount).toBe(0);
    }
  });
});
