import { expect, it } from 'vitest';
import { CommitGroup, FramePool } from './commit-group.ts';

it('takes little memory for each of very many lanes', () => {
  const group = new CommitGroup(1, 0, new FramePool());
  const before = process.memoryUsage().arrayBuffers;
  for (let lane = 1; lane <= 5000; lane++) group.append(lane, new Uint8Array(100));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  expect(group.rows()).toHaveLength(5000);
});

it('keeps large buffers only while groups fill them', () => {
  const pool = new FramePool();
  const commit = (sizeBytes: number): void => {
    const group = new CommitGroup(1, 0, pool);
    group.append(1, new Uint8Array(sizeBytes));
    group.release();
  };
  commit(3_000_000);
  const large = pool.take();
  expect(large.capacityBytes).toBeGreaterThan(3_000_000);
  pool.give(large);
  expect(pool.take().capacityBytes).toBeLessThan(100_000);
});
