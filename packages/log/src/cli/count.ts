import { defineCommand } from '@opendata/server/cli';
import { connectionFlags, jsonFlag, rangeFlags } from './common-flags.ts';

export const countCommand = defineCommand({
  summary: 'Count the records of keys, exactly',
  flags: {
    ...connectionFlags,
    json: jsonFlag,
    'key-b64': { type: 'list', valueName: 'BASE64', help: 'A key as base64' },
    ...rangeFlags,
  },
  positionals: [{ name: 'KEY', help: 'keys, as text', optional: true, variadic: true }],
  async run({ flags, positionals, signal, output }) {
    const { connect, keysFrom } = await import('./connection.ts');
    const { named } = await import('./record-json.ts');
    const { shown } = await import('./record-output.ts');
    const keys = keysFrom(positionals, flags['key-b64']);
    const { start, end } = flags;
    await using log = connect(flags);
    const counts = await Promise.all(keys.map((key) => log.count(key, { start, end, signal })));
    if (flags.json)
      for (const [i, key] of keys.entries()) await output.json({ ...named('key', key), count: counts[i] });
    else if (keys.length === 1) await output.write(`${counts[0]}\n`);
    else
      await output.table(
        ['key', 'count'],
        keys.map((key, i) => [shown(key), String(counts[i])]),
      );
  },
});
