import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, databases, startOn, type Workspace } from '../support/databases.ts';
import { seededRandom } from '../support/random.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { WRITE_HEADERS } from '../support/timeseries-witness.ts';

let workspace: Workspace;
beforeAll(() => {
  workspace = createWorkspace();
});
afterAll(() => workspace.remove());

const bytes = (data: Uint8Array) => new Uint8Array(data);
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('opendata-timeseries', () => {
  const [timeseries] = databases;
  let server: ServerProcess;
  let before = '';
  beforeAll(async () => {
    server = await startOn(timeseries!, workspace, 'storage: {type: InMemory}\nretention: 30d\n');
    expect((await write(request(['__name__', 'kept'], 1))).status).toBe(204);
    before = await state();
  });
  afterAll(async () => {
    expect(await server.kill('SIGTERM')).toBe(0);
  });

  const now = Date.now();
  const request = (labels: string[], value: number, timestampMs = now) =>
    encodeWriteRequest({ series: [{ labels, samples: [{ timestampMs, value }] }] });
  const write = (message: Uint8Array) =>
    fetch(`${server.url}/api/v1/write`, {
      method: 'POST',
      headers: WRITE_HEADERS,
      body: bytes(snappyCompress(message)),
    });
  const state = async () => {
    const answer = await fetch(
      `${server.url}/api/v1/query?query=${encodeURIComponent('{__name__!=""}')}&time=${now / 1000}`,
    );
    return JSON.stringify(((await answer.json()) as { data: unknown }).data);
  };

  it('answers 400 to every beginning of a message and to random bytes, or takes them; never anything else', async () => {
    const random = seededRandom(7);
    const whole = encodeWriteRequest({
      series: [{ labels: ['__name__', 'm', 'a', 'b'], samples: [{ timestampMs: 1, value: 1 }] }],
    });
    const bodies = Array.from({ length: 300 }, (_, i) => {
      if (i < whole.length) return snappyCompress(whole.subarray(0, i));
      const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256));
      return i % 2 === 0 ? noise : snappyCompress(noise);
    });
    for (const body of bodies) {
      const response = await fetch(`${server.url}/api/v1/write`, {
        method: 'POST',
        headers: WRITE_HEADERS,
        body: bytes(body),
      });
      expect([204, 400, 413]).toContain(response.status);
      if (response.status === 204) expect([...body.subarray(0, 1)]).toEqual([0]);
      else expect((await response.text()).length).toBeGreaterThan(5);
    }
    expect(await state()).toBe(before);
  });

  it.each<[what: string, message: () => Uint8Array, says: RegExp]>([
    ['no labels at all', () => request([], 1), /without a metric name/],
    ['an empty metric name', () => request(['__name__', ''], 1), /without a metric name/],
    ['a year ahead', () => request(['__name__', 'ahead'], 1, now + 365 * 86_400_000), /in the future/],
    ['the last of all times', () => request(['__name__', 'last'], 1, Number.MAX_SAFE_INTEGER), /out of range/],
    ['the first of all times', () => request(['__name__', 'first'], 1, Number.MIN_SAFE_INTEGER), /out of/],
    [
      'older than the retention',
      () => request(['__name__', 'old'], 1, now - 31 * 86_400_000),
      /older than the retention/,
    ],
  ])('refuses a sample with %s', async (_what, message, says) => {
    const response = await write(message());
    expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(says)]);
    expect(await state()).toBe(before);
  });

  it('takes NaN, infinities, labels out of order, UTF-8 names and a label value of 1 MB', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect((await write(request(['__name__', `special_${value}`], value))).status).toBe(204);
      const answer = await fetch(
        `${server.url}/api/v1/query?query=${encodeURIComponent(`{__name__="special_${value}"}`)}&time=${now / 1000}`,
      );
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      expect(data.result[0]!.value[1]).toBe(String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf'));
    }
    expect((await write(request(['z', '1', '__name__', 'unsorted', 'a', '2'], 1))).status).toBe(204);
    expect((await write(request(['__name__', 'größe', 'é-b', 'x'], 1))).status).toBe(204);
    expect((await write(request(['__name__', 'long', 'a', 'x'.repeat(1_000_000)], 1))).status).toBe(204);
  });

  it.each<[what: string, path: string, form: Record<string, string> | undefined, error: RegExp]>([
    ['no query', 'query', undefined, /no expression found/],
    ['10,000 brackets', 'query', { query: `${'('.repeat(10_000)}1${')'.repeat(10_000)}` }, /nested too deeply/],
    ['20,000 minus signs', 'query', { query: `${'-'.repeat(20_000)}1` }, /nested too deeply/],
    ['a regular expression that is none', 'query?query=up%7Ba%3D~%22(%22%7D', undefined, /missing closing \)/],
    [
      'a regular expression that looks ahead',
      'query?query=up%7Ba%3D~%22(%3F%3Dx)%22%7D',
      undefined,
      /invalid or unsupported Perl syntax/,
    ],
    ['a function that does not exist', 'query?query=nosuch(up)', undefined, /unknown function with name "nosuch"/],
    ['a type that does not fit', 'query?query=rate(up)', undefined, /expected type range vector/],
    ['a query that is not percent-encoded', 'query?query=%zz', undefined, /parse error/],
    ['a time that is none', 'query?query=up&time=1e400', undefined, /cannot parse "1e400" to a valid timestamp/],
    ['a timeout that is none', 'query?query=up&timeout=soon', undefined, /cannot parse "soon" to a valid duration/],
    ['a step over all bounds', 'query_range?query=up&start=0&end=1&step=1e30', undefined, /overflows int64/],
    ['a range without a step', 'query_range?query=up&start=0&end=1', undefined, /invalid parameter "step"/],
    [
      'a range over a range vector',
      'query_range?query=up[1m]&start=0&end=1&step=1',
      undefined,
      /must be Scalar or instant Vector/,
    ],
    ['a start that is none', 'query_range?query=up&start=a&end=1&step=1', undefined, /invalid parameter "start"/],
    ['a match that is no selector', 'series?match[]=rate(up[5m])', undefined, /parse error/],
    ['a match that matches everything', 'series?match[]={}', undefined, /at least one non-empty matcher/],
    ['labels of a broken match', 'labels?match[]=(', undefined, /parse error/],
  ])('answers 400 to %s', async (_what, path, form, error) => {
    const init = form && { method: 'POST', body: new URLSearchParams(form) };
    const response = await fetch(`${server.url}/api/v1/${path}`, init);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect([response.status, await response.json()]).toEqual([
      400,
      { status: 'error', errorType: 'bad_data', error: expect.stringMatching(error) },
    ]);
  });
});

describe('opendata-log', () => {
  const [, log] = databases;
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startOn(log!, workspace, 'storage: {type: InMemory}\n');
    expect((await append(JSON.stringify({ records: [{ key: base64('k'), value: base64('v') }] }))).status).toBe(200);
  });
  afterAll(async () => {
    expect(await server.kill('SIGTERM')).toBe(0);
  });
  const append = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    fetch(`${server.url}/api/v1/log/append`, { method: 'POST', headers: { 'content-type': type }, body });
  const nextSequence = async () =>
    ((await (await fetch(`${server.url}/api/v1/log/scan?key=k`)).json()) as { nextSequence: number }).nextSequence;

  it.each<[what: string, body: string]>([
    ['JSON cut off', '{"records":[{"key":"aw==","va'],
    ['JSON with something behind it', '{"records":[]} {}'],
    ['JSON nested 100,000 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['null', 'null'],
    ['a record that is null', '{"records":[null]}'],
    ['a key that is a number', '{"records":[{"key":1,"value":""}]}'],
    ['base64 with a blank in it', '{"records":[{"key":"a w=","value":""}]}'],
    ['base64 of an impossible length', '{"records":[{"key":"a","value":""}]}'],
    [
      'one bad record behind a thousand good ones',
      `{"records":[${'{"key":"aw==","value":""},'.repeat(1000)}{"key":"aw=="}]}`,
    ],
  ])('answers 400 to %s and appends nothing', async (_what, body) => {
    const response = await append(body);
    expect([response.status, await response.json()]).toEqual([
      400,
      { status: 'error', message: expect.stringMatching(/\w{3}/) },
    ]);
    expect(await nextSequence()).toBe(1);
  });

  it('answers 400 to random protobuf, or takes it as empty; never anything else', async () => {
    const random = seededRandom(8);
    for (let i = 0; i < 200; i++) {
      const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 300) }, () => Math.floor(random() * 256));
      const response = await append(noise, 'application/protobuf');
      const answer = (await response.json()) as { status: string; recordsAppended?: number };
      if (response.status === 200) expect(answer.recordsAppended).toBe(0);
      else expect([response.status, answer]).toEqual([400, { status: 'error', message: expect.any(String) }]);
    }
    expect(await nextSequence()).toBe(1);
  });

  it.each([
    'start_seq=-1',
    'start_seq=1.5',
    'start_seq=1e3',
    'start_seq=',
    'start_seq=0x10',
    'end_seq=99999999999999999999',
    'limit=-1',
    'limit=NaN',
    'timeout_ms=-1',
    'follow=1',
    'key=again',
  ])('answers 400 to scan with %s, naming the parameter', async (parameter) => {
    const response = await fetch(`${server.url}/api/v1/log/scan?key=k&${parameter}`);
    const { message } = (await response.json()) as { message: string };
    expect([response.status, message]).toEqual([400, expect.stringContaining(parameter.split('=')[0]!)]);
  });

  it('takes the largest sequences as what they are: beyond the end', async () => {
    for (const parameter of ['start_seq=9007199254740993', 'start_seq=18446744073709551615']) {
      const response = await fetch(`${server.url}/api/v1/log/scan?key=k&${parameter}`);
      expect([response.status, await response.json()]).toMatchObject([200, { values: [] }]);
    }
  });
});
