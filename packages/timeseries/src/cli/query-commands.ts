import { type Commands, defineCommand } from '@opendata/server/cli';

/** Flags of every command that asks a server. */
const connectionFlags = {
  url: {
    type: 'string',
    env: 'OPENDATA_TIMESERIES_URL',
    default: 'http://localhost:9090',
    valueName: 'URL',
    help: 'The server; may have credentials and a path',
  },
  json: { type: 'boolean', help: 'Print JSON lines' },
} as const;

const windowFlags = {
  start: { type: 'string', valueName: 'TIME', help: 'RFC 3339, seconds since 1970, or how long ago, as 1h' },
  end: { type: 'string', valueName: 'TIME', help: 'The same; now unless given' },
} as const;

const matchFlag = {
  type: 'list',
  valueName: 'SELECTOR',
  help: 'Only of series that match, as up{job="node"}',
} as const;
const expression = { name: 'EXPR', help: 'a PromQL expression' };

export const queryCommands: Commands = {
  'query instant': defineCommand({
    summary: 'Evaluate an expression at one time',
    flags: {
      ...connectionFlags,
      time: {
        type: 'string',
        short: 't',
        valueName: 'TIME',
        help: 'RFC 3339, seconds since 1970, or how long ago, as 1h; now unless given',
      },
    },
    positionals: [expression],
    run: async (context) => (await import('./query.ts')).queryInstant(context),
  }),
  'query range': defineCommand({
    summary: 'Evaluate an expression over a range of time',
    flags: {
      ...connectionFlags,
      ...windowFlags,
      start: { ...windowFlags.start, default: '1h' },
      step: { type: 'duration', help: 'Time between two points; a 250th of the range unless given' },
    },
    positionals: [expression],
    run: async (context) => (await import('./query.ts')).queryRange(context),
  }),
  'query labels': defineCommand({
    summary: 'List label names, or the values of one label',
    flags: { ...connectionFlags, ...windowFlags, match: matchFlag },
    positionals: [{ name: 'NAME', help: 'the label whose values to list', optional: true }],
    run: async (context) => (await import('./query.ts')).queryLabels(context),
  }),
  'query series': defineCommand({
    summary: 'List series',
    flags: { ...connectionFlags, ...windowFlags },
    positionals: [{ name: 'SELECTOR', help: 'which series, as up{job="node"}', variadic: true }],
    run: async (context) => (await import('./query.ts')).querySeries(context),
  }),
};
