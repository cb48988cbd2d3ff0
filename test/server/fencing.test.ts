import { join } from 'node:path';
import { type S3Server, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createWorkspace, databases, startOn, storageSection, type Workspace } from '../support/databases.ts';
import { until } from '../support/load.ts';
import type { ServerProcess } from '../support/server-process.ts';

vi.setConfig({ testTimeout: 240_000 });

let workspace: Workspace;
let s3: S3Server;
beforeAll(async () => {
  workspace = createWorkspace();
  s3 = await startS3Server();
});
afterAll(async () => {
  await workspace.remove();
  await s3.destroy();
});

interface Place {
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
}

const places: [name: string, place: (database: string) => Place][] = [
  [
    'a folder',
    (database) => ({
      config: storageSection(`{type: Local, path: ${join(workspace.folder, database)}}`),
      env: {},
    }),
  ],
  [
    'a bucket',
    (database) => ({
      config: storageSection(`{type: Aws, bucket: ${s3.bucket}}`).replace('path: db', `path: ${database}`),
      env: s3.env,
    }),
  ],
];

describe.each(databases)('a second $name', (database) => {
  it.each(places)(
    'takes %s over, and the first one stops acknowledging, turns not ready and exits with code 3',
    async (_name, place) => {
      const { config, env } = place(database.name);
      const witness = database.createWitness();
      const first = await startOn(database, workspace, config, env);
      let current = first;
      const load = witness.startLoad({ clients: 6, url: () => current.url });
      const readiness = watchReadiness(first);
      await until('acknowledged writes', () => witness.acknowledged > 20);

      const second = await startOn(database, workspace, config, env);
      expect(await first.exited).toBe(3);
      const seen = await readiness;
      const acknowledgedByFirst = witness.acknowledged;
      await witness.verify(second);

      current = second;
      await until('writes acknowledged by the second', () => witness.acknowledged > acknowledgedByFirst + 20);
      await load.stop();
      for (const answer of load.answers) {
        expect([0, 200, 204, 503]).toContain(answer.status);
        if (answer.status === 503) expect(Number(answer.retryAfter)).toBeGreaterThan(0);
        expect(answer.failure).not.toBe('TimeoutError');
      }
      expect(seen.at(-1)).not.toBe(200);
      expect(seen.lastIndexOf(200)).toBeLessThan(seen.findIndex((status) => status !== 200));
      expect(first.output()).toContain('fenced: another writer took the database over');
      expect(first.output()).toContain('"exitCode":3');
      await witness.verify(second);
      expect(await second.kill('SIGTERM')).toBe(0);

      const third = await startOn(database, workspace, config, env);
      await witness.verify(third);
      expect(await third.kill('SIGTERM')).toBe(0);
    },
  );
});

/** Statuses of `/-/ready` until the server is gone; 0: refused. */
async function watchReadiness(server: ServerProcess): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.at(-1) !== 0) {
    statuses.push(
      await fetch(`${server.url}/-/ready`).then(
        async (response) => {
          await response.text();
          return response.status;
        },
        () => 0,
      ),
    );
  }
  return statuses;
}
