import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorkspace, type Workspace } from '../support/databases.ts';
import { until } from '../support/load.ts';
import { startOurs } from '../support/server-process.ts';

let workspace: Workspace;
beforeAll(() => {
  workspace = createWorkspace();
});
afterAll(() => workspace.remove());

const remoteWrite = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };

const storageAt = (path: string) =>
  `storage: {type: SlateDb, path: ${path}, object_store: {type: Local, path: ${join(workspace.folder, 'store')}}}\n`;

async function start(name: string, config: string) {
  const file = workspace.file(`${name}.yaml`, config);
  const server = await startOurs('opendata-timeseries', ['--config', file], { cwd: workspace.folder });
  workspace.servers.push(server);
  return server;
}

it('a read-only server answers from the databases of two writers, and says of which its metrics are', async () => {
  for (const team of ['a', 'b']) {
    const { url } = await start(team, storageAt(team));
    const series = [{ labels: ['__name__', 'm', 'team', team], samples: [{ timestampMs: Date.now(), value: 1 }] }];
    const body = new Uint8Array(snappyCompress(encodeWriteRequest({ series })));
    expect((await fetch(`${url}/api/v1/write`, { method: 'POST', headers: remoteWrite, body })).status).toBe(204);
  }
  const replica = await start(
    'reader',
    `read_only: true\nreplica: {refresh_interval: 100ms, paths: [b]}\n${storageAt('a')}`,
  );
  await until('both series', async () => {
    const response = await fetch(`${replica.url}/api/v1/query?query=count(m)`);
    return (await response.text()).includes('"2"');
  });
  const metrics = await (await fetch(`${replica.url}/metrics`)).text();
  expect(metrics).toMatch(/^replica_caught_up\{path="a"\} 1$/m);
  expect(metrics).toMatch(/^replica_caught_up\{path="b"\} 1$/m);
  expect(await replica.kill('SIGTERM')).toBe(0);
});
