import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Brings a file's bytes, or a folder's names, to the disk. False when there is no such file (any more). */
export async function syncPath(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      await file.sync();
      return true;
    } finally {
      await file.close();
    }
  } catch (error) {
    ignoreMissing(error);
    return false;
  }
}

/** Brings the name of a folder, and those of all above it, to the disk: a start may have made any of these folders. */
export async function syncAncestors(path: string): Promise<void> {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    // One that may not be read was not made by us.
    await syncPath(folder).catch((error: unknown) => {
      if (!/EACCES|EPERM|EINVAL|EROFS/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
  }
}

/** @throws what is not that something is missing */
export function ignoreMissing(error: unknown): string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}
