import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireSuccess, tryConditionalPut } from './conditional-put.ts';
import { StorageError } from './errors.ts';
import { formatFile, formatObject } from './format-file.ts';
import { makeFolder } from './make-folder.ts';
import type { Environment, ObjectStoreTarget } from './object-store.ts';
import { unreachable } from './store-failure.ts';
import { proxyOf, type StoreObjects, storeObjects } from './store-objects.ts';

export interface PreflightOptions {
  /** Default: the environment of the process. */
  readonly env?: Environment;
  /** Deadline of the whole check, in ms. Default 10000. */
  readonly timeoutMs?: number;
  /** A reader needs neither a writable store nor conditional puts. */
  readonly readOnly?: boolean;
  /** Folder of the disk cache, made and tried as well. */
  readonly cacheFolder?: string | undefined;
  /** Another token service than Amazon's regional one. */
  readonly stsEndpoint?: string;
}

export interface PreflightReport {
  /** Worth a log line each; none of them is a reason not to start. */
  readonly warnings: readonly string[];
  /** The format file beside the database, see format-file.ts; undefined where it is not there or cannot be read. */
  readonly format?: string | undefined;
  /** Nothing at all is under the path; undefined where that was not looked at. */
  readonly isEmpty?: boolean;
}

/**
 * Tries the store before the engine does, because the engine would wait for ever for a store that is configured wrongly.
 *
 * - Local: the folder is made and a file written to it.
 * - Aws: bucket, region, credentials, and the permission to list, write and delete; and that the store honours
 *   `If-None-Match: *`, without which fencing would not hold. Not through an HTTP proxy of the environment.
 * - Azure: the same, with an account key or a SAS token; with other credentials only that the endpoint answers HTTP.
 * - Gcp: nothing. It has conditional puts always; what else may be wrong shows when the engine lists the store first.
 *
 * @throws StorageError `config` (an operator must change something) or `unavailable` (it may work later); `details.reason`
 * is a StoreFailureReason
 */
export async function preflightObjectStore(
  target: ObjectStoreTarget,
  options: PreflightOptions = {},
): Promise<PreflightReport> {
  const warnings = options.cacheFolder === undefined ? [] : await tryCache(options.cacheFolder);
  const report = await preflightStore(target, options);
  return { ...report, warnings: [...warnings, ...report.warnings] };
}

async function preflightStore(target: ObjectStoreTarget, options: PreflightOptions): Promise<PreflightReport> {
  const { env = process.env, timeoutMs = 10_000, readOnly = false, stsEndpoint } = options;
  if (target.folder !== undefined && !readOnly) await tryFolder(target.folder, target.description);
  if (target.folder !== undefined) return { warnings: [], format: await formatFile(join(target.folder, target.path)) };
  if (target.endpoint === undefined) return { warnings: [] };
  const proxy = proxyOf(target.endpoint, env);
  if (proxy !== undefined) {
    return { warnings: [`${target.description} was not checked: it is reached through the HTTP proxy of ${proxy}`] };
  }

  const signal = AbortSignal.timeout(timeoutMs);
  const objects = await storeObjects(target, { env, signal, stsEndpoint });
  if (objects !== undefined) return preflightBucket(target, objects, readOnly);
  try {
    await (await fetch(target.endpoint, { method: 'HEAD', signal, redirect: 'manual' })).arrayBuffer();
  } catch (error) {
    throw unreachable(target, error, signal);
  }
  return { warnings: [] };
}

/**
 * Lists the bucket, and reads the format file; then, unless read-only, puts one small object twice with
 * `If-None-Match: *` and deletes it. The second put must be refused: it is what keeps two writers apart.
 */
async function preflightBucket(
  { description }: ObjectStoreTarget,
  objects: StoreObjects,
  readOnly: boolean,
): Promise<PreflightReport> {
  const list = await objects.list();
  requireSuccess(description, objects.actions.list, list);
  if (readOnly) return { warnings: [], format: await formatObject(objects) };
  const name = `preflight/${randomUUID()}`;
  const access = {
    putNew: () => objects.putNew(name, 'conditional put?'),
    remove: () => objects.remove(name),
  };
  const [format, warnings] = await Promise.all([
    formatObject(objects),
    tryConditionalPut(description, access, objects.actions),
  ]);
  return { warnings, format, isEmpty: !/<(?:Key|Blob)>/.test(list.text) };
}

/** A cache on a full disk is no reason not to start: what does not fit into it is read from the store. */
async function tryCache(folder: string): Promise<string[]> {
  const what = 'the disk cache (root_folder)';
  try {
    await tryFolder(folder, what);
    return [];
  } catch (error) {
    if ((error as StorageError).details?.['code'] !== 'ENOSPC') throw error;
    return [`${what}: there is no space left for ${folder}`];
  }
}

async function tryFolder(folder: string, what: string): Promise<void> {
  const file = join(folder, `.preflight-${randomUUID()}`);
  try {
    await makeFolder(folder);
    await writeFile(file, 'writable?').finally(() => rm(file, { force: true }));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new StorageError('config', `${what}: ${folder} is not a folder that this process can write to (${code})`, {
      cause,
      details: { reason: 'not_writable', code },
    });
  }
}
