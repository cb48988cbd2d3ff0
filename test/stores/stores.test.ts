import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, databases, startOn, storageSection, type Workspace } from '../support/databases.ts';
import { until } from '../support/load.ts';
import {
  azurite,
  createAzurite,
  createFakeGcsServer,
  createVersitygw,
  fakeGcsServer,
  type ObjectStore,
  versitygw,
} from '../support/object-stores.ts';
import { expectRefused } from '../support/other-program.ts';
import { runOurs } from '../support/server-process.ts';

const stores = [
  ['versitygw (S3)', versitygw, createVersitygw],
  ['Azurite (Azure)', azurite, createAzurite],
  ['fake-gcs-server (Google)', fakeGcsServer, createFakeGcsServer],
] as const;

/** Both servers on object stores that others have written. */
describe.each(stores)('on %s', (_name, command, create) => {
  describe.skipIf(command === undefined).each(databases)('$name', (database) => {
    let workspace: Workspace;
    let store: ObjectStore;
    let config = '';

    beforeAll(async () => {
      workspace = createWorkspace();
      store = await create(workspace.folder);
      await store.start();
      const settings = workspace.file(
        'slatedb.yaml',
        `object_store_cache_options: {root_folder: ${workspace.folder}/cache}\n`,
      );
      config = storageSection(store.objectStore, `  commit_timeout_ms: 3000\n  settings_path: ${settings}\n`);
    });

    afterAll(async () => {
      await workspace.remove();
      await store.kill();
    });

    it('keeps what it acknowledged over kill -9, an outage of the store and a restart from the bucket alone', async () => {
      const witness = database.createWitness();
      let server = await startOn(database, workspace, config, store.env);
      const load = witness.startLoad({ clients: 4, url: () => server.url });
      await until('acknowledged writes', () => witness.acknowledged > 50);
      await server.kill('SIGKILL');
      server = await startOn(database, workspace, config, store.env);
      const afterKill = witness.acknowledged;
      await until('acknowledged writes after the kill', () => witness.acknowledged > afterKill + 50);

      store.pause();
      load.reset();
      await until('refused writes', () => load.count(503) > 0);
      store.resume();
      const afterOutage = witness.acknowledged;
      await until('acknowledged writes after the outage', () => witness.acknowledged > afterOutage + 50);
      await load.stop();
      await witness.verify(server);
      expect(await server.kill('SIGTERM')).toBe(0);

      const withoutCache = config.replace(/ {2}settings_path: .*\n/, '');
      server = await startOn(database, workspace, withoutCache, store.env);
      await witness.verify(server);
      expect(await server.kill('SIGTERM')).toBe(0);
    });

    it('goes on where the other program is started on its path', async () => {
      const ownPath = config.replace('path: db', 'path: of-its-own/db');
      const server = await startOn(database, workspace, ownPath, store.env);
      const witness = database.createWitness();
      await expectRefused(database, workspace, { server, witness, config: ownPath, env: store.env });
      expect(await server.kill('SIGTERM')).toBe(0);
    });

    it('is fenced by a second one', async () => {
      const first = await startOn(database, workspace, config, store.env);
      const second = await startOn(database, workspace, config, store.env);
      expect(await first.exited).toBe(3);
      expect(await second.kill('SIGTERM')).toBe(0);
    });
  });
});

describe.skipIf(azurite === undefined)('the check of an Azure container at start', () => {
  let workspace: Workspace;
  let store: ObjectStore;

  beforeAll(async () => {
    workspace = createWorkspace();
    store = await createAzurite(workspace.folder);
    await store.start();
  });

  afterAll(async () => {
    await workspace.remove();
    await store.kill();
  });

  const wrongKey = Buffer.alloc(64, 1).toString('base64');
  it.each([
    ['a missing container', { from: 'container: bucket', to: 'container: nowhere' }, {}, 'does not exist'],
    ['a wrong key', { from: '', to: '' }, { AZURE_STORAGE_ACCOUNT_KEY: wrongKey }, 'the credentials'],
  ])('refuses %s with exit code 2', async (_name, { from, to }, env, message) => {
    const config = workspace.file('config.yaml', storageSection(store.objectStore.replace(from, to)));
    const { code, stdout, stderr } = await runOurs('opendata-log', ['--config', config], {
      env: { ...store.env, ...env },
    });
    expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
