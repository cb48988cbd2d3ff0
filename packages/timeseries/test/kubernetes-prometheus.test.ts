import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type ServerProcess, startOurs, startServer } from '../../../test/support/server-process.ts';
import { KUBERNETES_ROLES } from '../src/model/kubernetes-discovery-config.ts';
import { type ApiServer, startApiServer } from '../src/scrape/discovery/kubernetes/api-server.testing.ts';
import { fillCluster } from '../src/scrape/discovery/kubernetes/cluster.testing.ts';

/** The newest Prometheus to compare with, where its path is given. */
const binary = process.env['PROMETHEUS_NEWEST'] ?? '';

type Target = Readonly<Record<string, string>>;

/** What one of the roles finds in the same cluster, in ours and in Prometheus, and with what labels. */
describe.skipIf(binary === '')('targets in a Kubernetes cluster are those of Prometheus', () => {
  let folder = '';
  let api: ApiServer;
  let theirs: ServerProcess;
  let ours: ServerProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kubernetes-prometheus-'));
    api = await startApiServer({ token: 'secret' });
    fillCluster(api);
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, `scrape_configs:\n${KUBERNETES_ROLES.flatMap((role) => jobsOf(role, api.url)).join('')}`);
    const port = await freePort();
    theirs = await startServer({
      command: binary,
      args: [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'theirs')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      port,
    });
    ours = await startOurs('opendata-timeseries', ['--config', file], { cwd: folder });
  });
  afterAll(async () => {
    await theirs?.kill('SIGKILL');
    await ours?.kill('SIGKILL');
    api?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(KUBERNETES_ROLES.flatMap((role) => [role, `${role}-attached`]))('%s', async (pool) => {
    await expect.poll(() => targetsOf(theirs, pool).then(({ length }) => length)).toBeGreaterThan(0);
    const expected = await targetsOf(theirs, pool);
    await expect.poll(() => targetsOf(ours, pool)).toEqual(expected);
  });
});

function jobsOf(role: string, apiServer: string): string[] {
  return ['', '-attached'].map(
    (suffix) => `  - job_name: ${role}${suffix}
    scrape_interval: 1h
    scrape_timeout: 1s
    relabel_configs: [{action: labelmap, regex: __meta_kubernetes_(.+)}]
    kubernetes_sd_configs:
      - role: ${role}
        api_server: ${apiServer}
        authorization: {credentials: secret}
        ${suffix === '' ? '' : 'attach_metadata: {node: true}'}
`,
  );
}

async function targetsOf({ url }: ServerProcess, pool: string): Promise<Target[]> {
  const response = await fetch(`${url}/api/v1/targets?state=active&scrapePool=${pool}`);
  const { data } = (await response.json()) as { data: { activeTargets: { discoveredLabels: Target }[] } };
  const ofDiscovery = /^(__address__|instance|__meta_.*)$/;
  const sorted = (labels: Target): Target =>
    Object.fromEntries(
      Object.entries(labels)
        .filter(([name]) => ofDiscovery.test(name))
        .sort(),
    );
  return data.activeTargets
    .map(({ discoveredLabels }) => sorted(discoveredLabels))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
