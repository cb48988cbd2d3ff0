import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageConfig } from '@opendata/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LogDb } from './db.ts';
import { openLog } from './open-log.ts';
import { type MergeCandidate, type MergeLimits, segmentsToMerge } from './segment-merger.ts';

function candidates(sizes: readonly number[]): MergeCandidate[] {
  return sizes.map((sizeBytes, i) => ({
    sizeBytes,
    startSequence: i * 10,
    endSequence: i * 10 + 10,
    startTimeMs: i * 1000,
    endTimeMs: i * 1000 + 900,
  }));
}

const limits: MergeLimits = { mergeCount: 4, sealBytes: 1000, spanMs: Number.POSITIVE_INFINITY };
const sizesOf = (sizes: readonly number[], more: Partial<MergeLimits> = {}) =>
  segmentsToMerge(candidates(sizes), { ...limits, ...more }).map(({ sizeBytes }) => sizeBytes);

describe('segments to merge', () => {
  it('are the first of which none has more than half of the bytes', () => {
    expect(sizesOf([10, 10, 10])).toEqual([]);
    expect(sizesOf([10, 10, 10, 10])).toEqual([10, 10, 10, 10]);
    expect(sizesOf([40, 10, 10, 10])).toEqual([]);
    expect(sizesOf([40, 10, 10, 10, 11])).toEqual([10, 10, 10, 11]);
    expect(sizesOf([900, 500, 400, 90, 20])).toEqual([]);
  });

  it('fit into one together, in bytes and in time', () => {
    expect(sizesOf([300, 300, 300, 300])).toEqual([]);
    expect(sizesOf([10, 10, 10, 10], { spanMs: 3900 })).toEqual([10, 10, 10, 10]);
    expect(sizesOf([10, 10, 10, 10], { spanMs: 3899 })).toEqual([]);
  });

  it('rewrite a record a few times at most, whatever arrives', () => {
    let sizes: number[] = [];
    let written = 0;
    for (let i = 0; i < 2000; i++) {
      sizes.push(1 + (i % 3));
      for (;;) {
        const at = candidates(sizes);
        const run = segmentsToMerge(at, { ...limits, mergeCount: 8, sealBytes: 1e9 });
        if (run.length === 0) break;
        const merged = run.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        written += merged;
        sizes = sizes.toSpliced(at.indexOf(run[0]!), run.length, merged);
      }
    }
    expect(sizes.length).toBeLessThan(40);
    expect(written / (2000 * 2)).toBeLessThan(7);
  });
});

describe('merging', () => {
  async function rowsOf(log: LogDb): Promise<string[]> {
    const rows: string[] = [];
    for await (const { sequence, key, value, arrivalTimeMs, timestampMs } of log.read()) {
      rows.push(`${sequence} ${Buffer.from(key)} ${Buffer.from(value)} ${arrivalTimeMs} ${timestampMs}`);
    }
    return rows;
  }

  it('keeps every record, while it is read, and over a restart', async () => {
    const path = mkdtempSync(join(tmpdir(), 'opendata-log-'));
    onTestFinished(() => rmSync(path, { recursive: true }));
    const config: StorageConfig = { type: 'SlateDb', path: 'log', object_store: { type: 'Local', path } };
    let nowMs = 1000;
    const log = await openLog(config, { now: () => nowMs, mergeCount: 4 });
    const expected: string[] = [];
    for (let i = 0; i < 64; i++, nowMs += 7) {
      const records = Array.from({ length: 5 }, (_, k) => {
        expected.push(`${expected.length} k${k % 3} v${i} ${nowMs} ${k === 2 ? i : undefined}`);
        return {
          key: Buffer.from(`k${k % 3}`),
          value: Buffer.from(`v${i}`),
          timestampMs: k === 2 ? i : undefined,
        };
      });
      await log.append(records);
      log.sealActive();
      if (i % 5 === 0) expect(await rowsOf(log)).toEqual(expected);
    }
    const reader = log.read();
    for (let i = 0; i < 10; i++) await reader.next();
    await log.sealed();
    let left = 0;
    for await (const _ of reader) left++;
    expect(left).toBe(310);
    expect(log.stats().mergedSegments).toBeGreaterThan(60);
    expect(log.segments().length).toBeLessThan(8);
    expect(await rowsOf(log)).toEqual(expected);
    expect(await log.count(Buffer.from('k1'))).toBe(128);
    await log.close();
    const again = await openLog(config);
    expect(await rowsOf(again)).toEqual(expected);
    await again.append([{ key: Buffer.from('k'), value: Buffer.from('v') }]);
    again.sealActive();
    await again.sealed();
    const ids = again.segments().map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(ids.at(-1)).toBe(65);
    await again.close();
  });
});
