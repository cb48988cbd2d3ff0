import { defineCommand } from '@opendata/server/cli';

/** `check-config FILE...`: every problem with its place; exit code 1 when there is any. */
export const checkConfigCommand = defineCommand({
  summary: 'Check configuration files and the files that they name',
  flags: { json: { type: 'boolean', help: 'Print a line of JSON for each file' } },
  positionals: [{ name: 'FILE', help: 'configuration files (YAML)', variadic: true }],
  async run({ flags, positionals, env, output }) {
    const { checkConfigFile } = await import('./check-config-file.ts');
    let hasFailed = false;
    for (const file of positionals) {
      const { problems, summary } = checkConfigFile(file, env);
      hasFailed ||= problems.length > 0;
      if (flags.json) {
        await output.json({
          file,
          ok: problems.length === 0,
          ...summary,
          problems: problems.map(({ text: _text, ...problem }) => problem),
        });
      } else if (summary === undefined) {
        await output.write(`${file}: FAILED\n${problems.map(({ text }) => `  ${text}\n`).join('')}`);
      } else {
        const { scrapeJobs, targets, storage } = summary;
        await output.write(`${file}: OK: ${scrapeJobs} scrape jobs, ${targets} targets, storage ${storage}\n`);
      }
    }
    return hasFailed ? 1 : 0;
  },
});
