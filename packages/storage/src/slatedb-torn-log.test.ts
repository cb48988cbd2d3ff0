import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { StorageConfig } from './config.ts';
import { silentLogger } from './logger.ts';
import { bytes, copyRunning, recoverAll } from './open-storage.testing.ts';
import { openStorage } from './storage.ts';
import { listKind } from './synced-files.ts';

// What stands at the end of the first 20 bytes is taken for a place far outside of the file.
it.each([20, 100])(
  'opens behind files at the end of the log that have lost their bytes behind the first %i, and keeps them',
  async (kept) => {
    const folder = await mkdtemp(join(tmpdir(), 'torn-log-'));
    onTestFinished(() => rm(folder, { recursive: true, maxRetries: 5 }));
    const config = (path: string): StorageConfig => ({
      type: 'SlateDb',
      path,
      object_store: { type: 'Local', path: folder, fsync: true },
    });
    const writer = await openStorage(config('running'), { logger: silentLogger });
    await recoverAll(writer);
    for (let i = 0; i < 5; i++) await writer.journal.committed(writer.journal.append(1, bytes(`entry ${i}`)));
    await copyRunning(join(folder, 'running'), join(folder, 'left'));
    await writer.close();

    const log = join(folder, 'left', 'wal');
    const last = (await listKind(join(folder, 'left'), 'wal')).at(-1)!;
    const after = (count: number): string =>
      join(log, `${String(Number.parseInt(last, 10) + count).padStart(20, '0')}.sst`);
    const whole = await readFile(join(log, last));
    expect(whole.length).toBeGreaterThan(kept);
    await writeFile(after(1), whole.subarray(0, kept));
    await writeFile(after(2), Buffer.concat([whole.subarray(0, kept), Buffer.alloc(whole.length - kept)]));
    await writeFile(after(3), '');

    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
    const reopened = await openStorage(config('left'), { logger });
    const entries = (await recoverAll(reopened)).map(({ text }) => text);
    expect(entries).toEqual(['entry 0', 'entry 1', 'entry 2', 'entry 3', 'entry 4']);
    await reopened.journal.committed(reopened.journal.append(1, bytes('next')));
    await reopened.close();
    expect(await readdir(join(folder, 'left', 'torn'))).toHaveLength(3);
    expect(warnings).toHaveLength(3);

    const again = await openStorage(config('left'), { logger });
    expect(await recoverAll(again)).toHaveLength(6);
    await again.close();
    expect(warnings).toHaveLength(3);
  },
);
