import { openStorage, type Storage } from '@opendata/storage';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogDb, LogOptions, ScanOptions } from './db.ts';
import { LogError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { openLog, openLogOn } from './open-log.ts';

const bytes = (value: string) => Buffer.from(value);
const texts = (values: readonly Uint8Array[]) => values.map((value) => Buffer.from(value).toString());

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function memoryStorage(): Promise<Storage> {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  open.push(storage);
  return storage;
}

async function memoryLog(options: LogOptions = {}): Promise<LogDb> {
  const log = await openLogOn(await memoryStorage(), options);
  open.push(log);
  return log;
}

async function scanned(log: LogDb, key: string, options: ScanOptions = {}): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for await (const { sequence, value } of log.scan(bytes(key), options)) {
    found.push([sequence, Buffer.from(value).toString()]);
  }
  return found;
}

async function listed(keys: AsyncIterable<Uint8Array>): Promise<string[]> {
  const found: Uint8Array[] = [];
  for await (const key of keys) found.push(key);
  return texts(found);
}

describe('log', () => {
  it('refuses a batch that no row of the journal can have, and goes on', async () => {
    const log = await memoryLog();
    const value = Buffer.alloc(33 * 1024 * 1024);
    const batch = [0, 1].map(() => ({ key: bytes('k'), value }));
    await expect(log.append(batch)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^the batch takes 692\d+ bytes, more than 67108864: append it in parts$/),
    });
    expect((await log.append([{ key: bytes('k'), value: bytes('v') }])).startSequence).toBe(0);
  });

  it('gives consecutive sequences to a batch over many keys', async () => {
    const log = await memoryLog();
    const first = await log.append([
      { key: bytes('a'), value: bytes('1') },
      { key: bytes('b'), value: bytes('2') },
      { key: bytes('a'), value: bytes('3') },
    ]);
    const second = await log.append([{ key: bytes('a'), value: bytes('4') }], { awaitDurable: true });
    expect([first, second]).toEqual([
      { startSequence: 0, count: 3 },
      { startSequence: 3, count: 1 },
    ]);
    expect(await scanned(log, 'a')).toEqual([
      [0, '1'],
      [2, '3'],
      [3, '4'],
    ]);
    expect(log.durableSequence).toBe(4);
    expect(await log.count(bytes('a'), { start: 1, end: 3 })).toBe(1);
    expect(await log.count(bytes('nobody'))).toBe(0);
  });

  it('changes nothing when a batch cannot be stored', async () => {
    const log = await memoryLog();
    const records = [
      { key: bytes('a'), value: bytes('1') },
      { key: Buffer.alloc(70_000), value: bytes('2') },
    ];
    await expect(log.append(records)).rejects.toThrow(LogError);
    expect(log.nextSequence).toBe(0);
    expect(await scanned(log, 'a')).toEqual([]);
  });

  it('resumes any key by the one sequence, past what other keys got', async () => {
    const log = await memoryLog();
    await log.append([{ key: bytes('a'), value: bytes('1') }]);
    const drained = await log.readPage(bytes('a'));
    expect(drained.nextSequence).toBe(1);
    await log.append(Array.from({ length: 5 }, () => ({ key: bytes('b'), value: bytes('x') })));
    expect((await log.readPage(bytes('a'), { start: 1 })).nextSequence).toBe(6);
    expect((await log.readPage(bytes('b'), { limit: 2 })).nextSequence).toBe(3);
    expect((await log.readPage(bytes('b'), { end: 4 })).nextSequence).toBe(4);
    expect((await log.readPage(bytes('b'), { start: 100 })).nextSequence).toBe(100);
    expect((await log.readPage(bytes('b'), { limit: 0 })).nextSequence).toBe(0);
  });

  it('tells those who watch how far it is durable', async () => {
    const log = await memoryLog();
    const seen: number[] = [];
    log.onDurable((sequence) => seen.push(sequence));
    await log.append([{ key: bytes('a'), value: bytes('1') }], { awaitDurable: true });
    await log.append([{ key: bytes('a'), value: bytes('2') }]);
    await log.flush();
    expect(seen.at(-1)).toBe(2);
  });

  it('streams how far it is durable, until it closes', async () => {
    const log = await memoryLog();
    const seen: number[] = [];
    const stream = (async () => {
      for await (const sequence of log.durable()) seen.push(sequence);
    })();
    await log.append([{ key: bytes('a'), value: bytes('1') }], { awaitDurable: true });
    expect(await log.durableAt(1)).toBe(true);
    expect(await log.durableAt(2, { timeoutMs: 5 })).toBe(false);
    expect(await log.durableAt(2, { signal: AbortSignal.timeout(5) })).toBe(false);
    await log.append([{ key: bytes('a'), value: bytes('2') }]);
    await log.close();
    await stream;
    expect([seen[0], seen.at(-1)]).toEqual([0, 2]);
    expect(await log.durableAt(3)).toBe(false);
  });

  it('is the same after it was closed and opened again', async () => {
    const storage = await memoryStorage();
    const first = await openLogOn(storage, {});
    await first.append([{ key: bytes('a'), value: bytes('1') }]);
    await first.append([{ key: bytes('b'), value: bytes('2') }]);
    await first.close();
    await expect(first.append([{ key: bytes('a'), value: bytes('x') }])).rejects.toMatchObject({ code: 'closed' });
  });

  it('refuses appends while the heads hold more than their budget', async () => {
    const log = await memoryLog({ headBudgetBytes: 5_000_000 });
    const batch = Array.from({ length: 10 }, () => ({ key: bytes('a'), value: Buffer.alloc(100_000) }));
    await expect(
      (async () => {
        for (;;) await log.append(batch, { awaitDurable: true });
      })(),
    ).rejects.toMatchObject({ code: 'overloaded' });
    const { nextSequence } = log;
    expect(await log.count(bytes('a'))).toBe(nextSequence);
  });

  it('goes on where keys take up the budget long before the segment has the bytes to end', async () => {
    const log = await memoryLog({ headBudgetBytes: 8_000_000, sealBytes: 4_000_000 });
    let refused = 0;
    for (let batch = 0; batch < 20; ) {
      const records = Array.from({ length: 8192 }, (_, i) => ({ key: bytes(`${batch}-${i}`), value: bytes('') }));
      try {
        await log.append(records);
        batch++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'overloaded' });
        expect(++refused).toBeLessThan(20);
        await log.sealed();
      }
    }
    expect(refused).toBeGreaterThan(0);
    expect(await log.count(bytes('19-8191'))).toBe(1);
  });

  it('goes on where room for as many keys as before is more than the budget', async () => {
    const log = await memoryLog({ headBudgetBytes: 5_000_000, sealBytes: 2_500_000 });
    const keysOf = (batch: number) => Array.from({ length: 150_000 }, (_, i) => bytes(`${batch}-${i}`));
    for (let batch = 0; batch < 3; batch++) {
      await log.append(keysOf(batch).map((key) => ({ key, value: bytes('') })));
      await expect(log.append([{ key: bytes('x'), value: bytes('') }])).rejects.toMatchObject({ code: 'overloaded' });
      await log.sealed();
    }
    expect(await log.count(bytes('2-149999'))).toBe(1);
  });

  it('is disposed of with await using', async () => {
    const log = await openLog({ type: 'InMemory' });
    await log[Symbol.asyncDispose]();
    await expect(log.append([{ key: bytes('a'), value: bytes('1') }])).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('sealing', () => {
  it('moves segments into blocks that read as the head did', async () => {
    const log = await memoryLog();
    const values = Array.from({ length: 900 }, (_, i) => `value ${i} ${'x'.repeat(i % 700)}`);
    for (const [i, value] of values.entries()) {
      await log.append([{ key: bytes(`k${i % 7}`), value: bytes(value) }]);
      if (i % 300 === 299) log.sealActive();
    }
    const before = await scanned(log, 'k3');
    await log.sealed();
    expect(
      log.segments().map(({ id, startSequence, endSequence, sealed }) => [id, startSequence, endSequence, sealed]),
    ).toEqual([
      [1, 0, 300, true],
      [2, 300, 600, true],
      [3, 600, 900, true],
    ]);
    expect(await scanned(log, 'k3')).toEqual(before);
    expect(before).toEqual(values.map((value, i) => [i, value] as [number, string]).filter(([i]) => i % 7 === 3));
    expect(await log.count(bytes('k3'), { start: 10, end: 700 })).toBe(
      before.filter(([i]) => i >= 10 && i < 700).length,
    );
    expect(await listed(log.keys())).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6']);
    expect(log.stats().waitingSegments).toBe(0);
  });

  it('starts a segment when the last one is full, or old', async () => {
    let nowMs = 1_000_000;
    const log = await memoryLog({ sealBytes: 1000, sealIntervalMs: 20, now: () => nowMs });
    for (let i = 0; i < 10; i++) await log.append([{ key: bytes('k'), value: Buffer.alloc(300) }]);
    expect(log.segments().length).toBe(3);
    nowMs += 25;
    await new Promise((resolve) => setTimeout(resolve, 60));
    await log.sealed();
    expect(log.segments().every(({ sealed }) => sealed)).toBe(true);
    expect(log.segments().length).toBe(3);
    expect((await scanned(log, 'k')).length).toBe(10);
  });

  it('reads keys larger than a page, and records larger than a page', async () => {
    const log = await memoryLog();
    const big = 'b'.repeat(400_000);
    for (let i = 0; i < 40; i++) {
      await log.append([
        { key: bytes('many'), value: bytes(`${i}`.padEnd(20_000, '.')) },
        { key: bytes('other'), value: bytes('o') },
      ]);
      if (i === 20) await log.append([{ key: bytes('many'), value: bytes(big) }]);
    }
    const before = await scanned(log, 'many');
    log.sealActive();
    await log.sealed();
    expect(await scanned(log, 'many')).toEqual(before);
    for (const start of [0, 1, 13, 41, 42, 43, 80, 81]) {
      expect(await scanned(log, 'many', { start, limit: 3 })).toEqual(before.filter(([at]) => at >= start).slice(0, 3));
      expect(await log.count(bytes('many'), { start })).toBe(before.filter(([at]) => at >= start).length);
      expect(await log.count(bytes('many'), { end: start })).toBe(before.filter(([at]) => at < start).length);
    }
  });
});

describe('keys', () => {
  it('are listed in order, by prefix, after a key, by segment', async () => {
    const log = await memoryLog();
    const put = (names: string[]) => log.append(names.map((name) => ({ key: bytes(name), value: bytes('') })));
    await put(['b/2', 'a/1', 'c']);
    log.sealActive();
    await log.sealed();
    await put(['b/1', 'a/1', 'b/3']);
    expect(await listed(log.keys())).toEqual(['a/1', 'b/1', 'b/2', 'b/3', 'c']);
    expect(await listed(log.keys({ prefix: bytes('b/') }))).toEqual(['b/1', 'b/2', 'b/3']);
    expect(await listed(log.keys({ prefix: bytes('b/'), after: bytes('b/1') }))).toEqual(['b/2', 'b/3']);
    expect(await listed(log.keys({ after: bytes('b/2') }))).toEqual(['b/3', 'c']);
    expect(await listed(log.keys({ endSegment: 2 }))).toEqual(['a/1', 'b/2', 'c']);
    expect(await listed(log.keys({ startSegment: 2 }))).toEqual(['a/1', 'b/1', 'b/3']);
  });
});

describe('following', () => {
  it('wakes up for its key, with an empty page until then', async () => {
    const log = await memoryLog();
    const page = log.followPage(bytes('a'), { timeoutMs: 20_000 });
    await log.append([{ key: bytes('b'), value: bytes('not mine') }]);
    await log.append([{ key: bytes('a'), value: bytes('mine') }]);
    const { count, nextSequence } = await page;
    expect([count, nextSequence]).toEqual([1, 2]);
    expect(log.stats().followers).toBe(0);
  });

  it('answers empty at the time-out, with the frontier to resume from', async () => {
    const log = await memoryLog();
    const page = log.followPage(bytes('a'), { timeoutMs: 30 });
    await log.append([{ key: bytes('b'), value: bytes('x') }]);
    const { count, nextSequence } = await page;
    expect([count, nextSequence]).toEqual([0, 1]);
  });

  it('does not wait where nothing can come', async () => {
    const log = await memoryLog();
    await log.append([{ key: bytes('b'), value: bytes('x') }]);
    expect((await log.followPage(bytes('a'), { end: 1, timeoutMs: 20_000 })).nextSequence).toBe(1);
    expect((await log.followPage(bytes('a'), { limit: 0, timeoutMs: 20_000 })).nextSequence).toBe(0);
  });

  it('goes on through sealed segments, to the end of an iteration by its signal', async () => {
    const log = await memoryLog();
    const abort = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const { sequence } of log.scan(bytes('k'), { follow: true, signal: abort.signal })) {
        seen.push(sequence);
        if (seen.length === 30) abort.abort();
      }
    })();
    for (let i = 0; i < 30; i++) {
      await log.append([{ key: bytes('k'), value: bytes(`${i}`) }], { awaitDurable: i % 3 === 0 });
      if (i % 5 === 4) log.sealActive();
      if (i % 10 === 9) await log.sealed();
    }
    await following;
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  it('ends when the log closes', async () => {
    const log = await openLog({ type: 'InMemory' });
    const page = log.followPage(bytes('a'), { timeoutMs: 60_000 });
    await log.close();
    expect((await page).count).toBe(0);
  });
});

type Step =
  | { kind: 'append'; records: { key: number; size: number }[] }
  | { kind: 'seal' }
  | { kind: 'settle' }
  | { kind: 'check'; key: number; from: number; to: number; limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      records: fc.array(fc.record({ key: fc.nat(9), size: fc.oneof(fc.nat(40), fc.nat(60_000)) }), {
        minLength: 1,
        maxLength: 12,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('check' as const),
      key: fc.nat(9),
      from: fc.nat(120),
      to: fc.nat(160),
      limit: fc.integer({ min: 1, max: 40 }),
    }),
  },
);

describe('model', () => {
  it('answers as a plain map of arrays through appends, seals and reads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
        const log = await openLogOn(storage, {});
        try {
          const model = new Map<string, [number, string][]>();
          let next = 0;
          for (const action of steps) {
            if (action.kind === 'append') {
              const records = action.records.map(({ key, size }, i) => ({
                key: `key ${key}`,
                value: `${next + i}:`.padEnd(size, '#'),
              }));
              await log.append(records.map(({ key, value }) => ({ key: bytes(key), value: bytes(value) })));
              for (const { key, value } of records) model.set(key, [...(model.get(key) ?? []), [next++, value]]);
            } else if (action.kind === 'seal') log.sealActive();
            else if (action.kind === 'settle') await log.sealed();
            else {
              const key = `key ${action.key}`;
              const expected = (model.get(key) ?? []).filter(([at]) => at >= action.from && at < action.to);
              const range = { start: action.from, end: action.to };
              expect(await scanned(log, key, { ...range, limit: action.limit })).toEqual(
                expected.slice(0, action.limit),
              );
              expect(await log.count(bytes(key), range)).toBe(expected.length);
            }
          }
          expect(log.nextSequence).toBe(next);
          expect(await listed(log.keys())).toEqual([...model.keys()].sort());
        } finally {
          await log.close();
          await storage.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});
