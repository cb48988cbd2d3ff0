import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseExpr } from '@opendata/promql';
import { type S3Server, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboards } from '../../scripts/grafana-dashboards.mjs';
import { chartFolder, chartNames } from '../support/chart-tools.ts';
import { findCommand } from '../support/commands.ts';
import { createWorkspace } from '../support/databases.ts';
import { freePort, type ServerProcess, startOurs } from '../support/server-process.ts';

const promtool = findCommand('promtool');

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
}

/** Every metric that the dashboards and the rules name is one that a running server has. */
describe.each(chartNames)('dashboard and alert rules of %s', (chart) => {
  const alertsFile = join(chartFolder(chart), 'files/alerts.yaml');
  const rules: Rule[] = parse(readFileSync(alertsFile, 'utf8')).groups.flatMap(
    (group: { rules: Rule[] }) => group.rules,
  );
  const dashboard = JSON.parse(readFileSync(join(chartFolder(chart), 'files/dashboard.json'), 'utf8'));
  const panels = expressionsOf(dashboard);
  const workspace = createWorkspace();
  let store: S3Server;
  let server: ServerProcess;
  let names = new Set<string>();

  beforeAll(async () => {
    store = await startS3Server({ bucket: 'bucket' });
    const settings = workspace.file(
      'slatedb.yaml',
      `object_store_cache_options: {root_folder: ${join(workspace.folder, 'cache')}}\n`,
    );
    const port = await freePort();
    const config = workspace.file(
      'config.yaml',
      `${chart === 'opendata-timeseries' ? `scrape_configs: [{job_name: self, scrape_interval: 500ms, static_configs: [{targets: ['127.0.0.1:${port}']}]}]\n` : ''}storage:
  type: SlateDb
  path: db
  object_store: {type: Aws, bucket: bucket}
  settings_path: ${settings}
`,
    );
    server = await startOurs(chart, ['--config', config], { port, env: store.env });
    workspace.servers.push(server);
    if (chart === 'opendata-timeseries') await scraped(server);
    names = await metricNames(server);
  });

  afterAll(async () => {
    await workspace.remove();
    await store.destroy();
  });

  it('the dashboard is what scripts/grafana-dashboards.mjs makes', () => {
    expect(dashboard).toEqual(dashboards[chart]);
  });

  it.each(panels)('panel %s', async (_title, expression) => {
    for (const name of metricsIn(expression)) expect(names).toContain(name);
    if (chart === 'opendata-timeseries') expect(await answers(server, expression)).toBe('success');
  });

  const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
  it.each(rules.map((rule) => [rule.alert ?? rule.record!, rule.expr] as const))(
    'rule %s',
    async (_name, expression) => {
      const metrics = metricsIn(expression).filter((name) => !recorded.has(name));
      for (const name of metrics) expect(names).toContain(name);
      if (chart === 'opendata-timeseries') expect(await answers(server, expression)).toBe('success');
    },
  );

  it.skipIf(promtool === undefined)('promtool accepts the rules', () => {
    expect(execFileSync(promtool!, ['check', 'rules', alertsFile], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  it.runIf(chart === 'opendata-timeseries')('no alert fires on a server that is well', async () => {
    for (const { alert, expr } of rules) {
      if (alert === undefined || alert.endsWith('EventLoopBusy')) continue;
      const response = await fetch(`${server.url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
      const { data } = (await response.json()) as { data: { result: readonly unknown[] } };
      expect(data.result, alert).toEqual([]);
    }
  });
});

/** Titles and expressions, with Grafana's variables filled in as for everything. */
function expressionsOf(dashboard: {
  panels: readonly { title: string; targets?: readonly { expr: string }[] }[];
}): (readonly [string, string])[] {
  return dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(
      ({ expr }) =>
        [
          title,
          expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.+').replaceAll('$instance', '.+'),
        ] as const,
    ),
  );
}

function metricsIn(expression: string): string[] {
  const found: string[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('kind' in node && node.kind === 'vector-selector' && 'name' in node) found.push(String(node.name));
    for (const child of Object.values(node)) walk(child);
  };
  walk(parseExpr(expression));
  expect(found.length, expression).toBeGreaterThan(0);
  return found;
}

async function metricNames(server: ServerProcess): Promise<Set<string>> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const described = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
  );
  return new Set(described);
}

async function answers(server: ServerProcess, query: string): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/query?${new URLSearchParams({ query })}`);
  return ((await response.json()) as { status: string }).status;
}

/** Waits until the server has scraped itself twice. */
async function scraped(server: ServerProcess): Promise<void> {
  for (;;) {
    const query = new URLSearchParams({ query: 'count_over_time(build_info[1m]) >= 2' });
    const { data } = (await (await fetch(`${server.url}/api/v1/query?${query}`)).json()) as {
      data: { result: readonly unknown[] };
    };
    if (data.result.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
