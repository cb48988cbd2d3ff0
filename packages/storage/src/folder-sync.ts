import { open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/*
 * SlateDB never calls fsync on a folder. What an acknowledgement needs is the write-ahead log, whose files are numbered
 * without gaps. Before it come sorted files, and then the manifests that name them, so that no manifest is on the disk
 * without its files, and no file of the log is gone from the disk before the manifest that does without it is there.
 */
const otherFolders = ['compacted', 'compactions', 'manifest'] as const;
const subfolders = ['wal', 'rows', ...otherFolders] as const;
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

interface Wal {
  readonly path: string;
  /** The number of the first file that may not be on the disk. */
  nextId: number;
  listedMs: number;
}

/**
 * The clean-up may take a file before it is synced, where the process stood still for long: then those behind it are
 * found by a list, so often.
 */
const defaultRelistMs = 1000;

/** `root` is the folder of the database: the object store's folder and the path inside it. */
export function createFolderSync(root: string, { relistMs = defaultRelistMs } = {}): FolderSync {
  const others: Folder[] = otherFolders.map((name) => ({ path: join(root, name), modifiedMs: -1, synced: new Set() }));
  const wal: Wal = { path: join(root, 'wal'), nextId: 0, listedMs: Number.NEGATIVE_INFINITY };
  /** Folders whose names in the database's folder are not on the disk. */
  const unnamed = new Set<string>(subfolders);
  let running: Promise<void> | undefined;
  const syncAll = async (): Promise<void> => {
    for (const folder of others) await syncFolder(folder);
    await syncWal(wal, relistMs);
    if (unnamed.size > 0) await syncNames(root, unnamed);
  };
  return {
    sync: async () => {
      while (running !== undefined) await running.catch(() => undefined);
      running = syncAll();
      try {
        await running;
      } finally {
        running = undefined;
      }
    },
  };
}

/** Syncs the database's folder if one of those is there, and forgets it. */
async function syncNames(root: string, unnamed: Set<string>): Promise<void> {
  const names = await readdir(root).catch(ignoreMissing);
  const fresh = names.filter((name) => unnamed.has(name));
  if (fresh.length === 0) return;
  await syncPath(root);
  for (const name of fresh) unnamed.delete(name);
}

/** Brings the names of a folder, and of all above it, to the disk: any of them may have been made just now. */
export async function syncAncestors(path: string): Promise<void> {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    // One that may not be read was not made by us.
    await syncPath(folder).catch((error: unknown) => {
      if (!/EACCES|EPERM|EINVAL|EROFS/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
  }
}

/** Syncs the files from `nextId` on; the folder may hold very many, so it is listed now and then only. */
async function syncWal(wal: Wal, relistMs: number): Promise<void> {
  const firstId = wal.nextId;
  while (await syncPath(join(wal.path, walName(wal.nextId)))) wal.nextId++;
  if (wal.nextId === 0 || (wal.nextId === firstId && performance.now() - wal.listedMs >= relistMs))
    await syncListed(wal);
  if (wal.nextId > firstId) await syncPath(wal.path);
}

async function syncListed(wal: Wal): Promise<void> {
  wal.listedMs = performance.now();
  const names = await readdir(wal.path).catch(ignoreMissing);
  // What is being written has another name.
  const ids = names.filter((name) => /^\d+\.sst$/.test(name)).map((name) => Number.parseInt(name, 10));
  const fresh = ids.filter((id) => id >= wal.nextId).sort((a, b) => a - b);
  for (const id of fresh) {
    await syncPath(join(wal.path, walName(id)));
    wal.nextId = id + 1;
  }
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
