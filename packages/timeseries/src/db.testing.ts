import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, type StorageConfig, silentLogger } from '@opendata/storage';
import { afterEach } from 'vitest';
import { TimeSeriesDb, type TimeSeriesDbOptions } from './db.ts';

/** Noon, for databases whose clock stands still. */
export const NOW = Date.UTC(2026, 0, 1, 12);

/** Databases on folders, closed and removed after each test of the file that calls this. */
export function useDatabases(defaults: Partial<TimeSeriesDbOptions> = {}) {
  const folders: string[] = [];
  const open: TimeSeriesDb[] = [];

  afterEach(async () => {
    for (const db of open.splice(0)) await db.close().catch(() => undefined);
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  function newFolder() {
    const path = mkdtempSync(join(tmpdir(), 'timeseries-db-'));
    folders.push(path);
    return { type: 'SlateDb', path: 'ts', object_store: { type: 'Local', path } } as const satisfies StorageConfig;
  }

  async function openDb(config: StorageConfig, options: Partial<TimeSeriesDbOptions> = {}): Promise<TimeSeriesDb> {
    const storage = await openStorage(config, { logger: silentLogger });
    const db = await TimeSeriesDb.open({ storage, logger: silentLogger, now: () => NOW, ...defaults, ...options });
    open.push(db);
    return db;
  }

  return { newFolder, openDb };
}
