import { describe, expect, it } from 'vitest';
import { discardMemory } from './native-memory.ts';

const LARGEST_PAGE_BYTES = 64 * 1024;

describe('discardMemory', () => {
  it('gives back whole pages within the bytes, and touches nothing around them', () => {
    const memory = new Uint8Array(16 * LARGEST_PAGE_BYTES).fill(7);
    const from = LARGEST_PAGE_BYTES + 100;
    const to = 10 * LARGEST_PAGE_BYTES + 100;
    const isDone = discardMemory(memory.subarray(from, to));
    expect(memory.subarray(0, from).every((byte) => byte === 7)).toBe(true);
    expect(memory.subarray(to).every((byte) => byte === 7)).toBe(true);
    const discarded = memory.filter((byte) => byte === 0).length;
    if (isDone) expect(discarded).toBeGreaterThanOrEqual(8 * LARGEST_PAGE_BYTES);
    else expect(discarded).toBe(0);
    memory.subarray(from, to).fill(9);
    expect(memory[from + LARGEST_PAGE_BYTES]).toBe(9);
  });

  it('leaves less than a page as it is', () => {
    const memory = new Uint8Array(1000).fill(7);
    expect(discardMemory(memory)).toBe(false);
    expect(discardMemory(new Uint8Array(0))).toBe(false);
    expect(memory.every((byte) => byte === 7)).toBe(true);
  });
});
