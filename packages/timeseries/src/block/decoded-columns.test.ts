import { describe, expect, it } from 'vitest';
import { DecodedColumns } from './decoded-columns.ts';

describe('the cache of decoded columns', () => {
  it('keeps what is decoded of a page', () => {
    const cache = new DecodedColumns(10_000);
    const columns = cache.of(1, 2)!;
    columns.values[3] = Float64Array.of(1, 2);
    cache.grow(1, 2, columns, 16);
    expect(cache.of(1, 2)).toBe(columns);
    expect(cache.of(2, 2)).not.toBe(columns);
    cache.forget(1);
    expect(cache.of(1, 2)).not.toBe(columns);
  });

  it('gives equal timestamps of a block one array, and of another block another', () => {
    const cache = new DecodedColumns(10_000);
    const first = Float64Array.of(1, 2, 3);
    const second = Float64Array.of(1, 2, 3);
    expect(cache.timestamps(1, first)).toBe(first);
    for (let i = 0; i < 2; i++) expect(cache.timestamps(1, second)).toBe(first);
    expect(cache.timestamps(2, second)).toBe(second);
    expect(cache.timestamps(1, Float64Array.of(1, 2))).toEqual(Float64Array.of(1, 2));
    cache.forget(1);
    expect(cache.timestamps(1, second)).toBe(second);
  });

  it('stays within its size, and a scan of more does not empty it', () => {
    const limitBytes = 100_000;
    const cache = new DecodedColumns(limitBytes);
    const kept = Array.from({ length: 300 }, () => 0);
    for (let pass = 0; pass < 20; pass++) {
      for (let page = 0; page < 300; page++) {
        const columns = cache.of(7, page);
        if (columns === undefined) continue;
        if (columns.values.length > 0) kept[page]!++;
        else {
          columns.values.push(new Float64Array(100));
          cache.grow(7, page, columns, 800);
        }
      }
      expect(cache.sizeBytes).toBeLessThanOrEqual(limitBytes);
    }
    expect(kept.reduce((sum, hits) => sum + hits, 0)).toBeGreaterThan(800);
    cache.forget(7);
    expect(cache.sizeBytes).toBe(0);
  });

  it('does not count what goes on after a page has gone', () => {
    const cache = new DecodedColumns(10_000);
    const columns = cache.of(1, 1)!;
    cache.forget(1);
    cache.grow(1, 1, columns, 5000);
    expect(cache.sizeBytes).toBe(0);
  });

  it('gives equal timestamps of a block as one array', () => {
    const cache = new DecodedColumns(10_000);
    const first = Float64Array.of(1, 2, 3);
    expect(cache.timestamps(1, first)).toBe(first);
    expect(cache.timestamps(1, Float64Array.of(1, 2, 3))).toBe(first);
    expect(cache.timestamps(1, Float64Array.of(1, 2, 4))).not.toBe(first);
    for (let i = 0; i < 2000; i++) cache.timestamps(1, new Float64Array(1000).fill(i));
    expect(cache.timestamps(1, Float64Array.of(1, 2, 3))).toEqual(first);
  });

  it('counts timestamps, and leaves room for values whatever they take', () => {
    const limitBytes = 100_000;
    const cache = new DecodedColumns(limitBytes);
    const columns = cache.of(1, 1)!;
    cache.grow(1, 1, columns, 60_000);
    for (let block = 1; block < 200; block++) {
      for (let i = 0; i < 3; i++) cache.timestamps(block, new Float64Array(500).fill(block + i / 4));
      expect(cache.sizeBytes).toBeLessThanOrEqual(limitBytes);
    }
    expect(cache.sizeBytes).toBeGreaterThan(80_000);
    expect(cache.of(1, 1)).toBe(columns);
    for (let block = 1; block < 200; block++) cache.forget(block);
    expect(cache.sizeBytes).toBe(0);
  });
});
