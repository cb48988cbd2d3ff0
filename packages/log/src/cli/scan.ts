import { defineCommand, parseDuration } from '@opendata/server/cli';
import { connectionFlags, rangeFlags, selectionFlags } from './common-flags.ts';
import { outputFlags } from './record-output.ts';

export const scanCommand = defineCommand({
  summary: 'Print the records of keys, in the order of the log',
  flags: {
    ...connectionFlags,
    ...outputFlags,
    ...selectionFlags,
    ...rangeFlags,
    since: {
      type: 'string',
      valueName: 'TIME',
      help: 'Only records that arrived at this time (RFC 3339, ms) or within this duration',
    },
    last: { type: 'integer', valueName: 'N', help: 'Only the last N of these records' },
    limit: { type: 'integer', valueName: 'N', help: 'At most N records' },
    reverse: { type: 'boolean', short: 'r', help: 'The newest records first' },
  },
  positionals: [{ name: 'KEY', help: 'keys, as text', optional: true, variadic: true }],
  async run({ flags, positionals, signal, output }) {
    const { connect, selectionFrom, timeFrom } = await import('./connection.ts');
    const { createRecordPrinter } = await import('./record-output.ts');
    const keys = selectionFrom(positionals, flags);
    const { start, end, last, limit, reverse, since } = flags;
    const startTimeMs = since === undefined ? undefined : timeFrom(since, '--since', parseDuration);
    await using log = connect(flags);
    const printer = createRecordPrinter(output, flags);
    for await (const record of log.read(keys, { start, end, last, limit, reverse, startTimeMs, signal })) {
      const full = printer.print(record);
      if (full !== undefined) await full;
    }
    await printer.end();
  },
});
