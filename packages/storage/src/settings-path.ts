import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isScalar, LineCounter, parseDocument } from 'yaml';
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
 * everything can be told at once. One that cannot be read is a fault of the place that names it.
 */
export function settingsFileProblems(configFile: string): SettingsFileProblem[] {
  const named = settingsPathOf(configFile);
  if (named === undefined) return [];
  const file = besideFile(configFile, named.path);
  try {
    loadSlateSettings(file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    const { line, column } = named;
    return error.problems.map((problem) =>
      problem.line === 0
        ? { file: configFile, line, column, path: 'storage.settings_path', message: `${problem.expected}: ${file}` }
        : { ...problem, path: problem.key, message: problem.expected },
    );
  }
}

function besideFile(configFile: string, path: string): string {
  return resolve(dirname(configFile), path);
}

function settingsPathOf(configFile: string): { path: string; line: number; column: number } | undefined {
  try {
    const lineCounter = new LineCounter();
    const document = parseDocument(readFileSync(configFile, 'utf8'), { lineCounter });
    const node = document.getIn(['storage', 'settings_path'], true);
    if (!isScalar(node) || typeof node.value !== 'string' || node.value === '') return undefined;
    const { line, col } = lineCounter.linePos(node.range?.[0] ?? 0);
    return { path: node.value, line, column: col };
  } catch {
    return undefined;
  }
}
