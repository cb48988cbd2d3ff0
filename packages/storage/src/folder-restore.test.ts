import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { StorageConfig } from './config.ts';
import { silentLogger } from './logger.ts';
import { bytes, copyRunning, recoverAll } from './open-storage.testing.ts';
import { openStorage } from './storage.ts';
import { bootId, type Kind, listKind, stateOf } from './synced-files.ts';

const entries = 40;
/** So that most entries are in sorted files, which manifests name. */
const tableBytes = 8 * 1024;

function onFolder(folder: string, path: string, fsync = true): StorageConfig {
  return { type: 'SlateDb', path, object_store: { type: 'Local', path: folder, fsync } };
}

/** A database as a process leaves it that ends in the middle of its work, in the folder `left`. */
async function leftDatabase(): Promise<{ folder: string; root: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'folder-restore-'));
  onTestFinished(() => rm(folder, { recursive: true, maxRetries: 5 }));
  const writer = await openStorage(onFolder(folder, 'running'), { logger: silentLogger, tableBytes });
  await recoverAll(writer);
  for (let i = 0; i < entries; i++) {
    await writer.journal.committed(writer.journal.append(1, bytes(`${i}${' '.repeat(1024)}`)));
  }
  await expect.poll(() => listKind(join(folder, 'running'), 'compacted')).not.toEqual([]);
  await copyRunning(join(folder, 'running'), join(folder, 'left'));
  await writer.close();
  return { folder, root: join(folder, 'left') };
}

async function reopen(folder: string, fsync = true): Promise<{ found: number[]; warnings: string[] }> {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  const storage = await openStorage(onFolder(folder, 'left', fsync), { logger });
  const found = (await recoverAll(storage)).map(({ text }) => Number(text));
  await storage.journal.committed(storage.journal.append(1, bytes(`${found.length}`)));
  await storage.close();
  return { found, warnings };
}

async function startMachineAnew(root: string): Promise<void> {
  const synced = join(root, 'synced');
  for (const name of await readdir(synced)) if (name.startsWith('boot-')) await rm(join(synced, name));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const next = async (root: string, kind: Kind): Promise<string> => {
  const last = (await listKind(root, kind)).at(-1)!;
  return join(root, kind, `${String(Number.parseInt(last, 10) + 1).padStart(20, '0')}.${last.split('.')[1]}`);
};

describe.skipIf((await bootId()) === undefined)('a folder after a start of the machine', () => {
  it('is made anew from what was on the disk', async () => {
    const { folder, root } = await leftDatabase();
    expect((await readdir(join(root, 'compacted'))).length).toBeGreaterThan(0);
    await startMachineAnew(root);
    for (const kind of ['wal', 'compacted', 'manifest', 'compactions'])
      await rm(join(root, kind), { recursive: true, force: true });
    expect(await reopen(folder)).toEqual({ found: upTo(entries), warnings: [expect.stringContaining('put aside')] });
    expect(await reopen(folder)).toEqual({ found: upTo(entries + 1), warnings: [] });
    await startMachineAnew(root);
    expect(await reopen(folder)).toEqual({ found: upTo(entries + 2), warnings: [] });
  });

  it('loses what was written last in part', async () => {
    const { folder, root } = await leftDatabase();
    await startMachineAnew(root);
    for (const kind of ['wal', 'manifest', 'compactions'] as const)
      await writeFile(await next(root, kind), 'half of i');
    const warnings = ['the machine has stopped', 'the end of the log'].map((text) => expect.stringContaining(text));
    expect(await reopen(folder)).toEqual({ found: upTo(entries), warnings });
    const aside = await readdir(join(root, 'torn'));
    for (const kind of ['.sst', '.manifest', '.compactions'])
      expect(aside.filter((name) => name.includes(kind)).length).toBeGreaterThan(0);
    expect(await reopen(folder)).toEqual({ found: upTo(entries + 1), warnings: [] });
  });

  it('goes on with what of the log is whole up to the first file that is not', async () => {
    const { folder, root } = await leftDatabase();
    await startMachineAnew(root);
    const { found } = await reopen(folder);
    expect(found).toEqual(upTo(entries));
    await startMachineAnew(root);
    // The last files of the log had not been synced; one of them has lost its bytes.
    const log = await listKind(root, 'wal');
    const synced = join(root, 'synced');
    for (const name of log.slice(-2)) await rm(join(synced, name), { force: true });
    await writeFile(join(root, 'wal', log.at(-2)!), '');
    const { warnings } = await reopen(folder);
    expect(warnings).toHaveLength(2);
    expect((await readdir(join(root, 'torn'))).filter((name) => name.includes('.sst')).length).toBe(2);
  });

  it('keeps what it has where the machine did not stop', async () => {
    const { folder, root } = await leftDatabase();
    const manifests = await readdir(join(root, 'manifest'));
    // The process has ended before it synced the last manifest.
    const synced = join(root, 'synced');
    const state = stateOf(await readdir(synced))!;
    const [, manifest, compactions] = state.split('-');
    const before = String(Number(manifest) - 1).padStart(20, '0');
    await rename(join(synced, state), join(synced, `at-${before}-${compactions}`));
    await rm(join(synced, `${manifest}.manifest`));
    expect(await reopen(folder)).toEqual({ found: upTo(entries), warnings: [] });
    expect(await readdir(join(root, 'manifest'))).toEqual(expect.arrayContaining(manifests));
    expect(await readdir(root)).not.toContain('torn');
  });

  it('has nothing of before it was opened without fsync', async () => {
    const { folder, root } = await leftDatabase();
    expect(await reopen(folder, false)).toEqual({ found: upTo(entries), warnings: [] });
    expect(await readdir(root)).not.toContain('synced');
    expect(await reopen(folder)).toEqual({ found: upTo(entries + 1), warnings: [] });
    await startMachineAnew(root);
    expect(await reopen(folder)).toEqual({ found: upTo(entries + 2), warnings: [] });
  });
});
