import { defineCommand } from '@opendata/server/cli';
import { connectionFlags, jsonFlag } from './common-flags.ts';

export const keysCommand = defineCommand({
  summary: 'List keys in the order of their bytes',
  flags: {
    ...connectionFlags,
    json: jsonFlag,
    prefix: { type: 'string', valueName: 'TEXT', help: 'Only keys that begin with this' },
    'prefix-b64': { type: 'string', valueName: 'BASE64', help: 'The same as base64' },
    after: { type: 'string', valueName: 'KEY', help: 'Only keys after this one' },
    'after-b64': { type: 'string', valueName: 'BASE64', help: 'The same as base64' },
    limit: { type: 'integer', valueName: 'N', help: 'At most N keys' },
    base64: { type: 'boolean', help: 'Print keys as base64' },
    null: { type: 'boolean', short: '0', help: 'End each key with a NUL instead of a line end, as xargs -0 reads it' },
  },
  async run({ flags, signal, output }) {
    const { connect, fromBase64 } = await import('./connection.ts');
    const { named } = await import('./record-json.ts');
    const { shown } = await import('./record-output.ts');
    const { 'prefix-b64': prefix64, 'after-b64': after64, limit } = flags;
    await using log = connect(flags);
    const prefix = prefix64 === undefined ? flags.prefix : fromBase64(prefix64, '--prefix-b64');
    const after = after64 === undefined ? flags.after : fromBase64(after64, '--after-b64');
    const end = Buffer.from(flags.null ? '\0' : '\n');
    let chunk: Uint8Array[] = [];
    for await (const key of log.keys({ prefix, after, limit, signal })) {
      if (flags.json) chunk.push(Buffer.from(JSON.stringify(named('key', key))), end);
      else if (flags.base64) chunk.push(Buffer.from(Buffer.from(key).toString('base64')), end);
      else chunk.push(output.isTerminal ? Buffer.from(shown(key)) : key, end);
      if (chunk.length < 4096) continue;
      await output.write(Buffer.concat(chunk));
      chunk = [];
    }
    await output.write(Buffer.concat(chunk));
  },
});
