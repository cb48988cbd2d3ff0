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
  let running: Promise<void> | undefined;
  return {
    sync: async () => {
      while (running !== undefined) await running.catch(() => undefined);
      running = Promise.all([syncWal(wal, relistMs), ...others.map(syncFolder)]).then(() => undefined);
      try {
        await running;
      } finally {
        running = undefined;
      }
    },
  };
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
