import { defineCommand } from '@opendata/server/cli';
import { connectionFlags, selectionFlags } from './common-flags.ts';
import { outputFlags } from './record-output.ts';

export const tailCommand = defineCommand({
  summary: 'Print the last records of keys, and follow them',
  flags: {
    ...connectionFlags,
    ...outputFlags,
    ...selectionFlags,
    follow: { type: 'boolean', short: 'f', help: 'Wait for further records, also across restarts of the server' },
    lines: {
      type: 'integer',
      short: 'n',
      default: 10,
      valueName: 'N',
      help: 'Begin with the last N records',
    },
    start: { type: 'integer', valueName: 'SEQ', help: 'Begin with this sequence instead' },
    since: {
      type: 'string',
      valueName: 'TIME',
      help: 'Begin with what arrived at this time (RFC 3339, ms) or within this duration',
    },
    durable: { type: 'boolean', help: 'Only what is durable' },
  },
  positionals: [{ name: 'KEY', help: 'keys, as text', optional: true, variadic: true }],
  async run(context) {
    const { runTail } = await import('./run-tail.ts');
    await runTail(context);
  },
});
