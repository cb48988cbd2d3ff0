import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of a program on the PATH, or `undefined`: tests that need it skip, visibly, where it is missing. */
export function findCommand(name: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const path = join(folder, name);
    if (folder !== '' && existsSync(path)) return path;
  }
  return undefined;
}
