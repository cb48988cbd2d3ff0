/** Flags of every command that asks a server. */
export const connectionFlags = {
  url: {
    type: 'string',
    env: 'OPENDATA_LOG_URL',
    default: 'http://localhost:8080',
    valueName: 'URL',
    help: 'The server; may have credentials and a path',
  },
  'retry-timeout': { type: 'duration', default: '5s', help: 'How long to try again when the server cannot be reached' },
} as const;

export const jsonFlag = { type: 'boolean', help: 'Print JSON lines' } as const;

export const rangeFlags = {
  start: { type: 'integer', valueName: 'SEQ', help: 'First sequence' },
  end: { type: 'integer', valueName: 'SEQ', help: 'One past the last sequence' },
} as const;

/** Flags of the commands that read many keys, beside their arguments. */
export const selectionFlags = {
  'key-b64': { type: 'list', valueName: 'BASE64', help: 'A key as base64' },
  prefix: { type: 'list', valueName: 'TEXT', help: 'All keys that begin with this' },
  'prefix-b64': { type: 'list', valueName: 'BASE64', help: 'The same as base64' },
  all: { type: 'boolean', short: 'A', help: 'All keys' },
} as const;
