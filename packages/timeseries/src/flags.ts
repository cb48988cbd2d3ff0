import type { FlagValues } from '@opendata/server/cli';

/** The command line of the server. */
export const serverFlags = {
  config: {
    type: 'string',
    short: 'c',
    env: 'PROMETHEUS_CONFIG_FILE',
    valueName: 'FILE',
    help: 'Configuration file (YAML); without one: folder .data, scraping itself',
  },
  port: { type: 'port', short: 'p', env: 'OPEN_TSDB_PORT', default: 9090, help: 'Port to listen on' },
  host: { type: 'string', valueName: 'ADDRESS', help: 'Address to listen on (default: every address of the machine)' },
  'web.config.file': {
    type: 'string',
    valueName: 'FILE',
    help: "TLS and authentication, in the format of Prometheus' web configuration file",
  },
  'web.enable-lifecycle': { type: 'boolean', help: 'Answer POST /-/reload and POST /-/quit' },
  'query.timeout': { type: 'duration', default: '2m', help: 'Time after which a query is ended' },
  'query.max-concurrency': { type: 'integer', min: 1, default: 20, help: 'Queries that run at once; others wait' },
  'query.max-samples': {
    type: 'integer',
    min: 1,
    default: 50_000_000,
    help: 'Samples that a query may hold in memory; one that needs more fails',
  },
  'query.max-bytes': {
    type: 'integer',
    min: 1,
    default: 2 ** 30,
    help: 'Bytes that a query may hold in memory, by estimate; one that needs more fails',
  },
  'query.max-queued': {
    type: 'integer',
    min: 0,
    default: 200,
    help: 'Queries that may wait for their turn; one more is refused',
  },
  'query.use-start-timestamps': {
    type: 'boolean',
    help: 'Counters start anew where their start timestamps say so (rate, increase and the like)',
  },
  'query.lookback-delta': { type: 'duration', default: '5m', help: 'How far back an instant selector looks' },
} as const;

export type ServerFlags = FlagValues<typeof serverFlags>;
