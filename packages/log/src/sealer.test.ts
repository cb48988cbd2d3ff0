import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StorageConfig } from '@opendata/storage';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { LogDb, LogOptions } from './db.ts';
import { openLog } from './open-log.ts';

describe('what is recovered', () => {
  let config: StorageConfig;

  async function open(options: LogOptions = {}): Promise<LogDb> {
    const log = await openLog(config, options);
    onTestFinished(() => log.close());
    return log;
  }

  /** Leaves a segment that takes no more records and is not sealed yet. */
  beforeEach(async () => {
    const path = await mkdtemp(join(tmpdir(), 'sealer-'));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    config = { type: 'SlateDb', path: 'log', object_store: { type: 'Local', path } };
    const log = await openLog(config);
    await log.append(Array.from({ length: 20_000 }, (_, i) => ({ key: Buffer.from(`k${i}`), value: Buffer.alloc(8) })));
    log.sealActive();
    await log.append([{ key: Buffer.from('k'), value: Buffer.alloc(8) }]);
    await log.close();
  });

  const sealed = (log: LogDb): boolean[] => log.segments().map((segment) => segment.sealed);
  const firstIsSealed = async (log: LogDb): Promise<void> => {
    while (!sealed(log)[0]) await nextTurn();
  };

  it('is sealed later, or when somebody waits for it', async () => {
    const log = await open();
    expect(sealed(log)).toEqual([false, false]);
    await log.sealed();
    expect(sealed(log)).toEqual([true, false]);
    expect(await log.count(Buffer.from('k19999'))).toBe(1);
  });

  it('is sealed as soon as something newer is to be sealed', async () => {
    const log = await open();
    log.sealActive();
    await firstIsSealed(log);
  });

  it('is sealed at once where it takes up the memory', async () => {
    await firstIsSealed(await open({ headBudgetBytes: 1024 * 1024 }));
  });
});
