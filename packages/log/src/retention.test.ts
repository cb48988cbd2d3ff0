import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MetaStore, openStorage, type Storage, type StorageConfig, StorageError } from '@opendata/storage';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LogDb, LogOptions } from './db.ts';
import { encodeExpired, expiredRowName } from './expired-row.ts';
import { silentLogger } from './logger.ts';
import { openLog, openLogOn } from './open-log.ts';

const hourMs = 3_600_000;
const key = (name: string) => Buffer.from(name);

async function memoryStorage(): Promise<Storage> {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  onTestFinished(() => storage.close());
  return storage;
}

async function openOn(storage: Storage, options: LogOptions): Promise<LogDb> {
  const log = await openLogOn(storage, options);
  onTestFinished(() => log.close());
  return log;
}

async function put(log: LogDb, ...keys: string[]): Promise<void> {
  await log.append(
    keys.map((name) => ({ key: key(name), value: key(`v${name}`) })),
    { awaitDurable: true },
  );
}

async function seal(log: LogDb): Promise<void> {
  log.sealActive();
  await log.sealed();
}

async function keysOf(log: LogDb): Promise<string[]> {
  const names: string[] = [];
  for await (const each of log.keys()) names.push(Buffer.from(each).toString());
  return names;
}

describe('retention by age', () => {
  it('removes whole segments when their last record is too old', async () => {
    let nowMs = 1000 * hourMs;
    const options = { retentionMs: 24 * hourMs, sealIntervalMs: hourMs, now: () => nowMs };
    const log = await openOn(await memoryStorage(), options);
    await put(log, 'old', 'both');
    nowMs += hourMs / 2;
    await put(log, 'old');
    await seal(log);
    nowMs += hourMs;
    await put(log, 'young', 'both');
    await seal(log);
    nowMs += 23 * hourMs - 1;
    await log.expire();
    expect(log.firstSequence).toBe(0);
    nowMs += 1;
    await log.expire();
    expect(log.segments().map(({ id }) => id)).toEqual([2]);
    expect([log.firstSequence, log.nextSequence]).toEqual([3, 5]);
    expect(await keysOf(log)).toEqual(['both', 'young']);
    expect([await log.count(key('old')), await log.count(key('both'))]).toEqual([0, 1]);
    const page = await log.readPage(key('both'), { start: 0 });
    expect([...page.sequences.subarray(0, page.count)]).toEqual([4]);
    expect((await log.readPage(key('old'))).nextSequence).toBe(5);
    expect(log.stats()).toMatchObject({ expiredSegments: 1, oldestAgeMs: 23 * hourMs });
  });

  it('goes on with the sequence and the segments when everything has expired', async () => {
    let nowMs = 1000 * hourMs;
    const options = { retentionMs: hourMs, sealIntervalMs: hourMs, now: () => nowMs };
    const storage = await memoryStorage();
    const first = await openOn(storage, options);
    await put(first, 'a', 'b', 'c');
    await seal(first);
    nowMs += hourMs;
    await first.expire();
    expect(await keysOf(first)).toEqual([]);
    await first.close();
    const second = await openOn(storage, options);
    expect([second.firstSequence, second.nextSequence]).toEqual([3, 3]);
    expect(second.segments()).toEqual([]);
    await put(second, 'd');
    expect(second.segments()).toMatchObject([{ id: 2, startSequence: 3, endSequence: 4 }]);
  });

  it('shows nothing of a segment whose removal was cut off', async () => {
    const storage = await memoryStorage();
    const first = await openOn(storage, {});
    await put(first, 'a');
    await seal(first);
    await put(first, 'b');
    await seal(first);
    await first.close();
    await storage.meta.put(expiredRowName, encodeExpired({ endSequence: 1, segmentId: 1 }));
    const second = await openOn(storage, {});
    expect(await keysOf(second)).toEqual(['b']);
    expect(storage.blocks.list().length).toBe(1);
  });

  it('opens where a merge took what was about to be removed when the store stopped answering', async () => {
    let nowMs = 1000 * hourMs;
    const storage = await memoryStorage();
    let answers = false;
    const meta: MetaStore = {
      get: (name) => storage.meta.get(name),
      async put(name, bytes) {
        await storage.meta.put(name, bytes);
        if (!answers) throw new StorageError('unavailable', 'no answer, and written nevertheless');
      },
    };
    const options = { retentionMs: hourMs, sealIntervalMs: hourMs, mergeCount: 3, now: () => nowMs };
    const first = await openOn({ ...storage, meta }, options);
    await put(first, 'a');
    await seal(first);
    nowMs += hourMs / 2;
    await put(first, 'b');
    await seal(first);
    nowMs += hourMs / 2;
    await expect(first.expire()).rejects.toThrow('no answer');
    await put(first, 'c');
    await seal(first);
    expect(first.stats()).toMatchObject({ mergedSegments: 3, sealedSegments: 1 });
    await first.close();
    const second = await openOn(storage, options);
    expect([second.firstSequence, second.nextSequence]).toEqual([0, 3]);
    expect(await keysOf(second)).toEqual(['a', 'b', 'c']);
    answers = true;
    nowMs += hourMs;
    await second.expire();
    expect([second.firstSequence, second.nextSequence]).toEqual([3, 3]);
  });

  it('takes the default_ttl of the settings for a retention', async () => {
    let nowMs = 1000 * hourMs;
    const storage = { ...(await memoryStorage()), defaultTtlMs: 10 * hourMs };
    const log = await openOn(storage, { now: () => nowMs });
    await put(log, 'a');
    await seal(log);
    nowMs += 10 * hourMs;
    await log.expire();
    expect(log.firstSequence).toBe(1);
    await expect(openLogOn(storage, { sealIntervalMs: 11 * hourMs })).rejects.toThrow('seal interval');
  });

  it.each([
    [{ retentionMs: hourMs }, 'retention needs a seal interval'],
    [{ retentionMs: hourMs, sealIntervalMs: hourMs + 1 }, 'must not be longer than the retention'],
  ])('refuses %j', async (options, message) => {
    await expect(openLogOn(await memoryStorage(), options)).rejects.toThrow(message);
  });

  it('gives arrivals that never go back, whatever the clock does', async () => {
    const times = [5000, 4000, 3000, 6000];
    const storage = await memoryStorage();
    const log = await openOn(storage, { now: () => times[0]! });
    for (let i = 0; i < 4; i++) {
      await put(log, 'a');
      times.shift();
      await seal(log);
    }
    expect(log.segments().map(({ startTimeMs }) => startTimeMs)).toEqual([5000, 5000, 5000, 6000]);
  });
});

describe('retention by size', () => {
  it('removes the oldest segments until the rest fits', async () => {
    const log = await openOn(await memoryStorage(), { retentionBytes: 25_000 });
    for (let i = 0; i < 4; i++) {
      await log.append([{ key: key('a'), value: Buffer.alloc(10_000, i) }], { awaitDurable: true });
      await seal(log);
    }
    await log.expire();
    expect(log.segments().map(({ id }) => id)).toEqual([3, 4]);
    expect(log.stats().sealedBytes).toBeLessThanOrEqual(25_000);
    expect(await log.count(key('a'))).toBe(2);
  });
});

describe('against a model', () => {
  type Step =
    | { kind: 'append'; keys: number[] }
    | { kind: 'seal' | 'expire' | 'reopen' }
    | { kind: 'wait'; ms: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }).map((keys) => ({ kind: 'append', keys }) as const),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'seal' } as const) },
    { weight: 2, arbitrary: fc.constant({ kind: 'expire' } as const) },
    { weight: 1, arbitrary: fc.constant({ kind: 'reopen' } as const) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 2000 }).map((ms) => ({ kind: 'wait', ms }) as const) },
  );

  it('keeps exactly the segments that are young enough', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        let nowMs = 1_000_000;
        const path = mkdtempSync(join(tmpdir(), 'opendata-log-'));
        const config: StorageConfig = { type: 'SlateDb', path: 'log', object_store: { type: 'Local', path } };
        const open = () => openLog(config, { retentionMs: 3000, sealIntervalMs: 3000, now: () => nowMs });
        let log = await open();
        let segments: { sealed: boolean; records: { key: string; sequence: number; ms: number }[] }[] = [];
        let next = 0;
        for (const each of steps) {
          if (each.kind === 'wait') nowMs += each.ms;
          if (each.kind === 'append') {
            if (segments.at(-1)?.sealed !== false) segments.push({ sealed: false, records: [] });
            const names = each.keys.map((name) => `k${name}`);
            for (const name of names) segments.at(-1)!.records.push({ key: name, sequence: next++, ms: nowMs });
            await put(log, ...names);
          }
          if (each.kind === 'seal') {
            await seal(log);
            for (const segment of segments) segment.sealed = true;
          }
          if (each.kind === 'expire') {
            await log.expire();
            segments = segments.filter(({ sealed, records }) => !sealed || records.at(-1)!.ms > nowMs - 3000);
          }
          if (each.kind === 'reopen') {
            await log.close();
            log = await open();
            const last = segments.at(-1);
            if (last !== undefined && nowMs - last.records[0]!.ms >= 3000) last.sealed = true;
            await log.sealed();
          }
        }
        const kept = segments.flatMap(({ records }) => records);
        expect(log.nextSequence).toBe(next);
        expect(log.firstSequence).toBe(kept[0]?.sequence ?? next);
        expect(await keysOf(log)).toEqual([...new Set(kept.map((record) => record.key))].sort());
        for (let name = 0; name <= 4; name++) {
          const own = kept.filter((record) => record.key === `k${name}`);
          expect(await log.count(key(`k${name}`))).toBe(own.length);
          const page = await log.readPage(key(`k${name}`));
          expect([...page.sequences.subarray(0, page.count)]).toEqual(own.map(({ sequence }) => sequence));
          expect(page.nextSequence).toBe(next);
        }
        await log.close();
        rmSync(path, { recursive: true, force: true });
      }),
      { numRuns: 12 },
    );
  });
});
