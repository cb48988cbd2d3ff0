import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Copies a database of the engine as a crash would leave it while it is written: manifests first, as they name what was
 * there before them. Files that are being written are left out.
 * @param parts what a crash leaves; the rest is lost
 */
export async function crashImage(
  from: string,
  to: string,
  parts: readonly string[] = ['manifest', 'compactions', 'compacted', 'wal'],
): Promise<void> {
  for (const part of parts) {
    const names = await readdir(join(from, part)).catch(() => []);
    await mkdir(join(to, part), { recursive: true });
    for (const name of names.filter((name) => /^\w+\.\w+$/.test(name))) {
      await copyFile(join(from, part, name), join(to, part, name));
    }
  }
}
