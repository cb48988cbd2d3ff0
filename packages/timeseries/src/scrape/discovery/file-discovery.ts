import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileDiscoveryConfig } from '../../model/discovery-config.ts';
import { expandFilePattern } from '../../model/file-pattern.ts';
import type { TargetGroup } from '../target.ts';
import type { Discovery, DiscoveryContext } from './discovery.ts';
import { startRefreshLoop } from './refresh-loop.ts';
import { checkListSize, parseTargetGroups } from './target-groups.ts';

/** What a file says, and the digest of its text. */
interface FileGroups {
  readonly groups: readonly TargetGroup[];
  readonly digest: string;
}

const noGroups: FileGroups = { groups: [], digest: '' };

/**
 * Reads target groups from files when something changes in their folders, and at the refresh interval. A file that
 * cannot be read or understood keeps what it said last; one that is gone has no targets.
 */
export function startFileDiscovery(config: FileDiscoveryConfig, { logger, onChange }: DiscoveryContext): Discovery {
  let found = new Map<string, FileGroups>();
  const failures = new Map<string, string>();
  const watchers = new Map<string, FSWatcher>();

  const read = async (file: string): Promise<FileGroups> => {
    const before = found.get(file) ?? noGroups;
    try {
      checkListSize((await stat(file)).size, file);
      const text = await readFile(file, 'utf8');
      const digest = createHash('sha256').update(text).digest('base64');
      const isSame = digest === before.digest;
      const groups = isSame ? before.groups : await parseTargetGroups(text, file, { __meta_filepath: file });
      if (failures.delete(file)) logger.info({ file }, 'a file of targets can be read again');
      return isSame ? before : { groups, digest };
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const reason = error instanceof Error ? error.message : String(error);
      if (failures.get(file) !== reason) logger.warn({ file, reason }, 'a file of targets cannot be read');
      failures.set(file, reason);
      return isGone ? noGroups : before;
    }
  };

  const refresh = async (): Promise<void> => {
    watchFolders();
    const next = new Map<string, FileGroups>();
    for (const file of config.files.flatMap(expandFilePattern)) next.set(file, await read(file));
    const isSame = next.size === found.size && [...next].every(([file, groups]) => found.get(file) === groups);
    found = next;
    if (!isSame) onChange();
  };

  const watchFolders = (): void => {
    for (const folder of new Set(config.files.map((file) => dirname(file)))) {
      if (watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, () => loop.trigger());
        watcher.on('error', () => {
          watcher.close();
          watchers.delete(folder);
        });
        watchers.set(folder, watcher);
      } catch {
        // The folder is not there yet, or cannot be watched: the refresh interval remains.
      }
    }
  };

  const loop = startRefreshLoop(config.refreshMs, refresh);
  return {
    groups: () => [...found.values()].flatMap(({ groups }) => groups),
    asked: loop.first,
    stop() {
      for (const watcher of watchers.values()) watcher.close();
      return loop.stop();
    },
  };
}
