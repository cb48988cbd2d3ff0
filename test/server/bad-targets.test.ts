import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorkspace, databases, startOn, type Workspace } from '../support/databases.ts';
import { until } from '../support/load.ts';
import type { ServerProcess } from '../support/server-process.ts';

/** Made once: the targets share the event loop of the test. */
const hugeBody = Buffer.alloc(20_000_000, 'a 1\n');
const bombBody = gzipSync(Buffer.alloc(50_000_000, '\n'));

/** What a target does to its scraper, and how the failure is named. */
const targets: Readonly<Record<string, { readonly answer: RequestListener; readonly error: RegExp }>> = {
  silent: { answer: () => undefined, error: /deadline|timeout|timed out/i },
  endless: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const timer = setInterval(() => response.write('# a comment that never ends\n'), 20);
      response.once('close', () => clearInterval(timer));
    },
    error: /deadline|timeout|timed out/i,
  },
  huge: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(hugeBody);
    },
    error: /body size limit of 1048576 bytes exceeded/,
  },
  bomb: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
      response.end(bombBody);
    },
    error: /body size limit of 1048576 bytes exceeded/,
  },
  notgzip: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
      response.end('plain 1\n');
    },
    error: /header check/,
  },
  loop: {
    answer: (_request, response) => {
      response.writeHead(302, { location: '/metrics' });
      response.end();
    },
    error: /stopped after 10 redirects|deadline/,
  },
  away: {
    answer: (_request, response) => {
      response.writeHead(302, { location: 'file:///etc/passwd' });
      response.end();
    },
    error: /cannot follow the redirect/,
  },
  broken: {
    answer: (_request, response) => {
      response.writeHead(500);
      response.end('half_a_metric 1\n');
    },
    error: /HTTP status 500/,
  },
  cut: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1000 });
      response.write('half_a_metric 1\n', () => response.destroy());
    },
    error: /closed|aborted/,
  },
  page: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html><body>half_a_metric 1</body></html>\n');
    },
    error: /./,
  },
  binary: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)));
    },
    error: /./,
  },
  midway: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      response.end('half_a_metric 1\nhalf_a_metric{a="b} 2\n');
    },
    error: /./,
  },
  openmetrics: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/openmetrics-text; version=1.0.0' });
      response.end('half_a_metric 1\n');
    },
    error: /EOF/,
  },
  twice: {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('half_a_metric{a="1",a="2"} 1\n');
    },
    error: /not unique|more than once|duplicate/i,
  },
};

const goodTarget: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end('good_metric 1\nnot_a_number NaN\ninfinite +Inf\n');
};

let workspace: Workspace;
const servers: Server[] = [];
beforeAll(() => {
  workspace = createWorkspace();
});
afterAll(async () => {
  await workspace.remove();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

it('a target that misbehaves is down, says why, and stores nothing; the others are scraped', async () => {
  const jobs: string[] = [];
  for (const [name, answer] of [
    ...Object.entries(targets).map(([n, t]) => [n, t.answer] as const),
    ['good', goodTarget] as const,
  ]) {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    jobs.push(`- {job_name: ${name}, static_configs: [{targets: ['127.0.0.1:${port}']}]}`);
  }
  const config = `storage: {type: InMemory}
global: {scrape_interval: 3s, scrape_timeout: 2900ms, body_size_limit: 1MiB}
scrape_configs:
${jobs.join('\n')}
`;
  const timeseries = databases.find(({ name }) => name === 'opendata-timeseries')!;
  const server = await startOn(timeseries, workspace, config);
  await until('every target scraped a few times', async () => {
    const counts = await values(server, 'count_over_time(up[5m])');
    return counts.size === jobs.length && [...counts.values()].every((count) => count >= 3);
  });

  const up = await values(server, 'max by (job) (max_over_time(up[5m]))');
  for (const name of Object.keys(targets)) expect([name, up.get(name)]).toEqual([name, 0]);
  expect(up.get('good')).toBe(1);
  expect((await values(server, 'last_over_time(good_metric[5m])')).get('good')).toBe(1);
  expect((await values(server, 'last_over_time(infinite[5m])')).get('good')).toBe(Number.POSITIVE_INFINITY);
  expect((await values(server, 'last_over_time(not_a_number[5m])')).get('good')).toBeNaN();
  expect(await metricNames(server)).toEqual([
    'good_metric',
    'infinite',
    'not_a_number',
    'scrape_duration_seconds',
    'scrape_samples_post_metric_relabeling',
    'scrape_samples_scraped',
    'scrape_series_added',
    'up',
  ]);

  const answer = (await (await fetch(`${server.url}/api/v1/targets`)).json()) as {
    data: { activeTargets: { labels: { job: string }; health: string; lastError: string }[] };
  };
  for (const { labels, health, lastError } of answer.data.activeTargets) {
    const target = targets[labels.job];
    expect([labels.job, health]).toEqual([labels.job, target === undefined ? 'up' : 'down']);
    if (target !== undefined) expect(`${labels.job}: ${lastError}`).toMatch(target.error);
  }
  expect(await server.kill('SIGTERM')).toBe(0);
});

async function values(server: ServerProcess, query: string): Promise<Map<string, number>> {
  const response = await fetch(`${server.url}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await response.json()) as {
    data: { result: { metric: { job: string }; value: [number, string] }[] };
  };
  return new Map(data.result.map(({ metric, value }) => [metric.job, Number(value[1].replace('Inf', 'Infinity'))]));
}

async function metricNames(server: ServerProcess): Promise<string[]> {
  const response = await fetch(`${server.url}/api/v1/label/__name__/values`);
  return ((await response.json()) as { data: string[] }).data;
}
