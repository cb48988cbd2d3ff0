import { describe, expect, it } from 'vitest';
import { DurableWatermark } from './durable-watermark.ts';

describe('durable watermark', () => {
  it('rises with the groups, to the last sequence of each', () => {
    const watermark = new DurableWatermark(10);
    const seen: number[] = [];
    watermark.subscribe((sequence) => seen.push(sequence));
    watermark.push(1, 12);
    watermark.push(1, 15);
    watermark.push(2, 20);
    watermark.push(4, 30);
    watermark.reach(1);
    watermark.reach(3);
    watermark.reach(3);
    watermark.reach(4);
    expect(seen).toEqual([15, 20, 30]);
    expect(watermark.sequence).toBe(30);
  });
});
