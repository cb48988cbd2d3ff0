import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findCommand } from './commands.ts';

/** `scripts/test-tools.sh` puts programs here that some tests need. */
export const toolsFolder =
  process.env['OPENDATA_TEST_TOOLS'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'opendata-test-tools');

/** By the variable of its name (`HELM`), on the PATH, or among the tools; tests that need it skip where it is not. */
export function findTool(name: string): string | undefined {
  return (
    existing(process.env[name.toUpperCase().replaceAll('-', '_')]) ??
    findCommand(name) ??
    existing(join(toolsFolder, name)) ??
    existing(join(toolsFolder, 'node_modules/.bin', name))
  );
}

export function existing(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(path) ? path : undefined;
}
