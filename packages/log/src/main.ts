import { readFileSync } from 'node:fs';
import { runProgram } from '@opendata/server/cli';
import { commands } from './cli/commands.ts';
import { serverFlags } from './flags.ts';

const packageFile = new URL('../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

await runProgram({
  name: 'opendata-log',
  version,
  summary: 'A keyed append-only log on object storage: a stream for every key, one global sequence',
  serve: {
    flags: serverFlags,
    async run(flags, checkConfig) {
      const { serveLog } = await import('./serve.ts');
      await serveLog(version, flags, checkConfig);
    },
  },
  commands,
});
