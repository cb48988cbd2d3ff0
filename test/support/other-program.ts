import { expect } from 'vitest';
import { type Database, databases, type Workspace } from './databases.ts';
import { until } from './load.ts';
import { freePort, runOurs, type ServerProcess } from './server-process.ts';
import type { Witness } from './witness.ts';

interface Running {
  readonly server: ServerProcess;
  /** Of everything that this server was sent. */
  readonly witness: Witness;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
}

let starts = 0;

/**
 * Starts the other program on what a server of this one runs on, under load. It ends with exit code 2 and says why; the
 * server is not disturbed.
 */
export async function expectRefused(
  database: Database,
  workspace: Workspace,
  { server, witness, config, env }: Running,
): Promise<void> {
  const { name } = database;
  const other = databases.find((each) => each.name !== name)!.name;
  const load = witness.startLoad({ clients: 2, url: () => server.url });
  const started = witness.acknowledged;
  await until('acknowledged writes', () => witness.acknowledged > started + 10);

  const file = workspace.file(`other-${++starts}.yaml`, config);
  const args = ['--config', file, '--port', String(await freePort())];
  const { code, stdout, stderr } = await runOurs(other, args, { env, cwd: workspace.folder });
  const says = `db: there is a database of ${name}, expected one of ${other} or nothing: give ${other} a path of its own`;
  expect([code, (stdout + stderr).replace(/ at http:\S+(?=: there is)/, '')]).toEqual([
    2,
    expect.stringContaining(says),
  ]);

  // An idle writer would hear within a second, one that writes with its next commit.
  const before = witness.acknowledged;
  await until('more acknowledged writes', () => witness.acknowledged > before + 30);
  await load.stop();
  expect(load.answers.filter(({ status }) => status !== 200 && status !== 204)).toEqual([]);
  await witness.verify(server);
  expect(server.ended).toBe(false);
}
