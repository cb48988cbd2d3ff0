import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { type ConfigProblem, openYamlConfig } from '@opendata/server';
import { z } from 'zod';
import { expandFilePattern } from '../model/file-pattern.ts';
import { inFolder } from '../model/http-client-config.ts';

const anyMapping = z.looseObject({
  scrape_config_files: z.array(z.string()).default([]),
  scrape_configs: z.unknown().optional(),
});

/**
 * Files with secrets and certificates that the jobs of a configuration name and that cannot be read. The server begins
 * without them, as Prometheus does, since each is read when it is used.
 * @param file a configuration that is right otherwise
 */
export function unreadableFiles(file: string): ConfigProblem[] {
  const { value, errorAt } = openYamlConfig(file, anyMapping);
  const folder = dirname(file);
  const own = namedFiles(value.scrape_configs, ['scrape_configs']).flatMap(
    ({ path, name }): readonly ConfigProblem[] => {
      const named = inFolder(folder, name);
      return isReadable(named) ? [] : errorAt(path, `expected a file that can be read: ${named}`).problems;
    },
  );
  const further = value.scrape_config_files.flatMap((pattern) => expandFilePattern(inFolder(folder, pattern)));
  return [...own, ...further.flatMap(unreadableFiles)];
}

interface NamedFile {
  readonly path: readonly PropertyKey[];
  readonly name: string;
}

/** The values of all keys that end in `_file`. */
function namedFiles(value: unknown, path: readonly PropertyKey[]): NamedFile[] {
  if (Array.isArray(value)) return value.flatMap((part: unknown, i) => namedFiles(part, [...path, i]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    key.endsWith('_file') && typeof part === 'string'
      ? [{ path: [...path, key], name: part }]
      : namedFiles(part, [...path, key]),
  );
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
