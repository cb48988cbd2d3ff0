import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Workspace } from './databases.ts';
import { ask } from './load.ts';
import { type ServerProcess, spawnOurs } from './server-process.ts';

/** What replicas in tests look for changes every, ms. */
export const replicaRefreshMs = 100;

/** Starts a read replica of the database that the configuration names, and does not wait for it. */
export async function spawnReplica(
  database: Database,
  workspace: Workspace,
  storage: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const isLog = database.name === 'opendata-log';
  const cwd = mkdtempSync(join(workspace.folder, 'replica-'));
  const file = join(cwd, 'config.yaml');
  const settings = `replica: {refresh_interval: ${replicaRefreshMs}ms}\n${isLog ? '' : 'read_only: true\n'}`;
  writeFileSync(file, `${settings}${storage}`);
  const server = await spawnOurs(database.name, ['--config', file, ...(isLog ? ['--read-only'] : [])], { cwd, env });
  workspace.servers.push(server);
  return server;
}

/** What `/-/ready` says: its status and text; status 0 where nobody listens. */
export async function readinessOf(server: ServerProcess): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(`${server.url}/-/ready`, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}

/** Value of a metric without labels; undefined where it is not there. */
export async function metricOf(server: ServerProcess, name: string): Promise<number | undefined> {
  const text = await (await ask(`${server.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}
