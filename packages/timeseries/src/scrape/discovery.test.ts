import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry } from '@opendata/server';
import { openStorage, silentLogger } from '@opendata/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TimeSeriesDb } from '../db.ts';
import { resolveScrapeJob, type ScrapeJob, scrapeConfigsSchema } from '../model/scrape-config.ts';
import { type ScrapeManager, startScraping } from './scrape-manager.ts';
import { createTargetMaker } from './target.ts';

let folder = '';
let db: TimeSeriesDb;
let manager: ScrapeManager | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'timeseries-discovery-'));
  const storage = await openStorage({ type: 'InMemory' }, { logger: silentLogger });
  db = await TimeSeriesDb.open({ storage, logger: silentLogger });
});
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

function jobOf(config: object): ScrapeJob {
  const [parsed] = scrapeConfigsSchema.parse([{ job_name: 'j', scrape_interval: '1h', ...config }]);
  return resolveScrapeJob({}, parsed!, folder);
}

function start(...jobs: ScrapeJob[]): ScrapeManager {
  manager = startScraping({ jobs, store: db, registry: createRegistry(), logger: silentLogger, version: '1' });
  return manager;
}

const urls = () => manager!.targets().map(({ target }) => target.url.replace(/^http:\/\/|\/metrics$/g, ''));
const untilTargets = (...wanted: string[]) => expect.poll(urls).toEqual(wanted);
const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

describe('targets in files', () => {
  it('are followed as files change, come and go, and keep what a broken file said last', async () => {
    write('a.json', [{ targets: ['a:1', 'b:1'], labels: { env: 'prod' } }]);
    start(jobOf({ file_sd_configs: [{ files: ['*.json', 'c.yml'] }], static_configs: [{ targets: ['own:1'] }] }));
    await untilTargets('own:1', 'a:1', 'b:1');
    const { target } = manager!.targets()[1]!;
    expect(target.labels).toEqual(['env', 'prod', 'instance', 'a:1', 'job', 'j']);
    expect(target.discoveredLabels['__meta_filepath']).toBe(join(folder, 'a.json'));
    write('c.yml', '- targets: [c:1]\n  labels: {1a: 2}\n- targets: [d:1]\n');
    await untilTargets('own:1', 'a:1', 'b:1', 'c:1', 'd:1');
    write('a.json', '[{"targets": ["a:1"');
    write('c.yml', '- targets: [e:1]\n');
    await untilTargets('own:1', 'a:1', 'b:1', 'e:1');
    write('a.tmp', [{ targets: ['f:1'] }]);
    renameSync(join(folder, 'a.tmp'), join(folder, 'a.json'));
    rmSync(join(folder, 'c.yml'));
    await untilTargets('own:1', 'f:1');
  });

  it('in a folder that comes later are found at the refresh interval', async () => {
    start(jobOf({ file_sd_configs: [{ files: ['late/x.yaml'], refresh_interval: '100ms' }] }));
    mkdirSync(join(folder, 'late'));
    write('late/x.yaml', '- targets: [late:1]\n');
    await untilTargets('late:1');
  });

  it('are relabelled, and no more than the limits say', async () => {
    write('a.json', [{ targets: ['a:1', 'b:1', 'c:1', 'd:1', 'e:1'], labels: { __meta_zone: 'z' } }]);
    start(
      jobOf({
        file_sd_configs: [{ files: ['a.json'] }],
        keep_dropped_targets: 1,
        target_limit: 1,
        relabel_configs: [
          { source_labels: ['__meta_zone'], target_label: 'zone' },
          { source_labels: ['__address__'], regex: '[ab].*', action: 'keep' },
        ],
      }),
    );
    await untilTargets('a:1', 'b:1');
    const [first] = manager!.targets();
    expect(first!.target.labels).toEqual(['instance', 'a:1', 'job', 'j', 'zone', 'z']);
    expect(first!.target.refusal).toBe('target_limit exceeded (number of targets: 2, limit: 1)');
    expect(manager!.dropped()).toHaveLength(1);
    expect(manager!.droppedCounts()).toEqual({ j: 3 });
  });

  it('give others their turns while many are relabelled, and only new ones are', async () => {
    const found = Array.from({ length: 2000 }, (_, i) => ({ targets: [`a${i}:1`], labels: { __meta_name: `n${i}` } }));
    const rules = [
      { source_labels: ['__meta_name'], regex: '(n)(\\d+)', target_label: 'number', replacement: '$2' },
      { action: 'labelmap', regex: '__meta_(.+)' },
      { source_labels: ['number'], regex: '.*[05]', action: 'drop' },
    ];
    const make = createTargetMaker(jobOf({ relabel_configs: rules }));
    let turns = 0;
    const yielder = async () => void turns++;
    const first = await make(found, yielder);
    expect(turns).toBeGreaterThan(100);
    expect([first.active.length, first.dropped.length]).toEqual([1600, 400]);
    const second = await make([...found.slice(1), { targets: ['b:1'], labels: { __meta_name: 'n1' } }], yielder);
    expect(second.active.slice(0, -1).every((target, i) => target === first.active[i])).toBe(true);
    expect(second.active.at(-1)!.labels).toEqual(['instance', 'b:1', 'job', 'j', 'name', 'n1', 'number', '1']);
    expect(second.dropped).toHaveLength(399);
  });

  it('stay without a break when the job changes', async () => {
    write('a.json', [{ targets: ['a:1'] }]);
    const files = { file_sd_configs: [{ files: ['a.json'] }] };
    start(jobOf(files));
    await untilTargets('a:1');
    await manager!.apply([jobOf({ ...files, sample_limit: 5 })]);
    expect(urls()).toEqual(['a:1']);
    expect(manager!.targets()[0]!.target.job.sampleLimit).toBe(5);
    await manager!.apply([jobOf({ file_sd_configs: [{ files: ['?.json', 'a.json'] }] })]);
    expect(urls()).toEqual(['a:1']);
    await manager!.apply([jobOf({})]);
    expect(urls()).toEqual([]);
  });
});

describe('targets that a server tells', () => {
  let server: Server;
  let url = '';
  let respond: (request: IncomingMessage, response: ServerResponse) => void;
  let requests: IncomingMessage[] = [];
  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      respond(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/targets`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const json = (value: unknown, type = 'application/json') => {
    respond = (_request, response) => response.setHeader('content-type', type).end(JSON.stringify(value));
  };

  it('are asked for with credentials, and kept while the server fails', async () => {
    json([{ targets: ['a:1'], labels: { __meta_rack: '7' } }]);
    const discovery = { url, refresh_interval: '100ms', basic_auth: { username: 'u', password: 'p' } };
    start(jobOf({ http_sd_configs: [discovery] }));
    await untilTargets('a:1');
    expect(manager!.targets()[0]!.target.discoveredLabels).toMatchObject({ __meta_url: url, __meta_rack: '7' });
    expect(requests[0]!.headers).toMatchObject({
      accept: 'application/json',
      authorization: `Basic ${Buffer.from('u:p').toString('base64')}`,
      'x-prometheus-refresh-interval-seconds': '0.1',
    });
    const failures: (typeof respond)[] = [
      (_request, response) => response.writeHead(500).end(),
      (_request, response) => response.setHeader('content-type', 'text/html').end('[]'),
      (_request, response) => response.end('[]'),
      (_request, response) => response.setHeader('content-type', 'application/json').end(`[${' '.repeat(9_000_000)}]`),
      (_request, response) => response.setHeader('content-type', 'application/json').end('[{'),
      (_request, response) => response.setHeader('content-type', 'application/json').end('{"targets": []}'),
    ];
    for (const failure of failures) {
      respond = failure;
      const before = requests.length;
      await expect.poll(() => requests.length).toBeGreaterThan(before + 1);
      expect(urls()).toEqual(['a:1']);
    }
    json([{ targets: ['b:1'] }], 'application/json; charset=utf-8');
    await untilTargets('b:1');
    json([]);
    await untilTargets();
  });
});
