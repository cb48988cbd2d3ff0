import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type S3Server, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helm, manifestsOf, renderChart } from '../support/chart-tools.ts';
import { canRunPods, type PodOptions, startPod } from '../support/pod.ts';
import { freePort, type ServerProcess } from '../support/server-process.ts';

const runnable = helm !== undefined && canRunPods;
const batches = 40;
const recordsPerBatch = 16;
const valueBytes = 64 * 1024;

/** 40 MB in the bucket, 8 MB of disk for a cache that is allowed 100 GB. */
describe.skipIf(!runnable)('a disk cache whose volume is much too small', () => {
  let folder = '';
  let store: S3Server;
  let pod: ServerProcess;
  let options: PodOptions;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opendata-pod-'));
    store = await startS3Server({ bucket: 'my-log-bucket' });
    const config = 'segmentation: {seal_byte_limit: 4MiB}\n';
    const port = await freePort();
    options = {
      manifests: manifestsOf(renderChart('opendata-log', { config })),
      folder,
      port,
      env: store.env,
      cacheVolumeSize: '8m',
    };
    pod = await startPod(options);
    for (let batch = 0; batch < batches; batch++) await append(pod, batch);
    expect(await pod.kill('SIGTERM')).toBe(0);
    pod = await startPod(options);
  });

  afterAll(async () => {
    await pod?.kill('SIGKILL');
    await store?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is survived: every record is read, twice, and the server stays ready', async () => {
    for (let round = 0; round < 2; round++) {
      for (let batch = 0; batch < batches; batch++) expect(await valuesOf(pod, batch)).toEqual(expectedValues(batch));
    }
    expect((await fetch(`${pod.url}/-/ready`)).status).toBe(200);
  });

  it('is not filled: the cache takes nine tenths of its volume, and lets go what it had first', async () => {
    expect(pod.output()).toContain('the disk cache is made smaller');
    const metrics = await (await fetch(`${pod.url}/metrics`)).text();
    expect(Number(/^slatedb_object_store_cache_evicted_keys\S* (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });

  it('still takes appends, and stops with exit code 0', async () => {
    await append(pod, batches);
    expect(await pod.kill('SIGTERM')).toBe(0);
  });
});

/** The volume is full before the server starts: of something else, or of a larger cache that it was allowed before. */
describe.skipIf(!runnable)('a disk cache without any room at the start', () => {
  it('is no reason not to start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'opendata-pod-'));
    const store = await startS3Server({ bucket: 'my-log-bucket' });
    let pod: ServerProcess | undefined;
    try {
      const manifests = manifestsOf(renderChart('opendata-log', {}));
      const cacheVolumeSize = '8m,nr_inodes=1';
      pod = await startPod({ manifests, folder, port: await freePort(), env: store.env, cacheVolumeSize });
      expect(pod.output()).toContain('the disk cache (root_folder): there is no space left');
      await append(pod, 1);
      expect(await valuesOf(pod, 1)).toEqual(expectedValues(1));
      expect(await pod.kill('SIGTERM')).toBe(0);
    } finally {
      await pod?.kill('SIGKILL');
      await store.destroy();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function expectedValues(batch: number): string[] {
  return Array.from({ length: recordsPerBatch }, (_, i) => recordValue(batch, i));
}

async function append({ url }: ServerProcess, batch: number): Promise<void> {
  const key = Buffer.from(`key-${batch}`).toString('base64');
  const records = expectedValues(batch).map((value) => ({ key, value }));
  const response = await fetch(`${url}/api/v1/log/append`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ records, awaitDurable: true }),
  });
  expect(response.status, await response.text()).toBe(200);
}

async function valuesOf({ url }: ServerProcess, batch: number): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/log/scan?key=key-${batch}&limit=100`);
  const { values } = (await response.json()) as { values: { value: string }[] };
  return values.map(({ value }) => value);
}

/** In base64; different for every record, and not to be compressed much. */
function recordValue(batch: number, i: number): string {
  const bytes = Buffer.alloc(valueBytes);
  let state = batch * 1000 + i + 1;
  for (let at = 0; at < valueBytes; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes.writeInt32LE(state, at);
  }
  return bytes.toString('base64');
}
