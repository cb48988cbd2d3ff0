import { ConfigError, type FlagValues } from '@opendata/server';
import { type StorageConfig, storageConfigSchema } from '@opendata/storage';
import { configFor, type LogConfig, loadLogConfig } from './config.ts';

/** The command line of the server. */
export const serverFlags = {
  config: { type: 'string', valueName: 'FILE', help: 'Configuration file (YAML) with a storage: section' },
  port: { type: 'port', default: 8080, help: 'Port to listen on' },
  'data-dir': { type: 'string', valueName: 'DIR', help: 'Keep the log in this folder (default: .data)' },
  'in-memory': { type: 'boolean', help: 'Keep the log in memory: it ends with the process' },
  's3-bucket': { type: 'string', valueName: 'BUCKET', help: 'Keep the log in this S3 bucket' },
  's3-region': { type: 'string', valueName: 'REGION', help: 'Region of the S3 bucket (default: us-east-1)' },
  'read-only': { type: 'boolean', help: 'Serve reads of a log that another process writes (not available yet)' },
} as const;

export type ServerFlags = FlagValues<typeof serverFlags>;

const defaultDataDir = '.data';
const defaultRegion = 'us-east-1';
/** Prefix of the log's objects in its store. */
const storePath = 'log';

/** What the flags ask for. @throws ConfigError */
export function configFromFlags(flags: ServerFlags): LogConfig {
  if (flags['read-only'] === true) throw flagError('--read-only is not available in this version');
  const places = ['config', 'data-dir', 'in-memory', 's3-bucket'] as const;
  const given = places.filter((name) => flags[name] !== undefined && flags[name] !== false);
  if (given.length > 1) {
    throw flagError(`give only one of ${given.map((name) => `--${name}`).join(', ')}: each says where the log is kept`);
  }
  if (flags['s3-region'] !== undefined && flags['s3-bucket'] === undefined) {
    throw flagError('--s3-region needs --s3-bucket');
  }
  return flags.config === undefined ? configFor(checked(storageFromFlags(flags))) : loadLogConfig(flags.config);
}

const flagOfKey: Readonly<Record<string, string>> = { bucket: 's3-bucket', region: 's3-region', path: 'data-dir' };

function checked(storage: StorageConfig): StorageConfig {
  const result = storageConfigSchema.safeParse(storage);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw flagError(`--${flagOfKey[String(path.at(-1))] ?? path.join('.')}: ${message}`);
}

function storageFromFlags(flags: ServerFlags): StorageConfig {
  if (flags['in-memory'] === true) return { type: 'InMemory' };
  const bucket = flags['s3-bucket'];
  if (bucket !== undefined) {
    const region = flags['s3-region'] ?? defaultRegion;
    return { type: 'SlateDb', path: storePath, object_store: { type: 'Aws', bucket, region } };
  }
  const path = flags['data-dir'] ?? defaultDataDir;
  return { type: 'SlateDb', path: storePath, object_store: { type: 'Local', path } };
}

function flagError(message: string): ConfigError {
  return new ConfigError([{ file: 'command line', path: '', message }]);
}
