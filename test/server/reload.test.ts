import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace } from '../support/databases.ts';
import { type ServerProcess, startOurs } from '../support/server-process.ts';

describe('reload of opendata-timeseries', () => {
  const workspace = createWorkspace();
  let target: Server;
  let targetPort = 0;
  let config = '';
  let server: ServerProcess;

  beforeAll(async () => {
    target = createServer((_request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4').end('a_metric 1\n');
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const address = target.address();
    targetPort = typeof address === 'object' && address !== null ? address.port : 0;
    config = write(['kept', 'gone']);
    server = await startOurs('opendata-timeseries', ['--config', config, '--web.enable-lifecycle']);
    workspace.servers.push(server);
    await until(async () => (await answer('a_metric')).sort().join() === 'gone,kept');
  });

  afterAll(async () => {
    await workspace.remove();
    target.close();
  });

  /** A job for each name, on the same target by different paths. */
  function write(jobs: readonly string[], more = '', interval = '200ms'): string {
    const scrapes = jobs.map(
      (job) =>
        `  - {job_name: ${job}, metrics_path: /${job}, scrape_interval: ${interval}, static_configs: [{targets: ['127.0.0.1:${targetPort}']}]}\n`,
    );
    return workspace.file(
      'config.yaml',
      `scrape_configs:\n${scrapes.join('')}storage: {type: SlateDb, path: ts, object_store: {type: Local, path: ${workspace.folder}/data}}\n${more}`,
    );
  }

  /** Jobs of the series that a query finds now. */
  async function answer(query: string): Promise<string[]> {
    const response = await fetch(`${server.url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { data } = (await response.json()) as { data: { result: { metric: { job: string } }[] } };
    return data.result.map(({ metric }) => metric.job);
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  it('by POST /-/reload: a target that is gone is stale at once, another is scraped, the rest goes on', async () => {
    const scrapesBefore = await metric(`scrape_samples_scraped\\{job="kept",instance="127.0.0.1:${targetPort}"\\}`);
    write(['kept', 'new']);
    const response = await fetch(`${server.url}/-/reload`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(await answer('{__name__=~"up|a_metric",job="gone"}')).toEqual([]);
    await until(async () => (await answer('a_metric')).sort().join() === 'kept,new');
    const scrapesAfter = await metric(`scrape_samples_scraped\\{job="kept",instance="127.0.0.1:${targetPort}"\\}`);
    expect(scrapesAfter).toBeGreaterThanOrEqual(scrapesBefore);
    expect(await metric('prometheus_config_last_reload_successful')).toBe(1);
    const page = await (await fetch(`${server.url}/api/v1/status/config`)).json();
    expect(JSON.stringify(page)).toContain('job_name: new');
    await expect.poll(() => timesLogged('configuration reloaded')).toBe(1);
  });

  it('is among the features of the server', async () => {
    const response = await fetch(`${server.url}/api/v1/features`);
    expect(await response.json()).toMatchObject({ data: { api: { lifecycle: true, remote_write_receiver: true } } });
  });

  it('by SIGHUP', async () => {
    write(['kept', 'signalled']);
    process.kill(server.pid, 'SIGHUP');
    await until(async () => (await answer('up')).sort().join() === 'kept,signalled');
    await expect.poll(() => timesLogged('configuration reloaded')).toBe(2);
  });

  it('scrapes a target anew whose interval has changed, without staleness in between', async () => {
    write(['kept', 'signalled'], '', '100ms');
    expect((await fetch(`${server.url}/-/reload`, { method: 'PUT' })).status).toBe(200);
    expect((await answer('up')).sort()).toEqual(['kept', 'signalled']);
    await until(async () => (await targets()).every(({ scrapeInterval }) => scrapeInterval === '100ms'));
  });

  it.each([
    ['scrape_configs: 1\n', 'scrape_configs'],
    ['retention: 1h\n', 'retention: cannot be changed by a reload'],
    ['flush_interval_secs: 1\n', 'flush_interval_secs: cannot be changed by a reload'],
    ['unknown: 1\n', 'unknown'],
  ])('refuses %j as a whole, and says why', async (more, message) => {
    if (more.startsWith('scrape_configs')) workspace.file('config.yaml', more);
    else write(['other'], more);
    const before = await runtime();
    const response = await fetch(`${server.url}/-/reload`, { method: 'POST' });
    expect(response.status).toBe(500);
    expect(await response.text()).toContain(message);
    expect(await metric('prometheus_config_last_reload_successful')).toBe(0);
    expect(await runtime()).toEqual({ reloadConfigSuccess: false, lastConfigTime: before.lastConfigTime });
    const failures = () =>
      server
        .output()
        .split('\n')
        .filter((line) => line.includes('reload failed'));
    await expect.poll(() => failures().at(-1)).toContain(message);
    expect((await targets()).map(({ scrapePool }) => scrapePool).sort()).toEqual(['kept', 'signalled']);
  });

  it('is successful again once the file is', async () => {
    write(['kept', 'signalled'], '', '100ms');
    expect((await fetch(`${server.url}/-/reload`, { method: 'POST' })).status).toBe(200);
    expect(await metric('prometheus_config_last_reload_successful')).toBe(1);
    expect(await runtime()).toMatchObject({ reloadConfigSuccess: true });
    expect((await fetch(`${server.url}/-/reload`)).status).toBe(405);
  });

  it('POST /-/quit ends the server with exit code 0', async () => {
    expect((await fetch(`${server.url}/-/quit`, { method: 'POST' })).status).toBe(200);
    expect(await server.exited).toBe(0);
  });

  it('without --web.enable-lifecycle both are refused', async () => {
    const closed = await startOurs('opendata-timeseries', ['--config', config]);
    workspace.servers.push(closed);
    for (const path of ['/-/reload', '/-/quit']) {
      const response = await fetch(closed.url + path, { method: 'POST' });
      expect(response.status).toBe(403);
      expect(await response.text()).toContain('Lifecycle API is not enabled');
    }
  });

  function timesLogged(text: string): number {
    return server.output().split(text).length - 1;
  }

  async function runtime(): Promise<{ reloadConfigSuccess: boolean; lastConfigTime: string }> {
    const response = await fetch(`${server.url}/api/v1/status/runtimeinfo`);
    const { data } = (await response.json()) as { data: { reloadConfigSuccess: boolean; lastConfigTime: string } };
    return { reloadConfigSuccess: data.reloadConfigSuccess, lastConfigTime: data.lastConfigTime };
  }

  async function targets(): Promise<{ scrapePool: string; scrapeInterval: string }[]> {
    const response = await fetch(`${server.url}/api/v1/targets`);
    const { data } = (await response.json()) as {
      data: { activeTargets: { scrapePool: string; scrapeInterval: string }[] };
    };
    return data.activeTargets;
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
