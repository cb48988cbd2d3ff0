import { describe, expect, it } from 'vitest';
import { type PlanInput, type PlannedBlock, type PlannedHead, planJob } from './plan.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** A head of the window that begins at an hour of the first day. */
function head(hour: number, changes: Partial<PlannedHead> = {}): PlannedHead {
  const startMs = hour * HOUR_MS;
  const rest = { sampleCount: 1000, quietMs: 10_000, ageMs: 10_000, isOpen: true };
  return { lane: hour + 1, startMs, endMs: startMs + HOUR_MS, ...rest, ...changes };
}

function block(id: number, fromHour: number, toHour: number, changes: Partial<PlannedBlock> = {}): PlannedBlock {
  return { id, startMs: fromHour * HOUR_MS, endMs: toHour * HOUR_MS, rank: id, sizeBytes: 1000, ...changes };
}

function plan(nowHours: number, input: Partial<PlanInput>) {
  const options = { windowMs: HOUR_MS, graceMs: 2 * MINUTE_MS };
  return planJob({ heads: [], blocks: [], nowMs: nowHours * HOUR_MS, options, ...input });
}

describe('what is sealed', () => {
  it('is a window that is complete, after the grace', () => {
    expect(plan(1.01, { heads: [head(0), head(1)] })).toBeUndefined();
    expect(plan(1.1, { heads: [head(0), head(1)] })).toMatchObject({ kind: 'seal', lanes: [1], startMs: 0 });
  });

  it('waits while samples still arrive, but not for ever', () => {
    expect(plan(9, { heads: [head(0, { quietMs: 500 })] })).toBeUndefined();
    expect(plan(9, { heads: [head(0, { quietMs: 500, ageMs: 2 * HOUR_MS })] })).toMatchObject({ lanes: [1] });
  });

  it('waits longer where the window has a block already', () => {
    const blocks = [block(1, 0, 1)];
    expect(plan(9, { heads: [head(0)], blocks })).toBeUndefined();
    expect(plan(9, { heads: [head(0, { quietMs: 90_000 })], blocks })).toMatchObject({ kind: 'seal', lanes: [1] });
  });

  it('are several windows at once where their six hours or their day are over', () => {
    expect(plan(30, { heads: [head(0), head(3), head(20)] })).toEqual({
      kind: 'seal',
      lanes: [1, 4, 21],
      startMs: 0,
      endMs: 24 * HOUR_MS,
    });
    expect(plan(8, { heads: [head(0), head(3), head(7)] })).toMatchObject({ lanes: [1, 4], endMs: 6 * HOUR_MS });
  });

  it('waits for the other windows of a day that is over, but not for ever, and not without memory', () => {
    const other = head(3, { quietMs: 0 });
    expect(plan(30, { heads: [head(0), other] })).toBeUndefined();
    expect(plan(30, { heads: [head(0, { ageMs: 3 * MINUTE_MS }), other] })).toMatchObject({ lanes: [1] });
    expect(plan(30, { heads: [head(0), other], isPressed: true })).toMatchObject({ lanes: [1], endMs: HOUR_MS });
    expect(plan(30, { heads: [head(0), other], force: 'complete' })).toMatchObject({ endMs: 24 * HOUR_MS });
    expect(plan(30, { heads: [head(0, { quietMs: 90_000 }), other], blocks: [block(9, 5, 6)] })).toMatchObject({
      lanes: [1],
    });
    const quarter = [0, 1, 2, 3, 4, 5].map((hour) => head(hour));
    expect(plan(30, { heads: [...quarter, head(9, { quietMs: 0 })] })).toBeUndefined();
    // The day of the second is not over.
    expect(plan(30, { heads: [head(0), head(28, { quietMs: 0 })] })).toMatchObject({ lanes: [1] });
  });

  it('are all heads of a window together', () => {
    const heads = [head(0, { isOpen: false }), head(0, { lane: 9, quietMs: 0 })];
    expect(plan(9, { heads })).toMatchObject({ lanes: [1, 9] });
  });

  it('is the largest window where memory runs out, complete or not', () => {
    const heads = [head(8, { sampleCount: 200_000 }), head(9, { sampleCount: 900_000, quietMs: 0 })];
    expect(plan(9.5, { heads, isPressed: true })).toMatchObject({ lanes: [9] });
    expect(plan(9.01, { heads, isPressed: true })).toMatchObject({ lanes: [10] });
    expect(plan(9.01, { heads: [head(9)], isPressed: true })).toBeUndefined();
  });

  it('is what is asked for', () => {
    const heads = [head(8, { quietMs: 0 }), head(9, { quietMs: 0 })];
    expect(plan(9.01, { heads, force: 'complete' })).toMatchObject({ lanes: [9] });
    expect(plan(9.01, { heads: [heads[1]!], force: 'complete' })).toBeUndefined();
    expect(plan(9.01, { heads: [heads[1]!], force: 'all' })).toMatchObject({ lanes: [10] });
  });
});

describe('what is merged', () => {
  it('are the blocks of six hours, then of a day, when they are over', () => {
    const hours = [0, 1, 2, 3, 4, 5].map((hour) => block(hour + 1, hour, hour + 1));
    expect(plan(6, { blocks: hours })).toBeUndefined();
    expect(plan(6.1, { blocks: hours })).toMatchObject({
      kind: 'merge',
      blocks: [1, 2, 3, 4, 5, 6],
      endMs: 6 * HOUR_MS,
    });
    const parts = [block(1, 0, 6), block(2, 6, 12), block(3, 12, 13)];
    expect(plan(23, { blocks: parts })).toBeUndefined();
    expect(plan(25, { blocks: parts })).toMatchObject({ blocks: [1, 2, 3], endMs: 24 * HOUR_MS });
  });

  it('waits for windows in memory', () => {
    const blocks = [block(1, 0, 1), block(2, 1, 2)];
    expect(plan(7, { blocks, heads: [head(3, { quietMs: 0 })] })).toBeUndefined();
  });

  it('leaves few late samples beside a large block', () => {
    const day = block(1, 0, 24, { sizeBytes: 100_000 });
    expect(plan(48, { blocks: [day, block(2, 3, 4)] })).toBeUndefined();
    expect(plan(48, { blocks: [day, block(2, 3, 4, { sizeBytes: 30_000 })] })).toMatchObject({ blocks: [1, 2] });
    const late = [2, 3, 4, 5].map((id) => block(id, id * 4, id * 4 + 1));
    expect(plan(48, { blocks: [day, ...late] })).toMatchObject({ blocks: [1, 2, 3, 4, 5] });
  });

  it('never puts samples before others that are older and stay outside', () => {
    const blocks = [block(1, 0, 1), block(3, 1, 2), block(2, 0, 9)];
    expect(plan(48, { blocks: blocks.slice(0, 2) })).toBeDefined();
    const [first, second, wide] = blocks;
    const merged = plan(7, { blocks: [first!, second!, wide!] });
    expect(merged).toBeUndefined();
  });

  it('leaves damaged blocks where they are, and does not reach over them', () => {
    const blocks = [block(1, 0, 1), block(2, 0, 1, { isDamaged: true }), block(3, 0, 1), block(4, 0, 1)];
    expect(plan(7, { blocks: blocks.slice(0, 3) })).toBeUndefined();
    expect(plan(7, { blocks: blocks.slice(1) })).toMatchObject({ blocks: [3, 4] });
  });
});
