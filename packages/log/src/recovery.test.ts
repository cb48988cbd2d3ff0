import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, type StorageConfig } from '@opendata/storage';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { columnsOf } from './append-columns.ts';
import { Followers } from './followers.ts';
import { Head } from './head/head.ts';
import { silentLogger } from './logger.ts';
import { openLog } from './open-log.ts';

function folderConfig(): StorageConfig {
  const path = mkdtempSync(join(tmpdir(), 'opendata-log-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return { type: 'SlateDb', path: 'log', object_store: { type: 'Local', path } };
}

const session = fc.record({
  appends: fc.array(fc.array(fc.record({ key: fc.nat(4), size: fc.nat(3000) }), { minLength: 1, maxLength: 6 }), {
    maxLength: 15,
  }),
  sealAt: fc.nat(20),
  waitForSeal: fc.boolean(),
});

describe('recovery', () => {
  it('brings back every session, in its order, with the sequence going on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(session, { minLength: 2, maxLength: 4 }), async (sessions) => {
        const config = folderConfig();
        const model = new Map<string, [number, number][]>();
        let next = 0;
        for (const { appends, sealAt, waitForSeal } of sessions) {
          const log = await openLog(config);
          expect([log.nextSequence, log.durableSequence]).toEqual([next, next]);
          for (const [key, expected] of model) {
            const found: [number, number][] = [];
            for await (const { sequence, value } of log.scan(Buffer.from(key))) found.push([sequence, value.length]);
            expect(found).toEqual(expected);
            expect(await log.count(Buffer.from(key))).toBe(expected.length);
          }
          for (const [i, batch] of appends.entries()) {
            const records = batch.map(({ key, size }) => ({
              key: Buffer.from(`k${key}`),
              value: Buffer.alloc(size, i),
            }));
            await log.append(records);
            for (const { key, size } of batch) model.set(`k${key}`, [...(model.get(`k${key}`) ?? []), [next++, size]]);
            if (i === sealAt) log.sealActive();
          }
          if (waitForSeal) await log.sealed();
          await log.close();
        }
      }),
      { numRuns: 6 },
    );
  });

  it('refuses a journal whose sequence has a gap', async () => {
    const config = folderConfig();
    const head = new Head(1, 5, new Followers());
    const storage = await openStorage(config, { logger: silentLogger });
    for await (const _ of storage.journal.recover());
    storage.journal.append(1, head.stage(columnsOf([{ key: Buffer.from('k'), value: Buffer.from('v') }]), 1).bytes);
    await storage.journal.flush();
    await storage.close();
    await expect(openLog(config)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('goes on at 5'),
    });
  });
});
