import { defineCommand, EXIT_CODES } from '@opendata/server/cli';

/**
 * `import FILE...`: sends files to a running server; exit code 1 when a line or a file was refused, 4 when the server was
 * not there or took no more.
 */
export const importCommand = defineCommand({
  summary: 'Import OpenMetrics files, of any age, into a running server',
  flags: {
    url: {
      type: 'string',
      env: 'OPENDATA_TIMESERIES_URL',
      default: 'http://localhost:9090',
      valueName: 'URL',
      help: 'The server',
    },
    json: { type: 'boolean', help: 'Print a line of JSON for each file' },
  },
  positionals: [
    {
      name: 'FILE',
      help: 'OpenMetrics text with timestamps, plain or gzip (.gz); - is standard input',
      variadic: true,
    },
  ],
  async run({ flags, positionals, signal, output }) {
    const { importFile, progressBar } = await import('./import-file.ts');
    let hasFailed = false;
    let isUnavailable = false;
    for (const file of positionals) {
      if (signal.aborted) break;
      const startedMs = performance.now();
      const counts = await importFile(file, {
        url: flags.url,
        signal,
        onProgress: (progress) => {
          if (output.progress.isShown)
            output.progress.update(progressBar(file, progress, performance.now() - startedMs));
        },
      });
      output.progress.done();
      hasFailed ||= counts.rejected > 0 || counts.failure !== undefined;
      isUnavailable ||= counts.isUnavailable === true;
      if (flags.json) {
        await output.json({ file, ok: counts.failure === undefined && counts.rejected === 0, ...counts });
        continue;
      }
      const { samples, rejected, errors, failure } = counts;
      const seconds = (performance.now() - startedMs) / 1000;
      await output.write(`${file}: ${samples} samples in ${seconds.toFixed(1)} s, ${rejected} lines rejected\n`);
      for (const { line, error } of errors) await output.write(`  ${file}:${line}: ${error}\n`);
      if (failure !== undefined) await output.write(`  ${file}: ${failure}\n`);
    }
    if (isUnavailable) return EXIT_CODES.unavailable;
    return hasFailed ? EXIT_CODES.failure : EXIT_CODES.ok;
  },
});
