import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { yieldToLoop } from './deadline.ts';
import { createFolderSync } from './folder-sync.ts';

function walFolder() {
  const root = mkdtempSync(join(tmpdir(), 'folder-sync-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const wal = join(root, 'wal');
  mkdirSync(wal);
  const file = (id: number) => join(wal, `${String(id).padStart(20, '0')}.sst`);
  return {
    root,
    write: (id: number) => writeFileSync(file(id), 'x'),
    /** Cannot be opened: whoever looks at it fails. */
    trap: (id: number) => symlinkSync(file(id), file(id)),
    remove: (id: number) => rmSync(file(id)),
  };
}

it('looks at every file of the log that is new', async () => {
  const { root, write, trap, remove } = walFolder();
  const folder = createFolderSync(root);
  await folder.syncLog();
  write(7);
  write(8);
  await folder.syncLog();
  trap(9);
  await expect(folder.syncLog()).rejects.toThrow('ELOOP');
  remove(9);
  write(9);
  await folder.syncLog();
  trap(10);
  await expect(folder.syncLog()).rejects.toThrow('ELOOP');
});

it('has a link to what the state on the disk needs, and drops it with the next one', async () => {
  const { root, write, remove } = walFolder();
  const linked = (): string[] => readdirSync(join(root, 'synced')).sort();
  const file = (kind: string, name: string): string => {
    mkdirSync(join(root, kind), { recursive: true });
    return join(root, kind, name);
  };
  const number = (id: number): string => String(id).padStart(20, '0');
  const [first, second] = ['01ARZ3NDEKTSV4RRFFQ69G5FAV.sst', '01ARZ3NDEKTSV4RRFFQ69G5FAW.sst'];
  const folder = createFolderSync(root);
  write(1);
  write(2);
  writeFileSync(file('compacted', first!), 'x');
  writeFileSync(file('manifest', `${number(1)}.manifest`), 'x');
  writeFileSync(file('manifest', `${number(2)}.manifest#1`), 'x');
  await folder.syncAll();
  const state = [first, `${number(1)}.manifest`, `at-${number(1)}-${number(0)}`];
  expect(linked()).toEqual([`${number(1)}.manifest`, `${number(1)}.sst`, `${number(2)}.sst`, first, state[2]].sort());

  // The clean-up goes by the second manifest, which is not on the disk yet.
  writeFileSync(file('compacted', second!), 'x');
  writeFileSync(file('manifest', `${number(2)}.manifest`), 'x');
  rmSync(file('compacted', first!));
  remove(1);
  await folder.syncLog();
  expect(linked()).toEqual(expect.arrayContaining([...state, `${number(1)}.sst`]));
  await folder.syncAll();
  const manifests = [`${number(1)}.manifest`, `${number(2)}.manifest`];
  expect(linked()).toEqual([...manifests, `${number(2)}.sst`, second, `at-${number(2)}-${number(0)}`].sort());
});

it('goes on behind files that the clean-up took first', async () => {
  const { root, write, trap } = walFolder();
  const folder = createFolderSync(root, { relistMs: 0 });
  write(1);
  await folder.syncLog();
  trap(5);
  await expect(folder.syncLog()).rejects.toThrow('ELOOP');
});

it('sees what comes within the tick of the clock in which it has looked, however long it takes then', async () => {
  const { root } = walFolder();
  const manifests = join(root, 'manifest');
  const name = (id: number): string => `${String(id).padStart(20, '0')}.manifest`;
  const linked = (): string[] => readdirSync(join(root, 'synced'));
  mkdirSync(manifests);
  writeFileSync(join(manifests, name(1)), 'x');
  const tick = new Date();
  utimesSync(manifests, tick, tick);
  let nowMs = tick.getTime() + 1;
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const folder = createFolderSync(root);
  const syncing = folder.syncAll();
  while (!existsSync(join(root, 'synced')) || !linked().some((each) => each.startsWith('at-'))) await yieldToLoop();
  writeFileSync(join(manifests, name(2)), 'x');
  utimesSync(manifests, tick, tick);
  nowMs += 1000;
  await syncing;
  await folder.syncAll();
  expect(linked()).toEqual(expect.arrayContaining([name(1), name(2)]));
});
