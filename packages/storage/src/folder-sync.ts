import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * SlateDB never calls fsync on a folder. What an acknowledgement needs is the write-ahead log, whose files are numbered
 * without gaps; the other folders follow, so that files which the log's clean-up relies on are on the disk before it.
 */
const otherFolders = ['manifest', 'compacted', 'compactions'] as const;
const walName = (id: number): string => `${String(id).padStart(20, '0')}.sst`;

interface Folder {
  readonly path: string;
  modifiedMs: number;
  /** Names of files that are on the disk. */
  synced: Set<string>;
}

/** Brings files that SlateDB wrote into a local folder to the disk. */
export interface FolderSync {
  /** Every file written before the call, and its entry in its folder, is on the disk when it resolves. */
  sync(): Promise<void>;
}

/** `root` is the folder of the database: the object store's folder and the path inside it. */
export function createFolderSync(root: string): FolderSync {
  const others: Folder[] = otherFolders.map((name) => ({ path: join(root, name), modifiedMs: -1, synced: new Set() }));
  const wal = { path: join(root, 'wal'), nextId: -1 };
  let running: Promise<void> | undefined;
  return {
    sync: async () => {
      while (running !== undefined) await running.catch(() => undefined);
      running = Promise.all([syncWal(wal), ...others.map(syncFolder)]).then(() => undefined);
      try {
        await running;
      } finally {
        running = undefined;
      }
    },
  };
}

/** Syncs the files from `nextId` on; the folder may hold very many, so it is listed once only. */
async function syncWal(wal: { readonly path: string; nextId: number }): Promise<void> {
  if (wal.nextId < 0) {
    const names = await readdir(wal.path).catch(ignoreMissing);
    for (const name of names) await syncPath(join(wal.path, name));
    wal.nextId = Math.max(0, ...names.map((name) => Number.parseInt(name, 10) || 0)) + 1;
    await syncPath(wal.path);
  }
  const firstId = wal.nextId;
  while (await syncPath(join(wal.path, walName(wal.nextId)))) wal.nextId++;
  if (wal.nextId > firstId) await syncPath(wal.path);
}

async function syncFolder(folder: Folder): Promise<void> {
  const modifiedMs = await modifiedAt(folder.path);
  // Within one tick of the file system's clock a further file leaves no trace in the folder's time.
  if (modifiedMs === folder.modifiedMs && Date.now() - modifiedMs > 50) return;
  const names = await readdir(folder.path).catch(ignoreMissing);
  const fresh = names.filter((name) => !folder.synced.has(name));
  await Promise.all(fresh.map((name) => syncPath(join(folder.path, name))));
  if (fresh.length > 0) await syncPath(folder.path);
  folder.synced = new Set(names);
  folder.modifiedMs = modifiedMs;
}

async function modifiedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    ignoreMissing(error);
    return -1;
  }
}

/** False when there is no such file (any more). */
async function syncPath(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      await file.sync();
      return true;
    } finally {
      await file.close();
    }
  } catch (error) {
    // SlateDB's clean-up may have deleted it.
    ignoreMissing(error);
    return false;
  }
}

function ignoreMissing(error: unknown): string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}
