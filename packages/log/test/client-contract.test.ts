import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectLog, embeddedLog, type LogClient, LogClientError, type ReadRecord } from '../src/client/index.ts';
import { openLog } from '../src/index.ts';
import { metricOf, type ServerProcess, startServer } from './server-process.testing.ts';

/** The same client over both ways to a log. */
const ways = [
  {
    name: 'embedded',
    async start() {
      const db = await openLog({ type: 'InMemory' });
      followers = async () => db.stats().followers;
      return embeddedLog(db);
    },
    async stop() {},
  },
  {
    name: 'HTTP',
    async start() {
      const { url } = (server = await startServer(['--in-memory']));
      followers = () => metricOf(url, 'log_followers');
      return connectLog(url);
    },
    stop: async () => void (await server?.stop()),
  },
];
let server: ServerProcess | undefined;
/** How many wait for a record now. */
let followers: () => Promise<number>;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const values = (records: readonly ReadRecord[]) => records.map(({ value }) => text(value));

async function all<T>(items: AsyncIterable<T>, limit = Number.POSITIVE_INFINITY): Promise<T[]> {
  const list: T[] = [];
  if (limit > 0) for await (const item of items) if (list.push(item) >= limit) break;
  return list;
}

describe.each(ways)('a log client, $name:', ({ start, stop }) => {
  let log: LogClient;
  let keys = 0;
  const newKey = () => `key-${++keys}`;
  beforeAll(async () => {
    log = await start();
  });
  afterAll(async () => {
    await log.close();
    await stop();
  });

  it('appends one record or many, and reads them back whole', async () => {
    const key = newKey();
    const first = await log.append({
      key,
      value: 'one',
      timestampMs: 1_790_000_000_000,
      headers: [
        { name: 'trace', value: 'abc' },
        { name: 'trace', value: Uint8Array.of(0, 255) },
      ],
    });
    expect(first.count).toBe(1);
    const second = await log.append(
      [
        { key, value: 'two' },
        { key: newKey(), value: 'other' },
        { key, value: new Uint8Array(0) },
      ],
      { awaitDurable: true },
    );
    expect(second).toEqual({ startSequence: first.startSequence + 1, count: 3 });
    const records = await all(log.read(key));
    expect(records.map(({ sequence }) => sequence - first.startSequence)).toEqual([0, 1, 3]);
    expect(values(records)).toEqual(['one', 'two', '']);
    expect(text(records[0]!.key)).toBe(key);
    expect(records[0]).toMatchObject({ timestampMs: 1_790_000_000_000 });
    expect(records[0]!.headers!.map(({ name, value }) => [name, [...value]])).toEqual([
      ['trace', [97, 98, 99]],
      ['trace', [0, 255]],
    ]);
    expect(Math.abs(records[0]!.arrivalTimeMs - Date.now())).toBeLessThan(60_000);
    expect(await log.append([])).toEqual({ startSequence: 0, count: 0 });
  });

  it('takes keys of any bytes', async () => {
    const key = Uint8Array.of(0, 1, 38, 37, 43, 61, 128, 255, keys);
    await log.append({ key, value: 'v' });
    expect(values(await all(log.read(key)))).toEqual(['v']);
    expect(await log.count(key)).toBe(1);
    expect(await all(log.keys({ prefix: key.subarray(0, 8) }))).toHaveLength(1);
  });

  it('reads ranges, limits, the last, in reverse, and from a time', async () => {
    const key = newKey();
    const { startSequence: s } = await log.append(Array.from({ length: 10 }, (_, i) => ({ key, value: String(i) })));
    const read = async (options: object) => values(await all(log.read(key, options))).join('');
    expect(await read({})).toBe('0123456789');
    expect(await read({ start: s + 2, end: s + 5 })).toBe('234');
    expect(await read({ limit: 3 })).toBe('012');
    expect(await read({ limit: 0 })).toBe('');
    expect(await read({ last: 3 })).toBe('789');
    expect(await read({ last: 3, limit: 2 })).toBe('78');
    expect(await read({ last: 0 })).toBe('');
    expect(await read({ reverse: true })).toBe('9876543210');
    expect(await read({ reverse: true, limit: 2 })).toBe('98');
    expect(await read({ reverse: true, start: s + 4, end: s + 7 })).toBe('654');
    expect(await read({ reverse: true, last: 2 })).toBe('98');
    expect(await read({ startTimeMs: Date.now() + 60_000 })).toBe('');
    expect(await read({ startTimeMs: 1 })).toBe('0123456789');
    expect(await log.count(key)).toBe(10);
    expect(await log.count(key, { start: s + 1, end: s + 4 })).toBe(3);
  });

  it('reads more than a page, forward and in reverse', async () => {
    const key = newKey();
    const count = 10_000;
    await log.append(Array.from({ length: count }, (_, i) => ({ key, value: String(i) })));
    const forward = values(await all(log.read(key)));
    expect(forward).toEqual(Array.from({ length: count }, (_, i) => String(i)));
    expect(values(await all(log.read(key, { reverse: true })))).toEqual(forward.toReversed());
    expect(values(await all(log.read(key, { last: 9000 })))).toEqual(forward.slice(1000));
    expect(values(await all(log.read(key), 5))).toEqual(forward.slice(0, 5));
  });

  it('lists keys, segments and what reading costs', async () => {
    const prefix = `list-${newKey()}-`;
    await log.append(['c', 'a', 'b'].map((name) => ({ key: prefix + name, value: name })));
    const list = async (options: object) => (await all(log.keys({ prefix, ...options }))).map(text);
    expect(await list({})).toEqual(['a', 'b', 'c'].map((name) => prefix + name));
    expect(await list({ after: `${prefix}a`, limit: 1 })).toEqual([`${prefix}b`]);
    expect(await list({ limit: 0 })).toEqual([]);
    expect(await log.segments()).toEqual([{ id: 1, startSequence: 0, startTimeMs: expect.any(Number) }]);
    expect(await log.inspect(`${prefix}a`)).toEqual({
      total: 1,
      pages: 0,
      segments: [{ id: 1, sealed: false, count: 1, pages: 0 }],
    });
  });

  it('says how far it is durable, once and as it goes on', async () => {
    const { startSequence } = await log.append({ key: newKey(), value: 'v' });
    const flushed = await log.flush();
    expect(flushed.durableSequence).toBeGreaterThan(startSequence);
    expect(await log.watermark()).toEqual(flushed);
    expect(await log.watermark({ atLeast: flushed.nextSequence + 1000, timeoutMs: 20 })).toEqual(flushed);
    // Longer than a timer takes.
    const longWait = log.watermark({ atLeast: flushed.nextSequence + 1, timeoutMs: 2 ** 40 });
    await log.append({ key: newKey(), value: 'v' }, { awaitDurable: true });
    const { durableSequence } = await longWait;
    expect(durableSequence).toBe(flushed.nextSequence + 1);
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const sequence of log.durable(stop.signal)) {
      seen.push(sequence);
      if (seen.length === 1) void log.append({ key: newKey(), value: 'v' }, { awaitDurable: true });
      else stop.abort();
    }
    expect(seen).toEqual([durableSequence, durableSequence + 1]);
  });

  it('follows a key: from the next record, from a sequence, with the last ones', async () => {
    const key = newKey();
    const { startSequence } = await log.append(
      ['a', 'b', 'c'].map((value) => ({ key, value })),
      { awaitDurable: true },
    );
    const stop = new AbortController();
    const follow = (options: object, count: number) => all(log.tail(key, { signal: stop.signal, ...options }), count);
    const waiting = [
      follow({}, 2),
      follow({ start: startSequence + 1 }, 4),
      follow({ last: 1, onlyDurable: true }, 3),
      follow({ startTimeMs: 1 }, 5),
    ];
    await expect.poll(() => followers()).toBe(4);
    await log.append({ key, value: 'd' });
    await log.append([
      { key: newKey(), value: 'x' },
      { key, value: 'e' },
    ]);
    expect((await Promise.all(waiting)).map((records) => values(records).join(''))).toEqual([
      'de',
      'bcde',
      'cde',
      'abcde',
    ]);
    const idle = follow({}, 1);
    setTimeout(() => stop.abort(), 50);
    expect(await idle).toEqual([]);
  });

  it('reads and follows many keys, prefixes and everything in the order of the log', async () => {
    const prefix = `many-${newKey()}-`;
    const { startSequence } = await log.append(
      ['b1', 'a1', 'b2', 'c1', 'a2'].map((value) => ({ key: prefix + value[0]!, value })),
    );
    const read = async (keys: object, options = {}) => values(await all(log.read(keys, options)));
    expect(await read({ prefixes: [prefix] })).toEqual(['b1', 'a1', 'b2', 'c1', 'a2']);
    expect(await read({ keys: [`${prefix}a`], prefixes: [`${prefix}b`] }, { last: 3 })).toEqual(['a1', 'b2', 'a2']);
    expect(await read({ prefixes: [prefix] }, { reverse: true, limit: 2 })).toEqual(['a2', 'c1']);
    expect(await read({}, { start: startSequence })).toEqual(['b1', 'a1', 'b2', 'c1', 'a2']);
    const [first] = await all(log.read({ prefixes: [prefix] }), 1);
    expect(text(first!.key)).toBe(`${prefix}b`);
    await expect(all(log.read({ keys: [] }))).rejects.toMatchObject({ code: 'invalid_input' });
    await log.flush();
    expect(await read({ prefixes: [prefix] }, { onlyDurable: true, last: 1 })).toEqual(['a2']);

    const waiting = [
      all(log.tail({ prefixes: [prefix] }), 2),
      all(log.tail({}, { last: 1, onlyDurable: true }), 3),
      all(log.tail({ keys: [`${prefix}x`, `${prefix}a`] }, { start: startSequence }), 3),
    ];
    await expect.poll(() => followers()).toBe(3);
    await log.append({ key: `${prefix}y`, value: 'y' });
    await log.append({ key: `${prefix}x`, value: 'x' });
    expect((await Promise.all(waiting)).map(values)).toEqual([
      ['y', 'x'],
      ['a2', 'y', 'x'],
      ['a1', 'a2', 'x'],
    ]);
  });

  it('refuses what cannot be stored, in the same words', async () => {
    const invalid = (promise: Promise<unknown>) =>
      expect(promise).rejects.toMatchObject({ name: 'LogClientError', code: 'invalid_input', mayBeWritten: false });
    await invalid(log.append({ key: 'k'.repeat(65_536), value: '' }));
    await invalid(log.append({ key: 'k', value: '', timestampMs: 1.5 }));
    await invalid(log.append({ key: 'k', value: '', headers: [{ name: '', value: '' }] }));
  });

  it('refuses arguments by field and reason, before anything is asked', async () => {
    const wrong = (value: unknown) => value as never;
    const bad: [reason: RegExp, call: () => Promise<unknown>][] = [
      [/^key: expected a string or a Uint8Array, found undefined$/, () => log.count(wrong(undefined))],
      [/^key: expected a string or a Uint8Array, found 7$/, () => log.inspect(wrong(7))],
      [/^key: expected at most 65535 bytes, found 65536$/, () => log.count('k'.repeat(65_536))],
      [/^end: expected a whole number of 0 or more, found -1$/, () => log.count('k', { end: -1 })],
      [/^start: expected a whole number of 0 or more, found 0\.5$/, () => log.segments({ start: 0.5 })],
      [/^limit: expected .*, found -1$/, () => all(log.read('k', { limit: -1 }))],
      [/^last: expected .*, found NaN$/, () => all(log.read({}, { last: Number.NaN }))],
      [/^start: expected .*, found a string$/, () => all(log.tail('k', { start: wrong('1') }))],
      [/^expected one place to begin, found start and last$/, () => all(log.tail('k', { start: 0, last: 3 }))],
      [/^keys: expected a key, or an object with keys and prefixes, found null$/, () => all(log.read(wrong(null)))],
      [/^prefixes\[1\]: expected a string/, () => all(log.read({ prefixes: ['a', wrong(1)] }))],
      [/^prefix: unknown field, expected keys or prefixes$/, () => all(log.read(wrong({ prefix: ['a'] })))],
      [/^limit: expected .*, found -5$/, () => all(log.keys({ limit: -5 }))],
      [/^prefix: expected a string or a Uint8Array, found an object$/, () => all(log.keys({ prefix: wrong({}) }))],
      [/^atLeast: expected .*, found -1$/, () => log.watermark({ atLeast: -1 })],
      [/^record: expected an object with key and value, found undefined$/, () => log.append(wrong(undefined))],
      [/^value: expected .*, found 1$/, () => log.append({ key: 'k', value: wrong(1) })],
      [
        /^awaitDurable: expected true or false, found a string$/,
        () => log.append({ key: 'k', value: '' }, { awaitDurable: wrong('no') }),
      ],
      [/^allowDuplicates: expected true/, () => log.append({ key: 'k', value: '' }, { allowDuplicates: wrong(1) })],
      [/^reverse: expected true or false, found null$/, () => all(log.read('k', { reverse: wrong(null) }))],
      [/^onlyDurable: expected true/, () => all(log.tail('k', { onlyDurable: wrong('false') }))],
      [/^headers: expected a list/, () => log.append({ key: 'k', value: '', headers: wrong({}) })],
      [/^headers\[0\]: expected an object/, () => log.append({ key: 'k', value: '', headers: wrong(['a']) })],
      [
        /^headers\[0\]\.name: expected text that is not empty, found 1$/,
        () => log.append({ key: 'k', value: '', headers: wrong([{ name: 1, value: '' }]) }),
      ],
      [
        /^headers\[0\]\.value: expected a string or a Uint8Array, found undefined$/,
        () => log.append({ key: 'k', value: '', headers: wrong([{ name: 'n' }]) }),
      ],
    ];
    for (const [message, call] of bad) {
      const refused = { name: 'LogClientError', code: 'invalid_input', message: expect.stringMatching(message) };
      await expect(call()).rejects.toMatchObject(refused);
    }
  });

  it('rejects with the reason of a signal, and ends iterations', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(log.append({ key: 'k', value: 'v' }, { signal })).rejects.toBe(reason);
    await expect(log.count('k', { signal })).rejects.toBe(reason);
    await expect(log.flush({ signal })).rejects.toBe(reason);
    expect(await all(log.read('k', { signal }))).toEqual([]);
    expect(await all(log.tail('k', { signal }))).toEqual([]);
    const late = AbortSignal.timeout(30);
    const error: unknown = await log.watermark({ atLeast: 1e15, signal: late }).catch((caught: unknown) => caught);
    expect(error).toBe(late.reason);
  });

  describe('a producer', () => {
    it('batches, acknowledges every record with its sequence, and keeps the order of each key', async () => {
      const names = Array.from({ length: 20 }, newKey);
      const producer = log.producer({ lingerMs: 1, maxBatchRecords: 64, maxPendingBytes: 256 * 1024 });
      const tickets: Promise<number>[] = [];
      let mostPending = 0;
      for (let i = 0; i < 2000; i++) {
        const { acknowledged } = await producer.append({ key: names[i % 20]!, value: String(i) });
        tickets.push(acknowledged);
        mostPending = Math.max(mostPending, producer.pendingRecords);
      }
      expect(producer.pendingRecords).toBeGreaterThan(0);
      // Small records count for more than their bytes.
      expect(mostPending).toBeLessThanOrEqual(512);
      await producer.close();
      expect(producer.pendingRecords).toBe(0);
      const sequences = await Promise.all(tickets);
      for (const [k, name] of names.entries()) {
        const records = await all(log.read(name));
        expect(values(records)).toEqual(Array.from({ length: 100 }, (_, i) => String(i * 20 + k)));
        expect(records.map(({ sequence }) => sequence)).toEqual(sequences.filter((_, i) => i % 20 === k));
      }
      await expect(producer.append({ key: 'k', value: 'v' })).rejects.toMatchObject({ code: 'closed' });
      await producer.close();
    });

    it('sends a record that is alone after its linger, and at once when it is flushed', async () => {
      await using producer = log.producer({ lingerMs: 3_600_000 });
      const { acknowledged } = await producer.append({ key: newKey(), value: 'v' });
      await producer.flush();
      expect(await acknowledged).toBeGreaterThan(0);
      const soon = log.producer({ lingerMs: 1 });
      expect(await (await soon.append({ key: newKey(), value: 'v' })).acknowledged).toBeGreaterThan(0);
    });

    it.each([
      ['lingerMs', -1, 'from 0 to 2147483647, found -1'],
      ['maxBatchRecords', 0, 'of 1 or more, found 0'],
      ['maxBatchBytes', 0.5, 'of 1 or more, found 0.5'],
      ['maxPendingBytes', 'x', 'of 1 or more, found a string'],
      ['maxInFlight', 0, 'of 1 or more, found 0'],
      ['retryTimeoutMs', -1, 'of 0 or more, found -1'],
    ])('refuses %s: %j', (name, value, reason) => {
      const message = `${name}: expected a whole number ${reason}`;
      const refused = expect.objectContaining({ code: 'invalid_input', message });
      expect(() => log.producer({ [name]: value })).toThrow(refused);
    });

    it.each(['session', 'awaitDurable', 'allowDuplicates'])('refuses %s: "false"', (name) => {
      const message = `${name}: expected true or false, found a string`;
      const refused = expect.objectContaining({ code: 'invalid_input', message });
      expect(() => log.producer({ [name]: 'false' })).toThrow(refused);
    });

    it('refuses a wrong record alone', async () => {
      await using producer = log.producer();
      await expect(producer.append({ key: 'k'.repeat(70_000), value: '' })).rejects.toMatchObject({
        code: 'invalid_input',
      });
      expect(await (await producer.append({ key: newKey(), value: 'v' })).acknowledged).toBeGreaterThan(0);
    });
  });

  it('is closed once and for all', async () => {
    const tail = all(log.tail(newKey()));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await log.close();
    await log.close();
    expect(await tail).toEqual([]);
    await expect(log.append({ key: 'k', value: 'v' })).rejects.toThrow(LogClientError);
    await expect(log.count('k')).rejects.toMatchObject({ code: 'closed' });
    await expect(all(log.read('k'))).rejects.toMatchObject({ code: 'closed' });
  });
});
