import type { FlagValues } from '@opendata/server/cli';

/** The command line of the server. */
export const serverFlags = {
  config: { type: 'string', short: 'c', valueName: 'FILE', help: 'Configuration file (YAML) with a storage: section' },
  port: { type: 'port', short: 'p', default: 8080, help: 'Port to listen on' },
  host: { type: 'string', valueName: 'ADDRESS', help: 'Address to listen on (default: every address of the machine)' },
  'web.config.file': {
    type: 'string',
    valueName: 'FILE',
    help: "TLS and authentication, in the format of Prometheus' web configuration file",
  },
  'data-dir': { type: 'string', valueName: 'DIR', help: 'Keep the log in this folder (default: .data)' },
  'in-memory': { type: 'boolean', help: 'Keep the log in memory: it ends with the process' },
  's3-bucket': { type: 'string', valueName: 'BUCKET', help: 'Keep the log in this S3 bucket' },
  's3-region': {
    type: 'string',
    valueName: 'REGION',
    help: 'Region of the S3 bucket (default: that of AWS_REGION, else us-east-1)',
  },
  'read-only': { type: 'boolean', help: 'Serve reads of a log that another process writes' },
} as const;

export type ServerFlags = FlagValues<typeof serverFlags>;
