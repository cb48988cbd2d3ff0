import { openStorage } from '@opendata/storage';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LogDb, LogOptions, ScanOptions } from './db.ts';
import { silentLogger } from './logger.ts';
import type { LogRecord } from './model.ts';
import { openLogOn } from './open-log.ts';

async function memoryLog(options: LogOptions = {}): Promise<LogDb> {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  const log = await openLogOn(storage, options);
  onTestFinished(async () => {
    await log.close();
    await storage.close();
  });
  return log;
}

const key = (name: number | string) => Buffer.from(`k${name}`);

async function scanned(log: LogDb, name: number, options: ScanOptions): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const record of log.scan(key(name), options)) found.push(plain(record));
  return found;
}

/** With bytes that compare by their content alone. */
function plain(record: LogRecord): LogRecord {
  return {
    ...record,
    value: Uint8Array.from(record.value),
    ...(record.headers && { headers: record.headers.map((each) => ({ ...each, value: Uint8Array.from(each.value) })) }),
  };
}

const attributes = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        timestampMs: fc.maxSafeInteger(),
        headers: fc.array(fc.record({ name: fc.string({ minLength: 1 }), value: fc.uint8Array({ maxLength: 9 }) }), {
          minLength: 1,
          maxLength: 3,
        }),
      },
      { requiredKeys: [] },
    ),
  },
);
const record = fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 50 }), attributes);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.array(record, { minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constant('seal' as const) },
  { weight: 1, arbitrary: fc.constant('background' as const) },
  { weight: 3, arbitrary: fc.integer({ min: -500, max: 3000 }) },
);

describe('reads by time, from the end and backwards', () => {
  it('answer as a plain array does, through attributes, seals and a clock that jumps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.nat(120),
        fc.nat(120),
        fc.nat(20_000),
        fc.nat(30),
        async (steps, a, b, sinceMs, last) => {
          const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
          let nowMs = 1_000_000;
          const log = await openLogOn(storage, { now: () => nowMs });
          const model: (LogRecord & { name: number })[] = [];
          let arrivalTimeMs = 0;
          for (const each of steps) {
            if (typeof each === 'number') nowMs += each;
            else if (typeof each === 'string') {
              log.sealActive();
              if (each === 'seal') await log.sealed();
            } else {
              arrivalTimeMs = Math.max(arrivalTimeMs, nowMs);
              await log.append(each.map(([name, value, more]) => ({ key: key(name), value, ...more })));
              for (const [name, value, more] of each) {
                model.push({ name, sequence: model.length, value, arrivalTimeMs, ...more });
              }
            }
          }
          const range = { start: Math.min(a, b), end: Math.max(a, b) };
          const startTimeMs = 1_000_000 + sinceMs;
          for (let name = 0; name <= 3; name++) {
            const all = model
              .filter((each) => each.name === name && each.sequence >= range.start && each.sequence < range.end)
              .map(({ name: _, ...rest }) => plain(rest));
            expect(await scanned(log, name, range)).toEqual(all);
            expect(await scanned(log, name, { ...range, reverse: true })).toEqual(all.toReversed());
            const recent = all.filter((each) => each.arrivalTimeMs >= startTimeMs);
            expect(await scanned(log, name, { ...range, startTimeMs })).toEqual(recent);
            const tail = last === 0 ? [] : all.slice(-last);
            expect(await scanned(log, name, { ...range, last })).toEqual(tail);
            expect(await scanned(log, name, { ...range, last, reverse: true })).toEqual(tail.toReversed());
            const both = last === 0 ? [] : recent.slice(-last);
            expect(await scanned(log, name, { ...range, startTimeMs, last })).toEqual(both);
          }
          await log.close();
          await storage.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('goes back page by page, whatever ends a page', async () => {
    const log = await memoryLog();
    const sizes = Array.from({ length: 60 }, (_, i) => (i % 7) * 1000);
    for (const [i, size] of sizes.entries()) {
      await log.append([
        { key: key('a'), value: Buffer.alloc(size, i) },
        { key: key('b'), value: Buffer.alloc(1) },
      ]);
      if (i % 25 === 24) log.sealActive();
    }
    await log.sealed();
    const found: number[] = [];
    let end = log.nextSequence;
    for (;;) {
      const page = await log.readPage(key('a'), { end, reverse: true, limit: 9, maxBytes: 5000 });
      if (page.count === 0) break;
      found.push(...page.sequences.subarray(0, page.count));
      end = page.nextSequence;
    }
    expect(found).toEqual(sizes.map((_, i) => 2 * i).toReversed());
    expect((await log.readPage(key('nobody'), { reverse: true })).count).toBe(0);
    expect((await log.readPage(key('a'), { reverse: true, limit: 0 })).count).toBe(0);
  });

  it('finds a time among more arrivals than one page has', async () => {
    let nowMs = 1000;
    const log = await memoryLog({ now: () => nowMs });
    for (let i = 0; i < 40_000; i++, nowMs += 2) {
      log.appendColumns({
        bytes: key('a'),
        count: 1,
        keyStart: Uint32Array.of(0),
        keyEnd: Uint32Array.of(2),
        valueStart: Uint32Array.of(0),
        valueEnd: Uint32Array.of(0),
      });
    }
    log.sealActive();
    await log.sealed();
    for (const i of [0, 1, 16_383, 16_384, 16_385, 32_768, 39_999]) {
      for (const back of [0, 1]) {
        const page = await log.readPage(key('a'), { startTimeMs: 1000 + 2 * i - back, limit: 1 });
        expect([page.sequences[0], page.times[0]]).toEqual([i, 1000 + 2 * i]);
      }
    }
    expect((await log.readPage(key('a'), { startTimeMs: 1_000_000 })).nextSequence).toBe(40_000);
  });

  it('are inspected by segment', async () => {
    const log = await memoryLog();
    for (let segment = 0; segment < 2; segment++) {
      for (let i = 0; i < 50; i++) await log.append([{ key: key('a'), value: Buffer.alloc(10_000) }]);
      await log.append([{ key: key('b'), value: Buffer.alloc(1) }]);
      log.sealActive();
    }
    await log.sealed();
    await log.append([{ key: key('a'), value: Buffer.alloc(1) }]);
    const perPage = Math.floor((128 * 1024) / 10_020);
    const pages = Math.ceil(50 / perPage);
    expect(await log.inspect(key('a'))).toEqual({
      total: 101,
      pages: 2 * pages,
      segments: [
        { id: 1, sealed: true, count: 50, pages },
        { id: 2, sealed: true, count: 50, pages },
        { id: 3, sealed: false, count: 1, pages: 0 },
      ],
    });
    expect(await log.inspect(key('a'), { start: 51, end: 52 })).toMatchObject({ total: 1, pages: 1 });
    expect(await log.inspect(key('b'), { end: 60 })).toMatchObject({ total: 1, pages: 1 });
  });

  it('follows from the last records on', async () => {
    const log = await memoryLog();
    await log.append(Array.from({ length: 5 }, (_, i) => ({ key: key('a'), value: Buffer.of(i) })));
    const found: number[] = [];
    for await (const { value } of log.scan(key('a'), { last: 2, follow: true, limit: 4 })) {
      found.push(value[0]!);
      if (found.length === 2) await log.append([5, 6].map((i) => ({ key: key('a'), value: Buffer.of(i) })));
    }
    expect(found).toEqual([3, 4, 5, 6]);
    await expect(log.scan(key('a'), { follow: true, reverse: true }).next()).rejects.toThrow('reverse');
  });
});
