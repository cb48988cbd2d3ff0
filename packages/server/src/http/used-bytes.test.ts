import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { discardBytes } from './used-bytes.ts';

describe('discardBytes', () => {
  it('gives a large buffer back at once', () => {
    const bytes = Buffer.allocUnsafeSlow(64 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    discardBytes(bytes);
    expect(bytes.length).toBe(0);
    // A collection in between may only make it more: what other tests have left.
    expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(64 * 1024 * 1024);
  });

  it('leaves alone what is part of a larger buffer, and what is small', () => {
    const part = Buffer.alloc(100_000, 1).subarray(0, 50_000);
    const pooled = Buffer.from('a few bytes');
    const small = Buffer.alloc(1000, 1);
    for (const bytes of [part, pooled, small]) {
      const before = Buffer.from(bytes);
      discardBytes(bytes);
      expect(bytes.equals(before)).toBe(true);
    }
  });
});
