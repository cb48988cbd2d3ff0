import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ObjectStore } from '@slatedb/uniffi';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Engine } from './engine.ts';
import { bytes, codeOf } from './open-storage.testing.ts';
import { slateSettings } from './settings.ts';
import { resolveStore, type SlateTarget } from './slatedb.ts';
import { openSlateEngine } from './slatedb-engine.ts';
import { longestStandstillMs } from './slatedb-standstill.ts';

let folder: string;
let store: ObjectStore;
let target: SlateTarget;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-standstill-'));
  target = { url: pathToFileURL(folder).href, path: 'db', env: {}, description: folder };
  store = resolveStore(target);
});
afterEach(async () => {
  vi.restoreAllMocks();
  store.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** An engine that does not look at the manifest by itself, as if it stood still. */
const open = (): Promise<Engine> =>
  openSlateEngine(target, {
    settings: { ...slateSettings({}).engine, manifest_poll_interval: '600s' },
    deadlineMs: 10_000,
    openDeadlineMs: 10_000,
    memoryLimitBytes: 2 ** 30,
    commitsPerTable: 1000,
    blockCache: false,
    preflight: false,
    store,
  });

const write = (engine: Engine, key: string): Promise<void> =>
  engine.write([{ key: bytes(key), value: bytes('value') }]);

const { now } = Date;
let stoodMs = 0;

/** The clock says that everything stood still for an hour. */
function standStill(): void {
  stoodMs += 3_600_000;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + stoodMs);
}

it('acknowledges nothing after a standstill in which another writer has come and the log was cleaned up', async () => {
  const first = await open();
  await write(first, 'before');
  const log = join(folder, 'db/wal');
  const [lastOfFirst] = (await readdir(log)).sort().slice(-1);
  const second = await open();
  const fences = (await readdir(log)).filter((name) => name > lastOfFirst!);
  await write(second, 'of the second');
  await write(second, 'of the second too');
  for (const name of fences) await rm(join(log, name));
  standStill();
  const writes = ['lost', 'lost too'].map((key) => codeOf(write(first, key)));
  expect(await Promise.all(writes)).toEqual(['fenced', 'fenced']);
  await first.close({ isLost: true });
  await write(second, 'behind');
  await second.close();
});

it('goes on after a standstill in which nobody has come', async () => {
  const engine = await open();
  await write(engine, 'before');
  for (let round = 0; round < 5; round++) {
    standStill();
    await Promise.all([write(engine, 'one'), write(engine, 'two')]);
  }
  expect(await engine.get(bytes('two'))).toEqual(bytes('value'));
  await engine.close();
});

it('takes a third of the age of files that the clean-up of the log deletes for a standstill', () => {
  expect(longestStandstillMs(slateSettings({}).engine)).toBe(20_000);
  expect(longestStandstillMs(slateSettings({}, { isFolder: true }).engine)).toBe(1000);
  expect(longestStandstillMs({})).toBe(20_000);
  const none = { garbage_collector_options: { wal_options: { min_age: '0s' } } };
  expect(longestStandstillMs(slateSettings(none).engine)).toBe(500);
});
