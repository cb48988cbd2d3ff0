import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { requireSuccess } from './conditional-put.ts';
import type { Environment, ObjectStoreTarget } from './object-store.ts';
import { type StoreObjects, storeObjects } from './store-objects.ts';

/*
 * A copy of the format row, in a file or an object beside the database: it says whose database this is without opening
 * it, which for a writer means to take it from the one that has it. The row decides; where the copy is missing, as beside
 * databases that were made before there was one, the database is asked.
 */
const name = 'format.json';

/** @param root folder of the database */
export function formatFile(root: string): Promise<string | undefined> {
  return readFile(join(root, name), 'utf8').catch(() => undefined);
}

/** The same of a bucket. */
export async function formatObject(objects: StoreObjects): Promise<string | undefined> {
  const answer = await objects.get(name).catch(() => undefined);
  return answer?.status === 200 ? answer.text : undefined;
}

/** Writes the copy, where the store can be reached past the engine. @throws the error of the store or the system */
export async function writeFormatFile(
  target: ObjectStoreTarget,
  text: string,
  { env, timeoutMs }: { readonly env: Environment; readonly timeoutMs: number },
): Promise<void> {
  if (target.folder !== undefined) return replaceFile(join(target.folder, target.path, name), text);
  const objects = await storeObjects(target, { env, signal: AbortSignal.timeout(timeoutMs) });
  if (objects !== undefined) requireSuccess(target.description, objects.actions.write, await objects.put(name, text));
}

async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}-${randomUUID()}`;
  const file = await open(fresh, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
