import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, type StorageConfig, silentLogger } from '@opendata/storage';
import { describe, expect, it } from 'vitest';
import { startChild } from './child.testing.ts';

const kills = 10;

/** Every number that is stored, from journal and blocks. */
async function storedNumbers(config: StorageConfig): Promise<number[]> {
  const storage = await openStorage(config, { logger: silentLogger });
  try {
    const numbers: number[] = [];
    for await (const { entry } of storage.journal.recover()) {
      numbers.push(Number.parseInt(Buffer.from(entry).toString(), 10));
    }
    for (const { id, pages } of storage.blocks.list()) {
      for (const page of await storage.blocks.readPages(id, 0, pages)) {
        numbers.push(...(JSON.parse(Buffer.from(page).toString()) as number[]));
      }
    }
    return numbers.sort((a, b) => a - b);
  } finally {
    await storage.close();
  }
}

describe('kill -9', () => {
  it('loses nothing that was acknowledged and doubles nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'storage-crash-'));
    const config: StorageConfig = { type: 'SlateDb', path: 'crash', object_store: { type: 'Local', path: folder } };
    const acknowledged = new Set<number>();
    let next = 0;
    for (let kill = 0; kill < kills; kill++) {
      const child = startChild('crash-writer.mjs', folder, next);
      const runs = (): boolean => child.process.exitCode === null;
      while (runs() && !child.output().includes('open\n')) await sleep(5);
      await sleep(30 + kill * 25);
      // Ever more of them, on a machine that is slow too.
      while (runs() && child.output().split('\n').length < 4 * kill) await sleep(5);
      child.process.kill('SIGKILL');
      await child.exited;
      const lines = child.output().split('\n').slice(1, -1);
      for (const line of lines) acknowledged.add(Number(line));

      const stored = await storedNumbers(config);
      expect(new Set(stored).size, 'doubled').toBe(stored.length);
      const there = new Set(stored);
      expect([...acknowledged].filter((number) => !there.has(number))).toEqual([]);
      next = Math.max(next, (stored.at(-1) ?? -1) + 1, ...acknowledged) + 1;
    }
    expect(acknowledged.size).toBeGreaterThan(100);
    await rm(folder, { recursive: true, force: true });
  });
});

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
