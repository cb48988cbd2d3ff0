import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type S3Server, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chartNames, findManifest, helm, manifestsOf, renderChart } from '../support/chart-tools.ts';
import { databases } from '../support/databases.ts';
import { guide, guideQueries } from '../support/guide.ts';
import { until } from '../support/load.ts';
import { canRunPods, runPod, startPod } from '../support/pod.ts';
import { freePort, type ServerProcess } from '../support/server-process.ts';

const runnable = helm !== undefined && canRunPods;

/** The rendered files, unchanged; the store is named by the documented variables of the environment. */
describe.skipIf(!runnable).each(chartNames)('the rendered ConfigMap of %s, unchanged', (chart) => {
  const manifests = runnable ? manifestsOf(renderChart(chart)) : [];
  let folder = '';
  let store: S3Server;
  let pod: ServerProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opendata-pod-'));
    const { bucket } = /bucket: "(?<bucket>[^"]+)"/.exec(JSON.stringify(configFiles()).replaceAll('\\"', '"'))!.groups!;
    store = await startS3Server({ bucket: bucket! });
    pod = await startPod({ manifests, folder, port: await freePort(), env: environment(store) });
  });

  afterAll(async () => {
    await pod?.kill('SIGKILL');
    await store?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('starts the server, which gets ready and writes to the bucket', async () => {
    const answer = await fetch(`${pod.url}/-/ready`);
    expect([answer.status, await answer.text()]).toEqual([200, 'Ready\n']);
  });

  it('has the disk cache, whose evictions are among the metrics', async () => {
    const metrics = await (await fetch(`${pod.url}/metrics`)).text();
    expect(metrics).toMatch(/^slatedb_object_store_cache_evicted_keys/m);
    expect(metrics).toMatch(/^slatedb_object_store_cache_part_hit_count/m);
  });

  it('passes --check-config', () => {
    expect(runPod({ manifests, folder, port: pod.port, extraArgs: ['--check-config'] })).toMatch(/OK/);
  });

  it('stops within the grace period when the pod is ended, with exit code 0', async () => {
    const startMs = Date.now();
    expect(await pod.kill('SIGTERM')).toBe(0);
    const { terminationGracePeriodSeconds } = findManifest(manifests, 'Deployment').spec.template.spec;
    expect(Date.now() - startMs).toBeLessThan(terminationGracePeriodSeconds * 1000);
  });

  function configFiles(): Record<string, string> {
    return findManifest(manifests, 'ConfigMap').data;
  }
});

describe.skipIf(!runnable).each(chartNames)('the read replicas of %s, as rendered', (chart) => {
  it('start beside the writer, follow it, refuse writes and stop with exit code 0', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'opendata-pod-'));
    const bucket = `my-${chart.replace('opendata-', '')}-bucket`;
    const store = await startS3Server({ bucket });
    const manifests = manifestsOf(renderChart(chart, { readReplicas: { enabled: true } }));
    const pods: ServerProcess[] = [];
    const start = async (deployment: string) => {
      const env = environment(store);
      const pod = await startPod({
        manifests,
        deployment,
        folder: join(folder, deployment),
        port: await freePort(),
        env,
      });
      pods.push(pod);
      return pod;
    };
    try {
      const writer = await start(chart);
      const replica = await start(`${chart}-read`);
      const database = databases.find(({ name }) => name === chart)!;
      const witness = database.createWitness();
      const load = witness.startLoad({ clients: 2, url: () => writer.url });
      await until('acknowledged writes', () => witness.acknowledged > 20);
      await load.stop();
      await until('the replica shows them', () =>
        witness.verify(replica).then(
          () => true,
          () => false,
        ),
      );
      const path = chart === 'opendata-log' ? '/api/v1/log/append' : '/-/flush';
      expect((await fetch(`${replica.url}${path}`, { method: 'POST', body: '{}' })).status).toBe(403);
      expect(await replica.kill('SIGTERM')).toBe(0);
      expect(await writer.kill('SIGTERM')).toBe(0);
    } finally {
      for (const pod of pods) await pod.kill('SIGKILL');
      await store.destroy();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe.skipIf(!runnable || guide === undefined)("the guide's PromQL examples", () => {
  let folder = '';
  let store: S3Server;
  let pod: ServerProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opendata-pod-'));
    const port = await freePort();
    const scrapeConfig = `scrape_configs:
  - job_name: "timeseries-self"
    scrape_interval: 500ms
    static_configs:
      - targets: ["localhost:${port}"]
`;
    const manifests = manifestsOf(renderChart('opendata-timeseries', { port, scrapeConfig }));
    store = await startS3Server({ bucket: 'my-timeseries-bucket' });
    pod = await startPod({ manifests, folder, port, env: environment(store) });
    await untilAnswered('up == 1');
    await untilAnswered('rate(http_requests_total[1m]) > 0');
  });

  afterAll(async () => {
    await pod?.kill('SIGKILL');
    await store?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(guide === undefined ? [] : guideQueries(guide))("answer on the server's own metrics: %s", async (query) => {
    const found = await samplesOf(query);
    // A server that has not failed has no series with a status 5xx.
    if (!query.includes('5..')) expect(found).toBeGreaterThan(0);
  });

  async function untilAnswered(query: string): Promise<void> {
    while ((await samplesOf(query)) === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  async function samplesOf(query: string): Promise<number> {
    const response = await fetch(`${pod.url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { status, data, error } = (await response.json()) as {
      status: string;
      error?: string;
      data: { result: readonly unknown[] };
    };
    expect(status, error).toBe('success');
    return data.result.length;
  }
});

function environment(store: S3Server): Record<string, string> {
  const { AWS_REGION: _, ...env } = store.env;
  return env;
}
