import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endedWithin, startChild } from './child.testing.ts';

/*
 * SlateDB 0.12.1 spins for ever when writes run into its own limit of unflushed bytes while others are outstanding. The
 * storage package must not be able to get there.
 */
const writers = 256;
const sizeBytes = 64 * 1024;
const limitBytes = 20 * 1024 * 1024;
const totalBytes = 300 * 1024 * 1024;

let folder: string;
let settingsFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-backpressure-'));
  settingsFile = join(folder, 'slatedb.yaml');
  await writeFile(settingsFile, `max_unflushed_bytes: ${limitBytes}\nl0_sst_size_bytes: 16777216\n`);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('256 concurrent writers past max_unflushed_bytes', () => {
  it('hang the binding when it is used directly', async () => {
    const child = startChild('naive-writers.mjs', writers, sizeBytes, limitBytes, totalBytes);
    expect(await endedWithin(child, 6_000)).toBe(false);
    expect(child.output()).not.toContain('done');
  });

  it('get through with the storage package, which refuses what is over the budget', async () => {
    const child = startChild('storage-writers.mjs', writers, sizeBytes, settingsFile, totalBytes);
    expect(await endedWithin(child, 100_000)).toBe(true);
    const result = JSON.parse(/done (.*)/.exec(child.output())![1]!);
    expect(result.acknowledged).toBeGreaterThanOrEqual(totalBytes);
    expect(result.overloaded).toBeGreaterThan(0);
    expect(result.backpressureCount).toBe(0);
  });
});
