import { defineCommand } from '@opendata/server/cli';
import { connectionFlags, jsonFlag, rangeFlags } from './common-flags.ts';

export const inspectCommand = defineCommand({
  summary: 'Show what reading a key costs, by segment',
  flags: {
    ...connectionFlags,
    json: jsonFlag,
    'key-b64': { type: 'list', valueName: 'BASE64', help: 'The key as base64' },
    ...rangeFlags,
  },
  positionals: [{ name: 'KEY', help: 'the key, as text', optional: true }],
  async run({ flags, positionals, signal, output }) {
    const { connect, keysFrom } = await import('./connection.ts');
    const { named } = await import('./record-json.ts');
    const [key] = keysFrom(positionals, flags['key-b64']);
    const { start, end } = flags;
    await using log = connect(flags);
    const inspection = await log.inspect(key!, { start, end, signal });
    if (flags.json) return await output.json({ ...named('key', key!), ...inspection });
    const rows = inspection.segments.map(({ id, sealed, count, pages }) => [
      String(id),
      sealed ? 'stored' : 'memory',
      String(count),
      String(pages),
    ]);
    await output.table(
      ['segment', 'in', 'records', 'pages'],
      [...rows, ['total', '', String(inspection.total), String(inspection.pages)]],
    );
  },
});
