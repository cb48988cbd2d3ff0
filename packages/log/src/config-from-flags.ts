import { ConfigError } from '@opendata/server';
import { type StorageConfig, storageConfigSchema } from '@opendata/storage';
import { configFor, type LogConfig, loadLogConfig } from './config.ts';
import type { ServerFlags } from './flags.ts';

const defaultDataDir = '.data';
/** Prefix of the log's objects in its store. */
const storePath = 'log';

/** What the flags ask for. @throws ConfigError */
export function configFromFlags(flags: ServerFlags): LogConfig {
  const places = ['config', 'data-dir', 'in-memory', 's3-bucket'] as const;
  const given = places.filter((name) => flags[name] !== undefined && flags[name] !== false);
  if (given.length > 1) {
    throw flagError(`give only one of ${given.map((name) => `--${name}`).join(', ')}: each says where the log is kept`);
  }
  if (flags['read-only'] === true && flags['in-memory'] === true) {
    throw flagError('--read-only needs a log that another process writes, which --in-memory cannot be');
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
    const region = flags['s3-region'];
    const store = { type: 'Aws', bucket, ...(region !== undefined && { region }) } as const;
    return { type: 'SlateDb', path: storePath, object_store: store };
  }
  const path = flags['data-dir'] ?? defaultDataDir;
  return { type: 'SlateDb', path: storePath, object_store: { type: 'Local', path } };
}

function flagError(message: string): ConfigError {
  return new ConfigError([{ file: 'command line', path: '', message }]);
}
