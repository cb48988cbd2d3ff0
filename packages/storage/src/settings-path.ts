import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { StorageConfig } from './config.ts';
import { ConfigFileError } from './config-file.ts';
import { loadSlateSettings } from './settings.ts';

/** The same section with its settings file as seen from the configuration file that names it. */
export function withSettingsBeside<T extends StorageConfig>(config: T, configFile: string): T {
  const { settings_path: path } = config;
  return path === undefined ? config : { ...config, settings_path: besideFile(configFile, path) };
}

/** What is wrong with one value of a file, or with the file. */
export interface SettingsFileProblem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly path: string;
  readonly message: string;
}

/**
 * What is wrong with the settings file that a configuration file names, whatever else is wrong with that one: so that
 * everything can be told at once.
 */
export function settingsFileProblems(configFile: string): SettingsFileProblem[] {
  const path = settingsPathOf(configFile);
  if (path === undefined) return [];
  try {
    loadSlateSettings(besideFile(configFile, path));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    return error.problems.map(({ file, line, column, key, expected }) => ({
      file,
      ...(line > 0 && { line, column }),
      path: key,
      message: expected,
    }));
  }
}

function besideFile(configFile: string, path: string): string {
  return resolve(dirname(configFile), path);
}

function settingsPathOf(configFile: string): string | undefined {
  try {
    const root = parse(readFileSync(configFile, 'utf8')) as { storage?: { settings_path?: unknown } } | undefined;
    const path = root?.storage?.settings_path;
    return typeof path === 'string' && path !== '' ? path : undefined;
  } catch {
    return undefined;
  }
}
