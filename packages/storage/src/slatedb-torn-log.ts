import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WalReader } from '@slatedb/uniffi';
import { withDeadline } from './deadline.ts';
import type { Logger } from './logger.ts';
import { fromNative, resolveStore, type SlateTarget } from './slatedb.ts';
import { ignoreMissing } from './sync-path.ts';
import { isOfKind, listKind, putAside, syncedFolder, walName } from './synced-files.ts';

export interface TornLogOptions {
  /** Folder of the database. */
  readonly root: string;
  /** The folders were made anew: a file behind one that is missing is worth nothing. */
  readonly isRestored: boolean;
  readonly deadlineMs: number;
  readonly logger: Logger;
}

/**
 * Puts the last files of the log in a folder aside, into `torn/`, from the first one on that is not whole: SlateDB does not
 * sync what it writes, so that after a loss of power there may be a file with its name and without its bytes, and does not
 * open a database that has one. Only for folders that we sync before we acknowledge: nothing in such a file was acknowledged.
 */
export async function setTornLogAside(target: SlateTarget, options: TornLogOptions): Promise<void> {
  const { root, logger } = options;
  const names = await listKind(root, 'wal');
  const synced = (await readdir(syncedFolder(root)).catch(ignoreMissing))
    .filter((name) => isOfKind('wal', name))
    .sort();
  const last = synced.at(-1);
  const late = last === undefined ? names : names.filter((name) => name > last);
  if (late.length === 0) return;
  const store = resolveStore(target);
  const log = new WalReader(target.path, store);
  const isWhole = (name: string): Promise<boolean> => isWholeFile(log, root, name, options.deadlineMs);
  try {
    const torn = last === undefined ? await tornAtEnd(late, isWhole) : await tornAfter(last, late, isWhole, options);
    for (const name of torn) {
      await putAside(root, 'wal', name);
      const message = 'the end of the log was half-written when the power failed, and is put aside';
      logger.warn({ path: join(root, 'wal', name) }, message);
    }
  } finally {
    log.dispose();
    store.dispose();
  }
}

type IsWhole = (name: string) => Promise<boolean>;

async function tornAfter(
  last: string,
  late: readonly string[],
  isWhole: IsWhole,
  { isRestored }: TornLogOptions,
): Promise<readonly string[]> {
  let next = Number.parseInt(last, 10) + 1;
  for (const [i, name] of late.entries()) {
    if ((isRestored && name !== walName(next++)) || !(await isWhole(name))) return late.slice(i);
  }
  return [];
}

/** Where it is not known what is on the disk: not all of a log is read. */
async function tornAtEnd(names: readonly string[], isWhole: IsWhole): Promise<readonly string[]> {
  for (let i = names.length - 1; i >= 0; i--) if (await isWhole(names[i]!)) return names.slice(i + 1);
  return names;
}

async function isWholeFile(log: WalReader, root: string, name: string, deadlineMs: number): Promise<boolean> {
  // A writer that still runs may clean its log up; what it adds appears whole.
  const { size } = (await stat(join(root, 'wal', name)).catch(() => undefined)) ?? {};
  return size === undefined || (size > 0 && (await isReadable(log, BigInt(name.slice(0, 20)), deadlineMs)));
}

/** False where the engine reads something else than was written; what it cannot read at all is left to the opening. */
async function isReadable(log: WalReader, id: bigint, deadlineMs: number): Promise<boolean> {
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
    const { code, message } = fromNative(error);
    // What stands at a torn end may be taken for a place outside of the file.
    return code !== 'corrupt' && !/range was invalid/i.test(message);
  } finally {
    file.dispose();
  }
}
