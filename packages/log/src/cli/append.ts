import { defineCommand } from '@opendata/server/cli';
import { connectionFlags } from './common-flags.ts';

export const appendCommand = defineCommand({
  summary: 'Append records: arguments, lines of standard input, or files',
  flags: {
    ...connectionFlags,
    json: { type: 'boolean', help: 'Print the summary as JSON' },
    'key-b64': { type: 'list', valueName: 'BASE64', help: 'The key as base64, instead of KEY' },
    file: { type: 'list', valueName: 'FILE', help: 'Append the lines of this file; - is standard input' },
    whole: { type: 'boolean', help: 'Each file, or standard input, is one record' },
    input: {
      type: 'string',
      choices: ['lines', 'nul', 'json'],
      default: 'lines',
      help: 'What ends a record of the input: a line end, a NUL; or a record is a line of JSON, as scan --json prints it',
    },
    'key-separator': {
      type: 'string',
      valueName: 'TEXT',
      help: 'Lines are key, this, and value; \\t is a tab; KEY is not given then',
    },
    header: { type: 'list', valueName: 'NAME=VALUE', help: 'A header for every record' },
    timestamp: { type: 'string', valueName: 'TIME', help: "The records' own time: RFC 3339, ms since 1970, or now" },
    durable: { type: 'boolean', default: true, help: 'Wait until the records are durable' },
    'allow-duplicates': {
      type: 'boolean',
      help: 'Repeat what may have been written already, when the connection breaks',
    },
  },
  positionals: [
    { name: 'KEY', help: 'the key, as text', optional: true },
    {
      name: 'VALUE',
      help: 'values, a record each; without any, standard input is read',
      optional: true,
      variadic: true,
    },
  ],
  async run(context) {
    const { runAppend } = await import('./run-append.ts');
    await runAppend(context);
  },
});
