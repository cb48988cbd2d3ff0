import { dirname } from 'node:path';
import { ConfigError, type ConfigProblem, isConfigError, loadYamlConfig } from '@opendata/server';
import { z } from 'zod';
import { checkScrapeConfigs } from './check-scrape-configs.ts';
import { expandFilePattern, FILE_PATTERN } from './file-pattern.ts';
import { inFolder } from './http-client-config.ts';
import { type GlobalConfig, resolveScrapeJob, type ScrapeJob, scrapeConfigsSchema } from './scrape-config.ts';

/** Jobs in files of their own, next to those of the configuration file. */
export const scrapeConfigFilesSchema = z
  .array(z.string().regex(FILE_PATTERN, { error: "expected the path of a file; '*' may stand in its name" }))
  .default([]);

/**
 * Reads the files; relative paths in one begin where it is.
 * @param names of the jobs that there are already
 * @param errorAt makes the error of an entry that names no file
 * @throws ConfigError with every problem of every file
 */
export function loadScrapeConfigFiles(
  patterns: readonly string[],
  folder: string,
  global: GlobalConfig,
  names: readonly string[],
  errorAt: (index: number, message: string) => ConfigError,
): ScrapeJob[] {
  const taken = new Set<unknown>(names);
  const problems: ConfigProblem[] = [];
  const jobs: ScrapeJob[] = [];
  const files = patterns.flatMap((pattern, index) =>
    expandFilePattern(inFolder(folder, pattern)).map((file) => ({ file, index })),
  );
  for (const { file, index } of files) {
    try {
      const { scrape_configs: configs } = loadYamlConfig(file, fileSchema(global, taken));
      for (const { job_name: name } of configs) taken.add(name);
      jobs.push(...configs.map((config) => resolveScrapeJob(global, config, dirname(file))));
    } catch (error) {
      if (!isConfigError(error)) throw error;
      const unread = error.problems.find(({ line }) => line === undefined);
      problems.push(...(unread === undefined ? error : errorAt(index, `${unread.message}: ${file}`)).problems);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return jobs;
}

function fileSchema(global: GlobalConfig, taken: ReadonlySet<unknown>) {
  return z.strictObject({ scrape_configs: scrapeConfigsSchema.default([]) }).check((payload) => {
    checkScrapeConfigs(
      { ...payload.value, global },
      (path, message) => {
        payload.issues.push({ code: 'custom', input: payload.value, path: [...path], message });
      },
      // The check may run more than once.
      new Set(taken),
    );
  });
}
