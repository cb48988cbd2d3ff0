import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing, syncPath } from './sync-path.ts';

/*
 * SlateDB never syncs what it writes into a folder, deletes files on the ground of others that may not be on the disk yet,
 * and does not open a database of which it misses a file or a part of one. So beside its folders is one of ours, `synced`,
 * with a hard link to every file that is on the disk whole, and an empty file `at-<manifest>-<compactions>` that says up to
 * which of these files a database is complete: all that they name is there, and the log behind them. A name goes from
 * there after one that does without it has come. `boot-<id>` says since which start of the machine the engine's own
 * folders can be trusted: after another one they are made anew from the links (folder-restore.ts).
 */

export const kinds = ['wal', 'compacted', 'compactions', 'manifest'] as const;
export type Kind = (typeof kinds)[number];

/** What is being written has another name, with a `#`. */
const namesOfKinds: Readonly<Record<Kind, RegExp>> = {
  wal: /^\d{20}\.sst$/,
  compacted: /^[0-9A-Z]{26}\.sst$/,
  compactions: /^\d{20}\.compactions$/,
  manifest: /^\d{20}\.manifest$/,
};
const numberDigits = 20;

export const syncedFolder = (root: string): string => join(root, 'synced');
export const walName = (id: number): string => `${String(id).padStart(numberDigits, '0')}.sst`;
export const isOfKind = (kind: Kind, name: string): boolean => namesOfKinds[kind].test(name);

/** The files of a folder of the engine, in the order of their names; none where there is no such folder. */
export async function listKind(root: string, kind: Kind): Promise<string[]> {
  const names = await readdir(join(root, kind)).catch(ignoreMissing);
  return names.filter((name) => isOfKind(kind, name)).sort();
}

/** The name of the newest state: `at-` and the numbers of its manifest and its list of compactions. */
export async function newestState(root: string): Promise<string> {
  const [manifests, compactions] = await Promise.all([listKind(root, 'manifest'), listKind(root, 'compactions')]);
  const number = (names: string[]): string => (names.at(-1) ?? '').slice(0, numberDigits).padStart(numberDigits, '0');
  return `at-${number(manifests)}-${number(compactions)}`;
}

/** The newest of the states that are on the disk; an older one may still have its name. */
export function stateOf(names: readonly string[]): string | undefined {
  return names
    .filter((name) => /^at-\d{20}-\d{20}$/.test(name))
    .sort()
    .at(-1);
}

/** Whether a file of this kind came before the state was made. */
export function isWithin(state: string, kind: Kind, name: string): boolean {
  const [, manifest, compactions] = state.split('-');
  if (kind === 'manifest') return name.slice(0, numberDigits) <= manifest!;
  if (kind === 'compactions') return name.slice(0, numberDigits) <= compactions!;
  return true;
}

/** Moves a file of the engine to where nobody looks for it, and nothing overwrites it. */
export async function putAside(root: string, kind: Kind, name: string): Promise<void> {
  await mkdir(join(root, 'torn'), { recursive: true });
  await rename(join(root, kind, name), join(root, 'torn', `${name}-${Date.now()}`));
}

/** Another one after each start of the machine; undefined where the system has none. */
export async function bootId(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '');
  return /^[0-9a-f-]{36}$/.exec(text.trim())?.[0];
}

/** Says that the engine's folders and `synced` agree, as long as the machine runs. */
export async function markBoot(root: string): Promise<void> {
  const id = await bootId();
  const folder = syncedFolder(root);
  const marks = (await readdir(folder)).filter((name) => name.startsWith('boot-'));
  for (const mark of marks) if (mark !== `boot-${id}`) await rm(join(folder, mark), { force: true });
  if (id !== undefined) await writeFile(join(folder, `boot-${id}`), '');
}

/** Empties `synced` for a time in which it is not kept up. */
export async function forgetSynced(root: string): Promise<void> {
  const folder = syncedFolder(root);
  const names = await readdir(folder).catch(ignoreMissing);
  if (names.length === 0) return;
  // Without a state the rest says nothing; so that goes first.
  for (const name of names) if (name.startsWith('at-')) await rm(join(folder, name), { force: true });
  await syncPath(folder);
  await rm(folder, { recursive: true, force: true });
}

export async function makeSyncedFolder(root: string): Promise<string[]> {
  await mkdir(syncedFolder(root), { recursive: true });
  return readdir(syncedFolder(root));
}
