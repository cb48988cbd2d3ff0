import { openStorage } from '@opendata/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import { columnsOf } from './append-columns.ts';
import type { LogDb, LogOptions } from './db.ts';
import { silentLogger } from './logger.ts';
import { openLogOn } from './open-log.ts';
import type { ScanPage } from './scan-page.ts';

const bytes = (text: string) => Buffer.from(text);

async function memoryLog(options: LogOptions = {}): Promise<LogDb> {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  const log = await openLogOn(storage, options);
  onTestFinished(async () => {
    await log.close();
    await storage.close();
  });
  return log;
}

function rowsOf(page: ScanPage): string[] {
  return Array.from(
    { length: page.count },
    (_, i) => `${page.sequences[i]} ${Buffer.from(page.keyAt(i))}=${Buffer.from(page.valueAt(i))}`,
  );
}

describe('reads over many keys', () => {
  it('go through a large sealed segment page by page, all and a part of it, forwards and backwards', async () => {
    let nowMs = 5000;
    const log = await memoryLog({ now: () => nowMs++ });
    const names = Array.from({ length: 40_000 }, (_, i) => `user-${(i * 7919) % 25_000}-inbox`);
    const valueAt = (i: number) => `${i}:`.padEnd((i * 31) % 300, '.');
    for (let i = 0; i < names.length; i += 100) {
      log.appendColumns(
        columnsOf(names.slice(i, i + 100).map((name, k) => ({ key: bytes(name), value: bytes(valueAt(i + k)) }))),
      );
    }
    log.sealActive();
    await log.sealed();
    expect(await log.count(bytes('nobody'))).toBe(0);
    const all = names.map((name, i) => `${i} ${name}=${valueAt(i)}`);
    const parts = [
      { selection: {}, expected: all },
      { selection: { prefixes: [bytes('user-12')] }, expected: all.filter((row) => / user-12/.test(row)) },
      {
        selection: {
          keys: [bytes('user-777-inbox'), bytes('user-none')],
          prefixes: [bytes('user-9'), bytes('user-30')],
        },
        expected: all.filter((row) => / user-(777-|9|30)/.test(row)),
      },
    ];
    for (const { selection, expected } of parts) {
      for (const reverse of [false, true]) {
        const found: string[] = [];
        let range: { start?: number; end?: number } = {};
        for (;;) {
          const page = await log.readSelectedPage(selection, { ...range, reverse, maxBytes: 700_000, limit: 9000 });
          found.push(...rowsOf(page));
          for (let i = 0; i < page.count; i += 997) {
            expect(page.times[i]).toBe(5000 + Math.floor(page.sequences[i]! / 100));
          }
          if (page.count === 0) break;
          range = reverse ? { end: page.nextSequence } : { start: page.nextSequence };
        }
        expect(found).toEqual(reverse ? expected.toReversed() : expected);
      }
    }
    const last = await log.readSelectedPage({ prefixes: [bytes('user-12')] }, { last: 5 });
    expect(rowsOf(last)).toEqual(parts[1]!.expected.slice(-5));
  });

  it('end a page by the bytes that it turns out to have', async () => {
    const log = await memoryLog();
    const sizes = Array.from({ length: 400 }, (_, i) => (i % 40 === 0 ? 900_000 : 10));
    for (const [i, size] of sizes.entries()) await log.append([{ key: bytes(`k${i % 3}`), value: Buffer.alloc(size) }]);
    log.sealActive();
    await log.sealed();
    const found: number[] = [];
    for (let start = 0; ; ) {
      const page = await log.readSelectedPage({}, { start, maxBytes: 1_000_000 });
      if (page.count === 0) break;
      expect(page.valueBytes).toBeLessThan(1_900_001);
      found.push(...page.sequences.subarray(0, page.count));
      start = page.nextSequence;
    }
    expect(found).toEqual(sizes.map((_, i) => i));
  });

  it('wait for a record of the selection, and say at the time-out up to where there is none', async () => {
    const log = await memoryLog();
    const waiting = log.followSelectedPage({ prefixes: [bytes('a/')] }, { timeoutMs: 30_000 });
    const idle = log.followSelectedPage({ keys: [bytes('c')] }, { timeoutMs: 100 });
    await log.append([{ key: bytes('b/1'), value: bytes('no') }]);
    await log.append([{ key: bytes('a/1'), value: bytes('yes') }]);
    expect(rowsOf(await waiting)).toEqual(['1 a/1=yes']);
    const page = await idle;
    expect([page.count, page.nextSequence]).toEqual([0, 2]);
    expect(log.stats().followers).toBe(0);
  });

  it('follow everything, through seals, in order and without a gap', async () => {
    const log = await memoryLog();
    const abort = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const { sequence } of log.read({}, { follow: true, signal: abort.signal })) {
        seen.push(sequence);
        if (seen.length === 60) abort.abort();
      }
    })();
    for (let i = 0; i < 60; i++) {
      await log.append([{ key: bytes(`k${i % 7}`), value: bytes(`${i}`) }], { awaitDurable: i % 3 === 0 });
      if (i % 10 === 4) log.sealActive();
      if (i % 20 === 9) await log.sealed();
    }
    await following;
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('follow a backlog page by page without a gap, also while records arrive', async () => {
    const log = await memoryLog();
    const record = { key: bytes('k'), value: bytes('v') };
    await log.append(Array.from({ length: 500 }, () => record));
    const seen: number[] = [];
    for await (const page of log.tailPages({ keys: [bytes('k')] }, { limit: 100 })) {
      seen.push(...page.sequences.subarray(0, page.count));
      if (seen.at(-1)! >= 501) break;
      if (seen.length <= 200) await log.append([record], { awaitDurable: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen).toEqual(Array.from({ length: 502 }, (_, i) => i));
  });

  it('end a page by the bytes of its keys too', async () => {
    const log = await memoryLog();
    const records = Array.from({ length: 50 }, (_, i) => ({ key: Buffer.alloc(60_000, i), value: bytes(`${i}`) }));
    for (const record of records) await log.append([record]);
    for (const state of ['in memory', 'sealed']) {
      for (const reverse of [false, true]) {
        const page = await log.readSelectedPage({}, { reverse, maxBytes: 1_000_000 });
        const first = reverse ? 49 : 0;
        expect([state, reverse, page.count, page.sequences[0]]).toEqual([state, reverse, 17, first]);
        expect(page.nextSequence).toBe(reverse ? 33 : 17);
      }
      log.sealActive();
      await log.sealed();
    }
  });

  it('show to those who want it only what is durable', async () => {
    const log = await memoryLog();
    const durable: [number, number][] = [];
    const following = (async () => {
      for await (const page of log.tailPages({}, { durable: true })) {
        for (let i = 0; i < page.count; i++) durable.push([page.sequences[i]!, log.durableSequence]);
        if (page.nextSequence >= 40) return;
      }
    })();
    for (let i = 0; i < 40; i++)
      await log.append([{ key: bytes('k'), value: bytes('v') }], { awaitDurable: i % 8 === 7 });
    await log.flush();
    await following;
    expect(durable.map(([sequence]) => sequence)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const [sequence, end] of durable) expect(sequence).toBeLessThan(end);
  });

  it('many subscribers get what is theirs, once', async () => {
    const log = await memoryLog();
    const got = new Map<string, number[]>();
    const tails = ['a', 'b', 'ab', ''].map(async (prefix) => {
      const mine: number[] = [];
      got.set(prefix, mine);
      for await (const { sequence, value } of log.read({ prefixes: [bytes(prefix)] }, { follow: true })) {
        if (value.toString() === 'end') return;
        mine.push(sequence);
      }
    });
    const keys = ['a', 'ab', 'b', 'c', 'abc', 'ba'];
    for (let i = 0; i < 300; i++) {
      await log.append([{ key: bytes(keys[(i * 5) % 6]!), value: bytes(`${i}`) }], { awaitDurable: i % 50 === 0 });
      if (i === 150) log.sealActive();
    }
    await log.append(['ab', 'b'].map((name) => ({ key: bytes(name), value: bytes('end') })));
    await Promise.all(tails);
    for (const [prefix, mine] of got) {
      const expected = Array.from({ length: 300 }, (_, i) => i).filter((i) => keys[(i * 5) % 6]!.startsWith(prefix));
      expect(mine).toEqual(expected);
    }
  });

  it('end with the log', async () => {
    const log = await memoryLog();
    const page = log.followSelectedPage({}, { timeoutMs: 60_000 });
    log.endFollowing();
    expect((await page).count).toBe(0);
  });
});
