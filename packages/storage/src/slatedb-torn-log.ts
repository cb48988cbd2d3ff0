import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WalReader } from '@slatedb/uniffi';
import { withDeadline } from './deadline.ts';
import type { Logger } from './logger.ts';
import { fromNative, resolveStore, type SlateTarget } from './slatedb.ts';
import { isSynced } from './synced-files.ts';

export interface TornLogOptions {
  /** Folder of the database. */
  readonly root: string;
  readonly deadlineMs: number;
  readonly logger: Logger;
}

/**
 * Puts the last files of the log in a folder aside, into `torn/`, as long as they are not whole: SlateDB does not sync
 * what it writes, so that after a loss of power there may be a file with its name and without its bytes, and does not open
 * a database that has one. Only for folders that we sync before we acknowledge: nothing in such a file was acknowledged.
 * For what folder-restore.ts cannot know: a copy of a folder that was being written, or one from before there were links.
 */
export async function setTornLogAside(
  target: SlateTarget,
  { root, deadlineMs, logger }: TornLogOptions,
): Promise<void> {
  const folder = join(root, 'wal');
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d{20}\.sst$/.test(name)).sort();
  if (names.length === 0) return;
  const store = resolveStore(target);
  const log = new WalReader(target.path, store);
  try {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const path = join(folder, name);
      if (await isSynced(root, name)) return;
      // A writer that still runs may clean its log up; what it adds appears whole.
      const { size } = (await stat(path).catch(() => undefined)) ?? {};
      if (size === undefined) continue;
      if (size > 0 && (await isWhole(log, BigInt(name.slice(0, 20)), deadlineMs))) return;
      await mkdir(join(root, 'torn'), { recursive: true });
      await rename(path, join(root, 'torn', `${name}-${Date.now()}`));
      logger.warn({ path }, 'the end of the log was half-written when the power failed, and is put aside');
    }
  } finally {
    log.dispose();
    store.dispose();
  }
}

/** False where the engine reads something else than was written; what it cannot read at all is left to the opening. */
async function isWhole(log: WalReader, id: bigint, deadlineMs: number): Promise<boolean> {
  const file = log.get(id);
  try {
    const rows = await withDeadline(file.iterator(), deadlineMs, 'reading the log', (late) => late.dispose());
    try {
      while ((await withDeadline(rows.next(), deadlineMs, 'reading the log')) !== undefined);
    } finally {
      rows.dispose();
    }
    return true;
  } catch (error) {
    return fromNative(error).code !== 'corrupt';
  } finally {
    file.dispose();
  }
}
