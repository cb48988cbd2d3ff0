import { ConfigError, type Environment, isConfigError, printProblem } from '@opendata/server';
import { ConfigFileError, isStorageError, objectStoreTarget } from '@opendata/storage';
import { loadCheckedConfig } from '../model/checked-config.ts';
import { unreadableFiles } from './named-files.ts';

/** What is wrong in a configuration file or in a file that it names. */
export interface FileProblem {
  readonly file: string;
  /** 1-based; absent where a file as a whole is meant. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** What was expected and what was found, after the place and the path of the key. */
  readonly message: string;
  /** The problem on one line, as a compiler prints it. */
  readonly text: string;
}

export interface FileCheck {
  readonly problems: readonly FileProblem[];
  /** Absent when there are problems. */
  readonly summary?: { readonly scrapeJobs: number; readonly targets: number; readonly storage: string };
}

/** Checks a configuration file and the files that it names; asks no store. */
export function checkConfigFile(file: string, env: Environment): FileCheck {
  try {
    const { scrapeJobs, storage } = loadCheckedConfig(file, env);
    const unreadable = unreadableFiles(file);
    if (unreadable.length > 0) throw new ConfigError(unreadable);
    const targets = scrapeJobs.reduce(
      (sum, job) => sum + job.staticConfigs.reduce((targets, each) => targets + each.targets.length, 0),
      0,
    );
    return {
      problems: [],
      summary: { scrapeJobs: scrapeJobs.length, targets, storage: objectStoreTarget(storage, env).description },
    };
  } catch (error) {
    return { problems: problemsOf(error, file) };
  }
}

function problemsOf(error: unknown, file: string): FileProblem[] {
  if (isConfigError(error)) {
    return error.problems.map((problem) => {
      const { line, column, path, message } = problem;
      const named = path === '' ? message : `${path}: ${message}`;
      return { file: problem.file, line, column, message: named, text: printProblem(problem) };
    });
  }
  if (error instanceof ConfigFileError) {
    return error.problems.map(({ file: settings, line, column, key, expected }) => {
      const message = key === '' ? expected : `${key}: ${expected}`;
      const place = line === 0 ? {} : { line, column };
      return {
        file: settings,
        ...place,
        message,
        text: line === 0 ? `${settings}: ${message}` : `${settings}:${line}:${column}: ${message}`,
      };
    });
  }
  if (!isStorageError(error)) throw error;
  return [{ file, message: error.message, text: `${file}: ${error.message}` }];
}
