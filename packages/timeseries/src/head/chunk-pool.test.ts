import { describe, expect, it } from 'vitest';
import { CHUNK_SAMPLES, ChunkPool, placeOf, segmentOf } from './chunk-pool.ts';

const SEGMENT_CHUNKS = 4096;

function write(pool: ChunkPool, chunk: number): void {
  const place = placeOf(chunk);
  pool.offsets[segmentOf(chunk)]!.fill(chunk, place, place + CHUNK_SAMPLES);
  pool.values[segmentOf(chunk)]!.fill(chunk, place, place + CHUNK_SAMPLES);
}

function holds(pool: ChunkPool, chunk: number): boolean {
  const last = placeOf(chunk) + CHUNK_SAMPLES - 1;
  return pool.offsets[segmentOf(chunk)]![last] === chunk && pool.values[segmentOf(chunk)]![last] === chunk;
}

describe('ChunkPool', () => {
  it('gives room back while some chunks of other segments stay, and hands each free chunk out once', () => {
    const pool = new ChunkPool();
    const chunks = Array.from({ length: 3 * SEGMENT_CHUNKS }, () => pool.allocate());
    for (const chunk of chunks) write(pool, chunk);
    const isKept = (chunk: number): boolean => segmentOf(chunk) !== 1 && chunk % 3 === 0;
    const kept = chunks.filter(isKept);
    for (const chunk of chunks) if (!isKept(chunk)) pool.freeChain(chunk);
    expect(pool.usedChunks).toBe(kept.length);
    expect(kept.every((chunk) => holds(pool, chunk))).toBe(true);

    const allocatedBytes = pool.allocatedBytes;
    const again = Array.from({ length: chunks.length - kept.length }, () => pool.allocate());
    expect(pool.allocatedBytes).toBe(allocatedBytes);
    expect(new Set([...again, ...kept]).size).toBe(chunks.length);
    expect(again.every((chunk) => pool.next(chunk) === 0)).toBe(true);
    for (const chunk of again) write(pool, chunk);
    expect([...again, ...kept].every((chunk) => holds(pool, chunk))).toBe(true);
  });
});
