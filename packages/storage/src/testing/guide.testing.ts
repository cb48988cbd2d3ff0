import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The operators' guide beside the repository, if it is there. */
export function guideFile(name = 'timeseries.txt'): string | undefined {
  const file = fileURLToPath(new URL(`../../../../../shared/guide/${name}`, import.meta.url));
  return existsSync(file) ? file : undefined;
}
