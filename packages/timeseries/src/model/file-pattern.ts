import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A path whose last part may have `*` for any text; the folder before it is a plain path. */
export const FILE_PATTERN = /^[^*]*(\*[^/]*)?$/;

/** The files that a pattern stands for now, in order; a plain path stands for itself, whether it exists or not. */
export function expandFilePattern(pattern: string): string[] {
  const name = basename(pattern);
  if (!name.includes('*')) return [pattern];
  const folder = dirname(pattern);
  const parts = name.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  try {
    return readdirSync(folder)
      .filter((entry) => expression.test(entry))
      .sort()
      .map((entry) => join(folder, entry));
  } catch {
    return [];
  }
}
