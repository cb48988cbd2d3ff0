import { describe, expect, it } from 'vitest';
import { Followers } from './followers.ts';

const key = Buffer.from([0xff, 0x00, 0x61]);

describe('followers', () => {
  it('are woken by their key only', async () => {
    const followers = new Followers();
    const mine = followers.wait(key, {});
    const also = followers.wait(Buffer.from(key), {});
    const other = followers.wait(Buffer.from('other'), { timeoutMs: 5 });
    expect(followers.size).toBe(2);
    expect(followers.watches(key)).toBe(true);
    followers.wake(key);
    expect(await Promise.all([mine, also, other])).toEqual([true, true, false]);
    expect([followers.size, followers.waiting]).toEqual([0, 0]);
  });

  it('give up on abort, and at once when aborted before', async () => {
    const followers = new Followers();
    const abort = new AbortController();
    const waiting = followers.wait(key, { signal: abort.signal });
    abort.abort();
    expect(await waiting).toBe(false);
    expect(await followers.wait(key, { signal: abort.signal })).toBe(false);
    expect([followers.size, followers.waiting]).toEqual([0, 0]);
  });

  it('end when the log closes', async () => {
    const followers = new Followers();
    const waiting = followers.wait(key, {});
    followers.close();
    expect(await waiting).toBe(false);
    expect(await followers.wait(key, {})).toBe(false);
  });

  it('cost under 8 KiB each while idle', () => {
    const followers = new Followers();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 5000; i++) void followers.wait(Buffer.from(`key-${i}`), { timeoutMs: 60_000 });
    expect((process.memoryUsage().heapUsed - before) / 5000).toBeLessThan(8192);
    followers.close();
  });
});
