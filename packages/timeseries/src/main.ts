import { readFileSync } from 'node:fs';
import { runProgram } from '@opendata/server/cli';
import { commands } from './cli/commands.ts';
import { optimiseLate } from './compile-budget.ts';
import { serverFlags } from './flags.ts';
import { limitHeap } from './heap-limits.ts';

const packageFile = new URL('../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

await runProgram({
  name: 'opendata-timeseries',
  version,
  summary: 'A Prometheus-compatible time series database that keeps everything in object storage',
  serve: {
    flags: serverFlags,
    async run(flags, checkConfig) {
      optimiseLate();
      limitHeap();
      const { serveTimeSeries } = await import('./serve.ts');
      await serveTimeSeries(version, flags, checkConfig);
    },
  },
  commands,
});
