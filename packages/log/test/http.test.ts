import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Format } from './client.testing.ts';
import { metricOf, type ServerProcess, startServer } from './server-process.testing.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
});
afterAll(async () => {
  await server.stop();
});

const binaryKey = '\u0000\u00ff\u00fe key';
const binaryKeyBase64 = encodeURIComponent(Buffer.from(binaryKey, 'latin1').toString('base64'));

describe.each<Format>(['json', 'protobuf'])('routes in %s', (format) => {
  it('append, scan, count, keys and segments agree', async () => {
    const client = createClient(server.url, format);
    const mine = `${format}-mine`;
    const first = await client.append([
      [mine, 'one'],
      [`${format}-other`, 'x'],
      [mine, ''],
    ]);
    expect(first.count).toBe(3);
    const second = await client.append([[mine, 'three']], true);
    expect(second).toEqual({ count: 1, start: first.start + 3 });
    expect(await client.scan(`key=${mine}`)).toEqual({
      values: [
        { sequence: first.start, value: 'one' },
        { sequence: first.start + 2, value: '' },
        { sequence: first.start + 3, value: 'three' },
      ],
      nextSequence: first.start + 4,
    });
    expect(await client.scan(`key=${mine}&limit=2`)).toMatchObject({ nextSequence: first.start + 3 });
    expect(await client.count(`key=${mine}`)).toBe(3);
    expect(await client.count(`key=${mine}&start_seq=${first.start + 1}&end_seq=${first.start + 3}`)).toBe(1);
    expect(await client.keys('limit=1000')).toEqual(expect.arrayContaining([mine, `${format}-other`]));
    expect(await client.keys(`prefix=${format}-m`)).toEqual([mine]);
    expect(await client.segments()).toMatchObject([{ id: 1, startSeq: 0 }]);
    expect((await client.segments())[0]!.startTimeMs).toBeGreaterThan(1.7e12);
  });

  it('counts the same for a request that is for the full parser', async () => {
    const path = `${server.url}/api/v1/log/count?key=${format}-mine`;
    const accept = format === 'json' ? 'application/json' : 'application/protobuf';
    const answers = [{ accept }, { accept, 'x-other': '1' }].map(async (headers) => {
      const answer = await fetch(path, { headers });
      return [answer.status, answer.headers.get('content-type'), await answer.text()];
    });
    const [quick, full] = await Promise.all(answers);
    expect([full, quick![0]]).toEqual([quick, 200]);
  });

  it('answers 415 to a body that is encoded', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const body = JSON.stringify({ records: [] });
    const answer = await fetch(`${server.url}/api/v1/log/append`, { method: 'POST', headers, body });
    expect([answer.status, await answer.text()]).toEqual([415, expect.stringContaining('Content-Encoding')]);
  });

  it('answers an empty batch with success and sequence 0', async () => {
    expect(await createClient(server.url, format).append([])).toEqual({ count: 0, start: 0 });
  });

  it('has a default limit of 32', async () => {
    const client = createClient(server.url, format);
    const { start } = await client.append(Array.from({ length: 40 }, () => [`${format}-many`, 'v'] as const));
    const page = await client.scan(`key=${format}-many`);
    expect([page.values.length, page.nextSequence]).toEqual([32, start + 32]);
    expect((await client.scan(`key=${format}-many&start_seq=${page.nextSequence}`)).values.length).toBe(8);
  });

  it('reads binary keys by key_b64 and by percent-encoded bytes', async () => {
    const client = createClient(server.url, format);
    const { start } = await client.append([[binaryKey, format]]);
    const expected = [{ sequence: start, value: format }];
    expect((await client.scan(`key_b64=${binaryKeyBase64}&start_seq=${start}`)).values).toEqual(expected);
    expect((await client.scan(`key=%00%ff%FE+key&start_seq=${start}`)).values).toEqual(expected);
  });

  it('takes a 64-bit end', async () => {
    const client = createClient(server.url, format);
    await client.append([[`${format}-end`, 'v']]);
    expect((await client.scan(`key=${format}-end&end_seq=18446744073709551615`)).values.length).toBe(1);
  });

  it('wakes a follower when its key gets a record', async () => {
    const client = createClient(server.url, format);
    const { nextSequence } = await client.scan(`key=${format}-tail`);
    const waiting = client.scan(`key=${format}-tail&start_seq=${nextSequence}&follow=true&timeout_ms=30000`);
    await expect.poll(() => metricOf(server.url, 'log_followers')).toBe(1);
    await client.append([[`${format}-elsewhere`, 'not this']]);
    const { start } = await client.append([[`${format}-tail`, 'this']]);
    expect(await waiting).toEqual({ values: [{ sequence: start, value: 'this' }], nextSequence: start + 1 });
  });

  it('answers a follower with what is there already, and empty at the time-out, at the frontier', async () => {
    const client = createClient(server.url, format);
    const { start } = await client.append([[`${format}-there`, 'v']]);
    const there = await client.scan(`key=${format}-there&follow=true&timeout_ms=30000`);
    expect(there.values).toEqual([{ sequence: start, value: 'v' }]);
    const waiting = client.scan(`key=${format}-idle&follow=true&timeout_ms=2000`);
    const last = await client.append([[`${format}-there`, 'v']]);
    expect(await waiting).toEqual({ values: [], nextSequence: last.start + 1 });
    expect((await client.scan(`key=${format}-idle&follow=true&timeout_ms=0`)).values).toEqual([]);
  });

  it('pages through a key to its end while others are written', async () => {
    const client = createClient(server.url, format);
    const expected: string[] = [];
    for (let i = 0; i < 20; i++) {
      const batch = Array.from(
        { length: 10 },
        (_, j) => [j % 3 === 0 ? `${format}-paged` : 'noise', `${i}-${j}`] as const,
      );
      expected.push(...batch.filter(([key]) => key === `${format}-paged`).map(([, value]) => value));
      await client.append(batch);
    }
    const found: string[] = [];
    for (let next = 0; ; ) {
      const page = await client.scan(`key=${format}-paged&start_seq=${next}&limit=7`);
      if (page.values.length === 0) break;
      found.push(...page.values.map(({ value }) => value));
      next = page.nextSequence;
    }
    expect(found).toEqual(expected);
  });
});

describe('timestamps and headers', () => {
  const post = (body: object) =>
    fetch(`${server.url}/api/v1/log/append`, { method: 'POST', body: JSON.stringify(body) });
  const scan = async (query: string) => await fetch(`${server.url}/api/v1/log/scan?${query}`);
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it('come back with their record, with the time of its arrival', async () => {
    const headers = [{ name: 'trace', value: base64('abc') }];
    const before = Date.now();
    const records = [
      { key: base64('attributes'), value: base64('one'), timestampMs: 5, headers },
      { key: base64('attributes'), value: base64('two') },
    ];
    expect((await post({ records })).status).toBe(200);
    const { values } = (await (await scan('key=attributes&arrival_times=true')).json()) as {
      values: { arrivalTimeMs: number }[];
    };
    expect(values).toMatchObject([{ value: base64('one'), timestampMs: 5, headers }, { value: base64('two') }]);
    expect(Object.keys(values[1]!)).toEqual(['sequence', 'value', 'arrivalTimeMs']);
    for (const { arrivalTimeMs } of values) expect(arrivalTimeMs).toBeGreaterThanOrEqual(before);
    const plain = (await (await scan('key=attributes')).json()) as { values: object[] };
    expect(Object.keys(plain.values[1]!)).toEqual(['sequence', 'value']);
    const later = `key=attributes&start_time_ms=${Date.now() + 1_000_000}`;
    expect(await (await scan(later)).json()).toMatchObject({ values: [] });
    expect(await (await scan(`key=attributes&start_time_ms=${before}&arrival_times=true`)).json()).toMatchObject({
      values,
    });
  });

  it.each<Format>(['json', 'protobuf'])('do not disturb the %s of old clients', async (format) => {
    const client = createClient(server.url, format);
    await post({ records: [{ key: base64(`old-${format}`), value: base64('v'), headers: [{ name: 'h' }] }] });
    expect((await client.scan(`key=old-${format}`)).values).toMatchObject([{ value: 'v' }]);
  });

  it('reads the last ones, and backwards', async () => {
    const client = createClient(server.url, 'json');
    const { start } = await client.append(Array.from({ length: 50 }, (_, i) => ['back', `${i}`] as const));
    const values = (page: { values: { value: string }[] }) => page.values.map(({ value }) => Number(value));
    expect(values(await client.scan('key=back&tail=3'))).toEqual([47, 48, 49]);
    expect(values(await client.scan('key=back&tail=40'))).toHaveLength(40);
    const newest = await client.scan('key=back&reverse=true&limit=20');
    expect(values(newest)).toEqual(Array.from({ length: 20 }, (_, i) => 49 - i));
    expect(newest.nextSequence).toBe(start + 30);
    const older = await client.scan(`key=back&reverse=true&end_seq=${newest.nextSequence}&limit=40`);
    expect(values(older)).toEqual(Array.from({ length: 30 }, (_, i) => 29 - i));
    expect((await client.scan('key=back&tail=3&follow=true')).values).toHaveLength(3);
    expect((await scan('key=back&reverse=true&follow=true')).status).toBe(400);
    expect((await scan('key=back&tail=-1')).status).toBe(400);
  });
});

describe('inspect', () => {
  it('tells what a key costs', async () => {
    await createClient(server.url, 'json').append([
      ['inspected', 'v'],
      ['inspected', 'v'],
    ]);
    const response = await fetch(`${server.url}/api/v1/log/inspect?key=inspected`);
    const segments = [{ id: 1, sealed: false, count: 2, pages: 0 }];
    expect(await response.json()).toEqual({ status: 'success', total: 2, pages: 0, segments });
  });
});

describe('durability', () => {
  it('is reached by a flush, and can be waited for', async () => {
    const client = createClient(server.url, 'json');
    const { start } = await client.append([['durability', 'v']]);
    const get = async (query: string) => (await fetch(`${server.url}/api/v1/log/durable?${query}`)).json();
    expect(await get(`min_seq=${start + 1}`)).toMatchObject({ status: 'success', durableSequence: start + 1 });
    const waiting = get(`min_seq=${start + 3}&timeout_ms=60000`);
    expect(await get(`min_seq=${start + 3}&timeout_ms=20`)).toMatchObject({ durableSequence: start + 1 });
    await client.append([
      ['durability', 'v'],
      ['durability', 'v'],
    ]);
    const flushed = await (await fetch(`${server.url}/api/v1/log/flush`, { method: 'POST' })).json();
    expect(flushed).toEqual({ status: 'success', durableSequence: start + 3, nextSequence: start + 3 });
    expect(await waiting).toMatchObject({ durableSequence: start + 3 });
  });
});

describe('operations', () => {
  it('answers health, readiness and the metrics of the guide', async () => {
    expect((await fetch(`${server.url}/-/healthy`)).status).toBe(200);
    expect((await fetch(`${server.url}/-/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    for (const name of [
      'log_append_records_total',
      'log_append_bytes_total',
      'log_records_scanned_total',
      'log_bytes_scanned_total',
      'log_segments',
      'log_followers',
      'log_durable_lag_records',
      'http_requests_in_flight',
    ]) {
      expect(metrics).toMatch(new RegExp(`^${name} \\d`, 'm'));
    }
    expect(metrics).toMatch(/^http_requests_total\{method="POST",endpoint="\/api\/v1\/log\/append",status="200"\} \d/m);
    expect(metrics).toMatch(/^slatedb_/m);
  });

  it('lets waiting followers go when it stops', async () => {
    const own = await startServer(['--in-memory']);
    const waiting = createClient(own.url, 'json').scan('key=a&follow=true&timeout_ms=60000');
    const durable = fetch(`${own.url}/api/v1/log/durable?min_seq=9&timeout_ms=60000`);
    // Both, and the one that asks.
    await expect.poll(() => metricOf(own.url, 'http_requests_in_flight')).toBe(3);
    await expect.poll(() => metricOf(own.url, 'log_followers')).toBe(1);
    expect(await own.stop()).toBe(0);
    expect((await waiting).values).toEqual([]);
    expect(await (await durable).json()).toMatchObject({ durableSequence: 0 });
  });
});
