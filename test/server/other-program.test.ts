import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type S3Server, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, databases, startOn, storageSection, type Workspace } from '../support/databases.ts';
import { expectRefused } from '../support/other-program.ts';

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

/** `test/stores` does the same on stores that others have written. */
describe.each(databases)('$name goes on where the other program is started on its path', (database) => {
  it('in a folder, also where no format file is beside the database', async () => {
    const folder = join(workspace.folder, database.name);
    const config = storageSection(`{type: Local, path: ${folder}}`);
    const server = await startOn(database, workspace, config);
    const running = { server, witness: database.createWitness(), config, env: {} };
    await expectRefused(database, workspace, running);
    rmSync(join(folder, 'db', 'format.json'));
    await expectRefused(database, workspace, running);
    expect(await server.kill('SIGTERM')).toBe(0);
  });

  it('in a bucket', async () => {
    const config = storageSection(`{type: Aws, bucket: ${s3.bucket}}`).replace('path: db', `path: ${database.name}/db`);
    const server = await startOn(database, workspace, config, s3.env);
    await expectRefused(database, workspace, { server, witness: database.createWitness(), config, env: s3.env });
    expect(await server.kill('SIGTERM')).toBe(0);
  });
});
