import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { useBucketRig } from '../support/bucket-rig.ts';
import { type Database, databases, startOn, storageSection } from '../support/databases.ts';
import { ask, HANG_MS, sleep, until } from '../support/load.ts';
import { metricOf, readinessOf, spawnReplica } from '../support/replica-process.ts';
import type { ServerProcess } from '../support/server-process.ts';
import type { Witness } from '../support/witness.ts';

/** Every step has a bound of its own: a machine on which all of them are slow is no reason to fail. */
vi.setConfig({ testTimeout: 600_000 });

const rig = useBucketRig();

interface Place {
  readonly storage: string;
  readonly env: Readonly<Record<string, string>>;
}

const places: [name: string, place: (path: string) => Place][] = [
  [
    'a folder',
    (path) => ({ storage: storageSection(`{type: Local, path: ${join(rig.workspace.folder, path)}}`), env: {} }),
  ],
  ['a bucket', (path) => onBucket(path, rig.s3.endpoint)],
];

function onBucket(path: string, endpoint: string): Place {
  const storage = storageSection(`{type: Aws, bucket: ${rig.s3.bucket}}`).replace('path: db', `path: ${path}`);
  return { storage, env: { ...rig.s3.env, AWS_ENDPOINT_URL: endpoint } };
}

/** Seals as often as can be configured. */
function sealingConfig({ name }: Database): string {
  return name === 'opendata-log' ? 'segmentation: {seal_interval: 1s}\n' : 'head: {window: 1s, late_grace: 0s}\n';
}

async function isReady(server: ServerProcess): Promise<boolean> {
  return (await readinessOf(server)).status === 200;
}

/** The reader has what was acknowledged, sooner or later. */
async function verifySoon(witness: Witness, reader: ServerProcess): Promise<void> {
  const deadline = Date.now() + HANG_MS;
  for (;;) {
    try {
      return await witness.verify(reader);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

describe.each(databases)('read replicas of $name', (database) => {
  it.each(places)(
    'on %s follow a writer that is killed, comes back and is replaced while it seals',
    async (_, place) => {
      const { storage, env } = place(`follow-${database.name}`);
      const { workspace } = rig;
      const replicas = [await spawnReplica(database, workspace, storage, env)];
      await until('a replica that waits', async () => (await readinessOf(replicas[0]!)).text.includes('no database'));
      expect((await readinessOf(replicas[0]!)).status).toBe(503);

      const config = sealingConfig(database) + storage;
      let writer = await startOn(database, workspace, config, env);
      const witness = database.createWitness();
      const load = witness.startLoad({ clients: 4, url: () => writer.url });
      await until('the replica is ready', () => isReady(replicas[0]!));
      replicas.push(await spawnReplica(database, workspace, storage, env));
      await until('another replica is ready', () => isReady(replicas[1]!));
      await until('acknowledged writes', () => witness.acknowledged > 100);
      await sleep(3000);

      await writer.kill('SIGKILL');
      writer = await startOn(database, workspace, config, env);
      const beforeTakeover = witness.acknowledged;
      await until('writes after the restart', () => witness.acknowledged > beforeTakeover + 100);
      const first = writer;
      writer = await startOn(database, workspace, config, env);
      await until('the first writer ends', () => first.ended);
      expect(await first.exited).toBe(3);
      const afterTakeover = witness.acknowledged;
      await until('writes after the takeover', () => witness.acknowledged > afterTakeover + 100);
      await sleep(3000);
      await load.stop();

      for (const replica of replicas) {
        await verifySoon(witness, replica);
        await until('a replica that keeps up', async () => {
          const [isCaughtUp, lagSeconds] = await Promise.all(
            ['replica_caught_up', 'replica_lag_seconds'].map((name) => metricOf(replica, name)),
          );
          return isCaughtUp === 1 && lagSeconds! < 5 && (await isReady(replica));
        });
        await expectWritesRefused(database, replica);
      }
      await witness.verify(writer);
      expect(await writer.kill('SIGTERM')).toBe(0);
      for (const replica of replicas) {
        await witness.verify(replica);
        await until('a replica that is ready', () => isReady(replica));
        expect(await replica.kill('SIGTERM')).toBe(0);
      }
    },
  );

  it('are not ready while their store is out of reach, and recover by themselves', async () => {
    const { workspace, proxy, s3 } = rig;
    const path = `outage-${database.name}`;
    const direct = onBucket(path, s3.endpoint);
    const proxied = onBucket(path, proxy.endpoint);
    const writer = await startOn(database, workspace, sealingConfig(database) + direct.storage, direct.env);
    const witness = database.createWitness();
    const load = witness.startLoad({ clients: 2, url: () => writer.url });
    const replica = await spawnReplica(database, workspace, proxied.storage, proxied.env);
    await until('the replica is ready', () => isReady(replica));
    proxy.setFault({ kind: 'reset' });
    await until('the replica is not ready', async () => !(await isReady(replica)));
    expect((await readinessOf(replica)).status).toBe(503);
    await until('a lag', async () => (await metricOf(replica, 'replica_lag_seconds'))! > 5);
    expect(await metricOf(replica, 'replica_caught_up')).toBe(0);
    proxy.setFault(undefined);
    await until('the replica is ready again', () => isReady(replica));
    await load.stop();
    await verifySoon(witness, replica);
    expect(await replica.kill('SIGTERM')).toBe(0);
    expect(await writer.kill('SIGTERM')).toBe(0);
  });
});

describe.each(databases)('a read replica of $name with a disk cache', (database) => {
  it('finds there what it has read before, also after a restart', async () => {
    const { workspace, s3 } = rig;
    const { storage, env } = onBucket(`cached-${database.name}`, s3.endpoint);
    const cache = join(workspace.folder, `cache-${database.name}`);
    const settings = workspace.file(
      `${database.name}-slatedb.yaml`,
      `object_store_cache_options: {root_folder: ${cache}, max_cache_size_bytes: 100000000}\n`,
    );
    const writer = await startOn(database, workspace, sealingConfig(database) + storage, env);
    const witness = database.createWitness();
    const load = witness.startLoad({ clients: 2, url: () => writer.url });
    await until('acknowledged writes', () => witness.acknowledged > 200);
    await sleep(2000);
    await load.stop();
    if (database.name === 'opendata-timeseries') await ask(`${writer.url}/-/flush?all=true`, { method: 'POST' });
    await sleep(1000);
    expect(await writer.kill('SIGTERM')).toBe(0);

    const config = `${storage}  settings_path: ${settings}\n  page_cache_bytes: 0\n`;
    let replica = await spawnReplica(database, workspace, config, env);
    await until('the replica is ready', () => isReady(replica));
    await witness.verify(replica);
    expect(await metricOf(replica, 'storage_disk_cache_misses_total')).toBeGreaterThan(0);
    expect(await metricOf(replica, 'storage_disk_cache_bytes')).toBeGreaterThan(0);
    expect(await replica.kill('SIGTERM')).toBe(0);

    replica = await spawnReplica(database, workspace, config, env);
    await until('the replica is ready', () => isReady(replica));
    await witness.verify(replica);
    expect(await metricOf(replica, 'storage_disk_cache_hits_total')).toBeGreaterThan(0);
    expect(await metricOf(replica, 'storage_disk_cache_misses_total')).toBe(0);
    expect(await replica.kill('SIGTERM')).toBe(0);
  });
});

const writes: Readonly<Record<Database['name'], readonly string[]>> = {
  'opendata-log': ['/api/v1/log/append', '/api/v1/log/session', '/api/v1/log/flush'],
  'opendata-timeseries': ['/api/v1/write', '/v1/metrics', '/api/v1/import/openmetrics', '/-/flush'],
};

async function expectWritesRefused({ name }: Database, replica: ServerProcess): Promise<void> {
  for (const path of writes[name]) {
    const response = await ask(`${replica.url}${path}`, { method: 'POST', body: '{}' });
    // Senders that keep what they could not deliver are told to come again; the others, that it is no use.
    const isKept = path === '/api/v1/write' || path === '/v1/metrics';
    expect(response.status, path).toBe(isKept ? 503 : 403);
    expect(response.headers.get('retry-after'), path).toBe(isKept ? '30' : null);
    expect(await response.text(), path).toContain('read-only');
  }
  if (name !== 'opendata-timeseries') return;
  const features = await (await ask(`${replica.url}/api/v1/features`)).json();
  expect(features).toMatchObject({ data: { api: { remote_write_receiver: false, otlp_write_receiver: false } } });
}
