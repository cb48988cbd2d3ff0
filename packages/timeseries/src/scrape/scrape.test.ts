import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { isStaleMarker, labelsKey } from '@opendata/promql';
import { createRegistry } from '@opendata/server';
import { openStorage, silentLogger } from '@opendata/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb } from '../db.ts';
import { resolveScrapeJob, type ScrapeConfigFile, scrapeConfigsSchema } from '../model/scrape-config.ts';
import { createScrapeClient, type ScrapeClient, type ScrapeResponse } from './fetch.ts';
import { parseScrape } from './parse-scrape.ts';
import { nextTime } from './scrape-loop.ts';
import { startScraping } from './scrape-manager.ts';
import { ScrapeRecorder } from './scrape-recorder.ts';
import { seriesLabels } from './series-labels.ts';
import { targetHash, targetsOf } from './target.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

function jobOf(config: Partial<ScrapeConfigFile> = {}, targets = ['example:80']) {
  const [parsed] = scrapeConfigsSchema.parse([{ job_name: 'j', static_configs: [{ targets }], ...config }]);
  return resolveScrapeJob({}, parsed!);
}

function text(body: string): ScrapeResponse {
  return { body: Buffer.from(body), contentType: 'text/plain; version=0.0.4' };
}

async function record(
  recorder: ScrapeRecorder,
  response: ScrapeResponse | Error,
  timestampMs: number,
  durationMs: number,
) {
  const result =
    response instanceof Error ? response : await parseScrape(response, jobOf()).catch((error: Error) => error);
  return recorder.record(result, timestampMs, durationMs);
}

let db: TimeSeriesDb;
beforeEach(async () => {
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  db = await TimeSeriesDb.open({ storage, logger: silentLogger, now: () => NOW });
});
afterEach(() => db.close());

/** Every sample by `name{other labels}`: value, or `stale`. */
async function contents(): Promise<Record<string, (number | 'stale')[]>> {
  const matchers = [{ name: '__name__', type: '=~' as const, value: '.+' }];
  const series = await db.select({ matchers, startMs: 0, endMs: NOW + 1e9 });
  return Object.fromEntries(
    series.map(({ labels, values }) => [
      labelsKey(labels).replaceAll('\u{10ffff}', ' ').replace('__name__ ', ''),
      Array.from(values, (value, i) => (isStaleMarker(values, i) ? 'stale' : value)),
    ]),
  );
}

describe('the labels of a scraped series', () => {
  const target = ['instance', 'i', 'job', 'j'];
  it("are the exposed ones and the target's, conflicts renamed", () => {
    const exposed = ['__name__', 'm', 'job', 'own', 'zone', 'z', 'empty', ''];
    expect(seriesLabels(exposed, target, false)).toEqual([
      '__name__',
      'm',
      'exported_job',
      'own',
      'instance',
      'i',
      'job',
      'j',
      'zone',
      'z',
    ]);
    expect(seriesLabels(exposed, target, true)).toEqual(['__name__', 'm', 'instance', 'i', 'job', 'own', 'zone', 'z']);
  });

  it('find a free name when exported_ is taken, and an empty label wins with honor_labels', () => {
    expect(seriesLabels(['__name__', 'm', 'job', 'own', 'exported_job', 'x'], ['job', 'j'], false)).toEqual([
      '__name__',
      'm',
      'exported_exported_job',
      'own',
      'exported_job',
      'x',
      'job',
      'j',
    ]);
    expect(seriesLabels(['__name__', 'm', 'job', ''], ['job', 'j'], true)).toEqual(['__name__', 'm']);
  });
});

describe('targets', () => {
  it('get a URL and labels from the job', () => {
    const job = jobOf({ metrics_path: '/x', scheme: 'https', params: { a: ['1', '2'], b: ['c d'] } });
    const [target] = targetsOf(job).active;
    expect(target!.url).toBe('https://example:80/x?a=1&a=2&b=c+d');
    expect(target!.labels).toEqual(['instance', 'example:80', 'job', 'j']);
    const labelled = jobOf({
      static_configs: [{ targets: ['a:1', 'a:1', 'b:1'], labels: { instance: 'me', __tmp: 'x', z: '' } }],
    });
    expect(targetsOf(labelled).active.map(({ url, labels }) => [url, labels])).toEqual([
      ['http://a:1/metrics', ['instance', 'me', 'job', 'j']],
      ['http://b:1/metrics', ['instance', 'me', 'job', 'j']],
    ]);
  });

  it('are spread over the interval and keep their place', () => {
    const addresses = Array.from({ length: 200 }, (_, i) => `host-${i}:9100`);
    const offsets = targetsOf(jobOf({}, addresses)).active.map((target) => targetHash(target) % 15_000);
    const fifths = [0, 0, 0, 0, 0];
    for (const offset of offsets) fifths[Math.floor(offset / 3000)]!++;
    for (const count of fifths) expect(count).toBeGreaterThan(15);
    expect(nextTime(100_000, 3000, 15_000)).toBe(108_000);
    expect(nextTime(108_000, 3000, 15_000)).toBe(123_000);
  });
});

describe('a scrape', () => {
  it('stores samples and what it says of itself', async () => {
    const recorder = new ScrapeRecorder(targetsOf(jobOf()).active[0]!, db);
    const outcome = await record(recorder, text('# TYPE a counter\na_total{x="1"} 3\nb 4 1500\n'), NOW, 250);
    expect(outcome).toEqual({ scraped: 2, failed: 0, error: undefined });
    expect(await contents()).toEqual({
      'a_total instance example:80 job j x 1': [3],
      'b instance example:80 job j': [4],
      'up instance example:80 job j': [1],
      'scrape_duration_seconds instance example:80 job j': [0.25],
      'scrape_samples_scraped instance example:80 job j': [2],
      'scrape_samples_post_metric_relabeling instance example:80 job j': [2],
      'scrape_series_added instance example:80 job j': [1],
    });
    expect(db.metadata.get('a')).toEqual([{ type: 'counter', help: '', unit: '' }]);
  });

  it('stores the exemplars of OpenMetrics, at the time of their sample where they have none', async () => {
    const recorder = new ScrapeRecorder(targetsOf(jobOf()).active[0]!, db);
    const body = [
      '# TYPE a counter',
      'a_total{x="1"} 3 # {trace_id="t1"} 0.5',
      `a_total{x="2"} 4 # {trace_id="t2"} 0.7 ${NOW / 1000 - 2}`,
      '# EOF\n',
    ].join('\n');
    await record(
      recorder,
      { body: Buffer.from(body), contentType: 'application/openmetrics-text; version=1.0.0' },
      NOW,
      250,
    );
    const found = await db.exemplars([[{ name: '__name__', type: '=', value: 'a_total' }]], NOW - 5000, NOW);
    expect(found.map(({ exemplars }) => exemplars)).toEqual([
      [{ labels: ['trace_id', 't1'], value: 0.5, timestampMs: NOW }],
      [{ labels: ['trace_id', 't2'], value: 0.7, timestampMs: NOW - 2000 }],
    ]);
  });

  it('marks series stale that vanish, not those with their own timestamps', async () => {
    const recorder = new ScrapeRecorder(targetsOf(jobOf()).active[0]!, db);
    await record(recorder, text(`a 1\nb 2\nc 3 ${NOW}\n`), NOW, 1);
    await record(recorder, text('a 1\n'), NOW + 1000, 1);
    await record(recorder, text('a 1\nb 5\n'), NOW + 2000, 1);
    const all = await contents();
    expect(all['a instance example:80 job j']).toEqual([1, 1, 1]);
    expect(all['b instance example:80 job j']).toEqual([2, 'stale', 5]);
    expect(all['c instance example:80 job j']).toEqual([3]);
    expect(all['scrape_series_added instance example:80 job j']).toEqual([2, 0, 1]);
  });

  it.each([
    ['a failed request', new Error('connection refused'), 0],
    ['a malformed body', text('a 1\nb{ 2\n'), 0],
    ['an unknown type', { body: Buffer.from('a 1\n'), contentType: 'text/html' }, 0],
    ['no type', { body: Buffer.from('a 1\n'), contentType: undefined }, 0],
    ['too many samples', text('a 1\nb 1\nc 1\nd 1\n'), 4],
    ['too long a label', text('a{x="12345678901"} 1\n'), 1],
    ['too many labels', text('a{x="1",y="2",z="3"} 1\n'), 1],
    ['too long a label name', text('a{xxxxxxxxxxxxxx="1"} 1\n'), 1],
    ['a label twice', text('a{x="1",x="2"} 1\n'), 1],
  ])('with %s stores nothing but up 0 and staleness markers', async (_what, result, failed) => {
    const limits = { sample_limit: 3, label_limit: 5, label_name_length_limit: 10, label_value_length_limit: 10 };
    const recorder = new ScrapeRecorder(targetsOf(jobOf(limits)).active[0]!, db);
    await record(recorder, text('a 1\n'), NOW, 1);
    const outcome = await record(recorder, result, NOW + 1000, 1);
    expect(outcome.error).toBeInstanceOf(Error);
    expect(outcome).toMatchObject({ scraped: 0, failed });
    await record(recorder, text('a 2\n'), NOW + 2000, 1);
    const all = await contents();
    expect(all['a instance example:80 job j']).toEqual([1, 'stale', 2]);
    expect(all['up instance example:80 job j']).toEqual([1, 0, 1]);
    expect(all['scrape_samples_scraped instance example:80 job j']).toEqual([1, failed, 1]);
    expect(Object.keys(all).length).toBe(6);
  });

  it('drops single samples from the far future', async () => {
    const recorder = new ScrapeRecorder(targetsOf(jobOf()).active[0]!, db);
    const outcome = await record(recorder, text(`a 1\nb 2 ${NOW + 3_600_000}\n`), NOW, 1);
    expect(outcome).toEqual({ scraped: 2, failed: 1, error: undefined });
    expect(Object.keys(await contents())).not.toContain('b instance example:80 job j');
  });

  it('uses its own time where timestamps are not honoured', async () => {
    const recorder = new ScrapeRecorder(targetsOf(jobOf({ honor_timestamps: false })).active[0]!, db);
    await record(recorder, text('a 1 5\n'), NOW, 1);
    const [series] = await db.select({
      matchers: [{ name: '__name__', type: '=', value: 'a' }],
      startMs: 0,
      endMs: NOW,
    });
    expect([...series!.timestamps]).toEqual([NOW]);
  });
});

describe('fetching and looping', () => {
  let server: Server;
  let respond: (request: IncomingMessage, response: ServerResponse) => void;
  let address = '';
  let client: ScrapeClient;

  beforeEach(async () => {
    server = createServer((request, response) => respond(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = createScrapeClient('test/1');
  });
  afterEach(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const fetchTarget = (config: Partial<ScrapeConfigFile> = {}, timeoutMs = 60_000) =>
    client.fetch(targetsOf(jobOf(config, [address])).active[0]!, AbortSignal.timeout(timeoutMs));

  it('asks for OpenMetrics and text, names itself, and reads gzip', async () => {
    let headers: IncomingMessage['headers'] = {};
    respond = (request, response) => {
      headers = request.headers;
      response.setHeader('content-encoding', 'gzip').setHeader('content-type', 'text/plain').end(gzipSync('up 1\n'));
    };
    const { body, contentType } = await fetchTarget();
    expect(body.toString()).toBe('up 1\n');
    expect(contentType).toBe('text/plain');
    expect(headers['user-agent']).toBe('test/1');
    expect(headers.accept).toContain('application/openmetrics-text');
    expect(headers['accept-encoding']).toBe('gzip');
    expect(headers['x-prometheus-scrape-timeout-seconds']).toBe('10');
  });

  it('follows redirects, but not for ever', async () => {
    respond = (request, response) => {
      if (request.url === '/metrics') response.writeHead(302, { location: '/other' }).end();
      else if (request.url === '/other') response.end('ok 1\n');
      else response.writeHead(302, { location: request.url! }).end();
    };
    expect((await fetchTarget()).body.toString()).toBe('ok 1\n');
    await expect(fetchTarget({ metrics_path: '/loop' })).rejects.toThrow('stopped after 10 redirects');
    await expect(fetchTarget({ follow_redirects: false })).rejects.toThrow('server returned HTTP status 302 Found');
  });

  it('leaves answers without an end that it has no use for', async () => {
    let open = 0;
    respond = (_request, response) => {
      open++;
      response.on('close', () => open--).writeHead(500);
      const send = () => {
        if (response.destroyed) return;
        response.write('x'.repeat(10_000));
        setTimeout(send, 1);
      };
      send();
    };
    for (let i = 0; i < 3; i++) await expect(fetchTarget()).rejects.toThrow('HTTP status 500');
    await expect.poll(() => open).toBe(0);
    respond = (_request, response) => {
      open++;
      response
        .on('close', () => open--)
        .writeHead(500)
        .write('and then nothing');
    };
    await expect(fetchTarget()).rejects.toThrow('HTTP status 500');
    await expect.poll(() => open).toBe(0);
  });

  it('gives up on errors, large bodies and broken answers', async () => {
    respond = (_request, response) => response.writeHead(503).end('no');
    await expect(fetchTarget()).rejects.toThrow('server returned HTTP status 503 Service Unavailable');
    respond = (_request, response) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(100_000, 'a')));
    await expect(fetchTarget({ body_size_limit: 50_000 })).rejects.toThrow('body size limit of 50000 bytes exceeded');
    respond = (_request, response) => response.setHeader('content-encoding', 'gzip').end('not gzip');
    await expect(fetchTarget()).rejects.toThrow('incorrect header check');
    respond = (_request, response) => response.setHeader('content-encoding', 'br').end('x');
    await expect(fetchTarget()).rejects.toThrow('unsupported content encoding "br"');
    respond = (_request, response) => {
      response.setHeader('content-length', 100).write('half');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(fetchTarget()).rejects.toThrow();
    respond = () => {};
    await expect(fetchTarget({}, 100)).rejects.toThrow('aborted due to timeout');
  });

  it('waits for intervals that no timer is as long as', async () => {
    let scrapes = 0;
    respond = (_request, response) => {
      scrapes++;
      response.setHeader('content-type', 'text/plain').end('a 1\n');
    };
    const rare = { ...jobOf({}, [address]), intervalMs: 100 * 86_400_000 };
    const registry = createRegistry();
    const manager = startScraping({ jobs: [rare], store: db, registry, logger: silentLogger, version: '1' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await manager.stop();
    expect(scrapes).toBe(0);
  });

  it('scrapes again and again, and one hanging target delays no other', async () => {
    let scrapes = 0;
    respond = (request, response) => {
      if (request.url === '/hang') return;
      scrapes++;
      response.setHeader('content-type', 'text/plain').end(`count ${scrapes}\n`);
    };
    const fast = { ...jobOf({ job_name: 'fast' }, [address]), intervalMs: 250, timeoutMs: 250 };
    const hanging = {
      ...jobOf({ job_name: 'hanging', metrics_path: '/hang' }, [address]),
      intervalMs: 250,
      timeoutMs: 100,
    };
    const registry = createRegistry();
    const manager = startScraping({
      jobs: [fast, hanging],
      store: db,
      registry,
      logger: silentLogger,
      version: '1',
      now: () => NOW + performance.now(),
    });
    /** Without those that a busy machine has not answered in time. */
    const counted = async () =>
      ((await contents())[`count instance ${address} job fast`] ?? []).filter((value) => value !== 'stale');
    await expect.poll(async () => (await counted()).length).toBeGreaterThanOrEqual(5);
    await expect
      .poll(() => manager.targets().map(({ health, lastError }) => [health, lastError]))
      .toEqual([
        ['up', ''],
        ['down', 'context deadline exceeded'],
      ]);
    await manager.stop();
    const counts = await counted();
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
    expect(counts.at(-1)).toBeLessThanOrEqual(scrapes);
    expect((await contents())[`up instance ${address} job hanging`]![0]).toBe(0);
    const metrics = registry.render('text');
    expect(metrics).toMatch(new RegExp(`scrape_samples_scraped\\{job="fast",instance="${address}"\\} [1-9]`));
    expect(metrics).toContain(`scrape_samples_failed{job="hanging",instance="${address}"} 0`);
  });
});
