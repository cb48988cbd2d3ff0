import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
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
  await folder.sync();
  write(7);
  write(8);
  await folder.sync();
  trap(9);
  await expect(folder.sync()).rejects.toThrow('ELOOP');
  remove(9);
  write(9);
  await folder.sync();
  trap(10);
  await expect(folder.sync()).rejects.toThrow('ELOOP');
});

it('goes on behind files that the clean-up took first', async () => {
  const { root, write, trap } = walFolder();
  const folder = createFolderSync(root, { relistMs: 0 });
  write(1);
  await folder.sync();
  trap(5);
  await expect(folder.sync()).rejects.toThrow('ELOOP');
});
