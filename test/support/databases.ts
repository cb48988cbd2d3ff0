import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogWitness } from './log-witness.ts';
import { type ServerProcess, startOurs } from './server-process.ts';
import { TimeSeriesWitness } from './timeseries-witness.ts';
import type { Witness } from './witness.ts';

/** What a test has to know of a server to treat both alike. */
export interface Database {
  readonly name: 'opendata-timeseries' | 'opendata-log';
  createWitness(): Witness;
  /** Further lines of the configuration for acknowledgements that do not wait for durability. */
  readonly memoryAckConfig: string;
}

export const databases: readonly Database[] = [
  {
    name: 'opendata-timeseries',
    createWitness: () => new TimeSeriesWitness(),
    memoryAckConfig: 'remote_write: {ack: memory}\n',
  },
  { name: 'opendata-log', createWitness: () => new LogWitness(), memoryAckConfig: '' },
];

/** A folder of the test's own, and the servers that work in it. */
export interface Workspace {
  readonly folder: string;
  readonly servers: ServerProcess[];
  /** Writes a file and returns its path. */
  file(name: string, text: string): string;
  /** Ends what still runs, and removes the folder. */
  remove(): Promise<void>;
}

export function createWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'opendata-test-'));
  const servers: ServerProcess[] = [];
  return {
    folder,
    servers,
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    async remove() {
      await Promise.all(servers.map((server) => server.kill('SIGKILL')));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The `storage:` section of a configuration file. */
export function storageSection(objectStore: string, more = ''): string {
  return `storage:
  type: SlateDb
  path: db
  object_store: ${objectStore}
${more}`;
}

/** Starts a server on a configuration, in a working directory of its own that is empty. */
export async function startOn(
  database: Database,
  workspace: Workspace,
  config: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const cwd = mkdtempSync(join(workspace.folder, 'cwd-'));
  const file = join(cwd, 'config.yaml');
  writeFileSync(file, config);
  const server = await startOurs(database.name, ['--config', file], { cwd, env });
  workspace.servers.push(server);
  return server;
}
