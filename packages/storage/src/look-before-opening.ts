import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toStorageError } from './errors.ts';
import { checkFormatText, type FormatExpectation, hasFormat } from './format.ts';
import type { Logger } from './logger.ts';
import type { ObjectStoreTarget } from './object-store.ts';
import { openSlateReader } from './slatedb-reader.ts';

export interface LookOptions extends FormatExpectation {
  /** The copy of the format row beside the database, where it could be read. */
  readonly format: string | undefined;
  /** See {@link isSurelyNew}. */
  readonly isNew: boolean;
  readonly deadlineMs: number;
  readonly openDeadlineMs: number;
  readonly logger: Logger;
}

/** So long the reader is not to look again: it is closed by then. */
const pollMs = 60_000;

/**
 * Refuses a database that is not ours before it is opened for writing, which would take it from the server that has it.
 * The copy of the format row says whose it is; where there is none, the database is read, beside its writer. A look that
 * fails for another reason is left to the opening.
 * @throws StorageError `config`
 */
export async function lookBeforeOpening(target: ObjectStoreTarget, options: LookOptions): Promise<void> {
  if (options.format !== undefined && checkFormatText(options.format, options)) return;
  if (options.isNew) return;
  try {
    // Its row is in the sorted files, unless the database is so young that it has none: then the log is short.
    if (!(await look(target, options, false))) await look(target, options, true);
  } catch (thrown) {
    const error = toStorageError(thrown);
    if (error.code === 'config') throw error;
    // What is said of a path where there is no database.
    if (error.code === 'corrupt' || error.code === 'internal') return;
    options.logger.warn({ err: error, store: target.description }, 'what is there could not be looked at beforehand');
  }
}

/**
 * Whether there is no database, where that can be seen without opening it.
 * @param isEmpty whether the check at start found nothing at all
 */
export async function isSurelyNew(target: ObjectStoreTarget, isEmpty: boolean): Promise<boolean> {
  if (isEmpty || target.url === 'memory:///') return true;
  return target.folder !== undefined && !(await isThere(join(target.folder, target.path, 'manifest')));
}

async function look(target: ObjectStoreTarget, options: LookOptions, replaysLog: boolean): Promise<boolean> {
  const { deadlineMs, openDeadlineMs } = options;
  const reader = await openSlateReader(target, {
    deadlineMs,
    openDeadlineMs,
    pollMs,
    preflight: target.isRemote,
    replaysLog,
  });
  try {
    return await hasFormat(reader, options);
  } finally {
    await reader.close().catch(() => undefined);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
