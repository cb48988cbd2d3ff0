import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binPath, type ServerProcess, startOurs } from '../../../test/support/server-process.ts';

const HEADERS = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
const folder = mkdtempSync(join(tmpdir(), 'timeseries-input-'));
const config = join(folder, 'prometheus.yaml');
let server: ServerProcess;

beforeAll(async () => {
  writeFileSync(config, 'storage: {type: InMemory}\nremote_write: {body_size_limit: 1MB}\n');
  server = await startOurs('opendata-timeseries', ['--config', config]);
});
afterAll(async () => {
  expect(await server.kill('SIGTERM')).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

async function post(body: Uint8Array, headers: Record<string, string> = HEADERS) {
  const response = await fetch(`${server.url}/api/v1/write`, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
}

async function seriesCount(): Promise<number> {
  const response = await fetch(`${server.url}/api/v1/series?match[]=${encodeURIComponent('{__name__=~".+"}')}`);
  return ((await response.json()) as { data: unknown[] }).data.length;
}

const good = { labels: ['__name__', 'good'], samples: [{ timestampMs: Date.now(), value: 1 }] };
const request = (...labels: string[][]) =>
  encodeWriteRequest({ series: [good, ...labels.map((l) => ({ labels: l, samples: good.samples }))] });
const wholeRequest = request(['__name__', 'm', 'a', 'b']);

describe('a remote write with', () => {
  const inTheFuture = encodeWriteRequest({
    series: [good, { ...good, samples: [{ timestampMs: Date.now() + 3_600_000, value: 1 }] }],
  });
  it.each<[string, Uint8Array, Record<string, string>, number, string]>([
    ['a body that is not snappy', Buffer.from('certainly not snappy'), HEADERS, 400, 'snappy'],
    ['no body', new Uint8Array(0), HEADERS, 400, 'snappy'],
    ['snappy of something else', snappyCompress(Buffer.from([255, 255, 255, 1])), HEADERS, 400, 'protobuf'],
    ['a truncated message', snappyCompress(wholeRequest.subarray(0, wholeRequest.length - 3)), HEADERS, 400, ''],
    ['truncated snappy', snappyCompress(wholeRequest).subarray(0, 30), HEADERS, 400, 'snappy'],
    ['a huge claimed length', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]), HEADERS, 413, 'the limit is'],
    ['a body over the limit', new Uint8Array(1_100_000), HEADERS, 413, ''],
    ['a body that grows over the limit', snappyCompress(new Uint8Array(2_000_000)), HEADERS, 413, 'the limit is'],
    ['a metric without a name', snappyCompress(request(['a', 'b'])), HEADERS, 400, 'metric name'],
    ['an empty label name', snappyCompress(request(['__name__', 'm', '', 'b'])), HEADERS, 400, 'label name is empty'],
    [
      'a label twice',
      snappyCompress(request(['__name__', 'm', 'a', '1', 'a', '2'])),
      HEADERS,
      400,
      'label name "a" is not unique',
    ],
    ['a sample in the future', snappyCompress(inTheFuture), HEADERS, 400, 'in the future'],
    [
      'another content type',
      snappyCompress(wholeRequest),
      { ...HEADERS, 'content-type': 'application/json' },
      415,
      'application/x-protobuf',
    ],
    ['another encoding', snappyCompress(wholeRequest), { ...HEADERS, 'content-encoding': 'gzip' }, 415, 'snappy'],
    [
      'the message of another version',
      snappyCompress(wholeRequest),
      { ...HEADERS, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' },
      415,
      'io.prometheus.write.v2.Request',
    ],
  ])('%s is refused and stores nothing', async (_what, body, headers, status, message) => {
    const answer = await post(body, headers);
    expect(answer).toMatchObject({ status });
    expect(answer.text).toContain(message);
    expect(await seriesCount()).toBe(0);
  });

  it('no content type is one of version 1.0, as of the first senders', async () => {
    const answer = await post(snappyCompress(encodeWriteRequest({ series: [] })), { 'content-encoding': 'snappy' });
    expect(answer.status).toBe(204);
  });

  it('100 MB of zeros is refused before it is read', async () => {
    const answer = await post(new Uint8Array(100 * 1024 * 1024)).catch(() => ({ status: 413 }));
    expect(answer.status).toBe(413);
    expect((await fetch(`${server.url}/-/healthy`)).status).toBe(200);
  });

  it('bytes that are not UTF-8 is refused', async () => {
    const bytes = wholeRequest.slice();
    bytes[bytes.lastIndexOf(0x62)] = 0xff;
    expect(await post(snappyCompress(bytes))).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^label value is not valid UTF-8 for series .*index 1/),
    });
    expect(await seriesCount()).toBe(0);
  });
});

describe('a query with', () => {
  it.each([
    ['query?query=sum(', 400, 'bad_data', 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'],
    [
      'query?query=up&time=yesterday',
      400,
      'bad_data',
      'invalid parameter "time": invalid time value for \'time\': cannot parse "yesterday" to a valid timestamp',
    ],
    ['query?query=up&timeout=0', 400, 'bad_data', 'invalid parameter "timeout": timeout must be positive, got 0s'],
    ['query?query=up&limit=-1', 400, 'bad_data', 'invalid parameter "limit": limit must be non-negative'],
    [
      'query_range?query=up&start=10&end=5&step=1',
      400,
      'bad_data',
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    [
      'query_range?query=up&start=0&end=5&step=0',
      400,
      'bad_data',
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    [
      'query_range?query=up&start=0&end=11001&step=1',
      400,
      'bad_data',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    ['series', 400, 'bad_data', 'no match[] parameter provided'],
    ['labels?match[]={}', 400, 'bad_data', 'match[] must contain at least one non-empty matcher'],
  ])('%s is answered %d', async (path, status, errorType, error) => {
    const response = await fetch(`${server.url}/api/v1/${path}`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ status: 'error', errorType, error });
  });

  it.each(['application/json', 'text/plain', 'multipart/form-data', 'application/octet-stream'])(
    'a body of type %s, which is no form, is answered as one without a body',
    async (type) => {
      const request = { method: 'POST', headers: { 'content-type': type }, body: 'query=2' };
      const response = await fetch(`${server.url}/api/v1/query?query=1&time=1`, request);
      expect([response.status, await response.json()]).toEqual([
        200,
        { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } },
      ]);
    },
  );

  it('a fault of federation is plain text', async () => {
    const response = await fetch(`${server.url}/federate?match[]=up{`);
    expect([response.status, await response.text()]).toEqual([
      400,
      '1:4: parse error: unexpected end of input inside braces\n',
    ]);
  });

  it('an unknown path or method is answered as by Prometheus', async () => {
    const unknown = await fetch(`${server.url}/api/v1/nosuch`);
    expect([unknown.status, await unknown.text()]).toEqual([404, '404 page not found\n']);
    const method = await fetch(`${server.url}/api/v1/query`, { method: 'DELETE' });
    expect([method.status, await method.text()]).toEqual([405, 'Method Not Allowed\n']);
    const options = await fetch(`${server.url}/api/v1/query`, { method: 'OPTIONS', headers: { origin: 'http://x' } });
    expect([options.status, options.headers.get('access-control-allow-origin')]).toEqual([204, 'http://x']);
  });
});

describe('a start with', () => {
  const start = (...args: string[]) =>
    spawnSync(process.execPath, [binPath('opendata-timeseries'), ...args], { encoding: 'utf8', timeout: 20_000 });
  const written = (yaml: string) => {
    const path = join(folder, 'wrong.yaml');
    writeFileSync(path, yaml);
    return path;
  };

  it('a wrong configuration names the place and ends with code 2', () => {
    const { status, stderr } = start('--config', written('global:\n  scrape_intervall: 5s\n'));
    expect(status).toBe(2);
    expect(stderr).toContain('wrong.yaml:2:3: global.scrape_intervall: unknown key');
  });

  it('--check-config tells good from bad', () => {
    expect(start('--check-config', '--config', config)).toMatchObject({ status: 0 });
    expect(start('--check-config', '--config', written('retention: soon\n'))).toMatchObject({ status: 2 });
    expect(start('--config', join(folder, 'missing.yaml'))).toMatchObject({ status: 2 });
    expect(start('--nosuch')).toMatchObject({ status: 2 });
  });
});
