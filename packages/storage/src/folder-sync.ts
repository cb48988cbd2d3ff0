import { access, link, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing, syncPath } from './sync-path.ts';
import {
  isOfKind,
  type Kind,
  listKind,
  makeSyncedFolder,
  newestState,
  stateOf,
  syncedFolder,
  walName,
} from './synced-files.ts';

/** Brings files that SlateDB wrote into a local folder to the disk; synced-files.ts says how they are found there. */
export interface FolderSync {
  /** What was written to the log before the call is on the disk when it resolves. */
  syncLog(): Promise<void>;
  /** The same of everything, if the engine does not go on writing; then it may be a newer state. */
  syncAll(): Promise<void>;
}

/** In this order they are synced; the log is synced by itself. */
const stateKinds = ['compacted', 'compactions', 'manifest'] as const;
const filesAtOnce = 16;
/** Within one tick of the file system's clock a further file leaves no trace in the folder's time. */
const clockTickMs = 50;
/**
 * The clean-up may take a file before it is synced, where the process stood still for long: then those behind it are
 * found by a list, so often.
 */
const defaultRelistMs = 1000;

/** `root` is the folder of the database: the object store's folder and the path inside it. */
export function createFolderSync(root: string, { relistMs = defaultRelistMs } = {}): FolderSync {
  const synced = syncedFolder(root);
  /** What is linked, in the order of its names. */
  let linked: Readonly<Record<Kind, Set<string>>> | undefined;
  let state: string | undefined;
  let nextId = 0;
  let listedMs = Number.NEGATIVE_INFINITY;
  let modifiedMs: readonly number[] = [];
  /** Folders of the database's folder whose names are not on the disk: SlateDB's own are made anew if they are lost. */
  const unnamed = new Set(['rows', 'synced']);

  const load = async (): Promise<Readonly<Record<Kind, Set<string>>>> => {
    const names = (await makeSyncedFolder(root)).sort();
    state = stateOf(names);
    const setOf = (kind: Kind): Set<string> => new Set(names.filter((name) => isOfKind(kind, name)));
    linked = {
      wal: setOf('wal'),
      compacted: setOf('compacted'),
      compactions: setOf('compactions'),
      manifest: setOf('manifest'),
    };
    const last = [...linked.wal].at(-1);
    nextId = last === undefined ? 0 : Number.parseInt(last, 10) + 1;
    return linked;
  };

  /** Syncs a file and links it. False where the clean-up has deleted it. */
  const bring = async (kind: Kind, name: string): Promise<boolean> => {
    const path = join(root, kind, name);
    if (!(await syncPath(path))) return false;
    try {
      await link(path, join(synced, name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') {
        // Not for want of the folder of the links.
        await access(synced);
        return false;
      }
      if (code !== 'EEXIST') throw error;
      // Another process may have linked it: one writer takes the database over from the other.
      if (!(await isSameFile(path, join(synced, name)))) {
        await rm(join(synced, name), { force: true });
        await link(path, join(synced, name));
      }
    }
    linked![kind].add(name);
    return true;
  };

  const syncNames = async (): Promise<void> => {
    if (unnamed.size === 0) return;
    const names = await readdir(root);
    const fresh = names.filter((name) => unnamed.has(name));
    if (fresh.length === 0) return;
    await syncPath(root);
    for (const name of fresh) unnamed.delete(name);
  };

  const syncSynced = async (): Promise<void> => {
    if (!(await syncPath(synced))) throw new Error(`${synced} is gone`);
  };

  const syncLog = async (): Promise<void> => {
    const { wal } = linked ?? (await load());
    const firstId = nextId;
    let brought = false;
    while (await bring('wal', walName(nextId))) {
      nextId++;
      brought = true;
    }
    let isTakenAway = false;
    if (nextId === 0 || (nextId === firstId && performance.now() - listedMs >= relistMs)) {
      listedMs = performance.now();
      for (const name of await listKind(root, 'wal')) {
        const id = Number.parseInt(name, 10);
        if (wal.has(name)) continue;
        isTakenAway ||= id > nextId;
        brought = (await bring('wal', name)) || brought;
        nextId = Math.max(nextId, id + 1);
      }
    }
    if (brought) await syncSynced();
    await syncNames();
    // What is gone from the log is in a sorted file that may not be on the disk.
    if (isTakenAway) await states();
  };

  /** Files of the log that are linked and gone: the clean-up takes the oldest first. */
  const goneFromLog = async (): Promise<string[]> => {
    const gone: string[] = [];
    for (const name of linked!.wal) {
      if (await isThere(join(root, 'wal', name))) break;
      gone.push(name);
    }
    return gone;
  };

  const drop = async (kind: Kind, names: readonly string[]): Promise<void> => {
    for (const name of names) {
      await rm(join(synced, name), { force: true });
      linked![kind].delete(name);
    }
  };

  /**
   * Makes the newest state one that is on the disk. Files are listed behind it, because those that it names are older;
   * and it must still be the newest one then, because the clean-up takes what a newer one does without.
   */
  const syncStates = async (): Promise<void> => {
    if (linked === undefined) await load();
    for (;;) {
      const goneLog = await goneFromLog();
      const lookedMs = Date.now();
      const times = await Promise.all(stateKinds.map((kind) => modifiedAt(join(root, kind))));
      if (state !== undefined && times.every((time, i) => time === modifiedMs[i])) return drop('wal', goneLog);
      const gone = new Map<Kind, string[]>();
      for (const kind of stateKinds) gone.set(kind, missingFrom(await listKind(root, kind), linked![kind]));
      const newest = await newestState(root);
      for (const kind of stateKinds) {
        const fresh = (await listKind(root, kind)).filter((name) => !linked![kind].has(name));
        for (let i = 0; i < fresh.length; i += filesAtOnce)
          await Promise.all(fresh.slice(i, i + filesAtOnce).map((name) => bring(kind, name)));
      }
      if ((await newestState(root)) !== newest) continue;
      if (newest !== state) {
        await syncSynced();
        await writeFile(join(synced, newest), '');
        await syncSynced();
        if (state !== undefined) await rm(join(synced, state), { force: true });
        state = newest;
      }
      await syncNames();
      await drop('wal', goneLog);
      for (const kind of stateKinds) await drop(kind, gone.get(kind)!);
      modifiedMs = times.every((time) => lookedMs - time > clockTickMs) ? times : [];
      return;
    }
  };

  const log = oneAtATime(syncLog);
  const states = oneAtATime(syncStates);
  return {
    syncLog: log,
    syncAll: async () => {
      await log();
      await states();
    },
  };
}

/** Every call runs after those before it. */
function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return async () => {
    while (running !== undefined) await running.catch(() => undefined);
    running = run();
    try {
      await running;
    } finally {
      running = undefined;
    }
  };
}

function missingFrom(names: readonly string[], linked: ReadonlySet<string>): string[] {
  const present = new Set(names);
  return [...linked].filter((name) => !present.has(name));
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [{ ino }, { ino: otherIno }] = await Promise.all([stat(one), stat(other)]);
  return ino === otherIno;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: unknown) => {
      ignoreMissing(error);
      return false;
    },
  );
}

async function modifiedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    ignoreMissing(error);
    return -1;
  }
}
