import { link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from './logger.ts';
import { ignoreMissing, syncPath } from './sync-path.ts';
import { bootId, isOfKind, isWithin, kinds, listKind, putAside, stateOf, syncedFolder } from './synced-files.ts';

/**
 * Gives the engine's folders the files of the last state that is on the disk whole, if the machine has started anew since
 * they were written. Later manifests and lists of compactions go into `torn/`. Sorted files may stay, whatever has become of
 * them: none that is on the disk whole is changed, and the engine's clean-up takes the others. Of the log's later files
 * slatedb-torn-log.ts decides: a writer on another machine may have them from a moment ago, and be about to acknowledge them.
 * @returns whether the folders were made anew; false also where it is not known what is on the disk
 */
export async function restoreFolder(root: string, logger: Logger): Promise<boolean> {
  const synced = syncedFolder(root);
  const names = await readdir(synced).catch(ignoreMissing);
  const state = stateOf(names);
  const boot = await bootId();
  if (state === undefined || boot === undefined) return false;
  if (names.includes(`boot-${boot}`)) return false;

  const aside: string[] = [];
  let restored = 0;
  for (const kind of kinds) {
    const wanted = new Set<string>();
    for (const name of names) {
      if (!isOfKind(kind, name)) continue;
      if (isWithin(state, kind, name)) wanted.add(name);
      else await rm(join(synced, name));
    }
    const present = new Set(await listKind(root, kind));
    for (const name of present) {
      if (wanted.has(name) || kind === 'compacted' || kind === 'wal') continue;
      await putAside(root, kind, name);
      aside.push(`${kind}/${name}`);
    }
    if (wanted.size > 0) await mkdir(join(root, kind), { recursive: true });
    for (const name of wanted) {
      if (present.has(name)) continue;
      await link(join(synced, name), join(root, kind, name));
      restored++;
    }
  }
  await syncPath(synced);
  if (aside.length > 0 || restored > 0) {
    const files = aside.slice(0, 20);
    const message = 'the machine has stopped before all was on the disk: what was written last is put aside';
    logger.warn({ path: root, files, asideFiles: aside.length, restoredFiles: restored }, message);
  }
  return true;
}
