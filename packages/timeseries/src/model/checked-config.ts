import type { Environment } from '@opendata/server';
import { checkStorageConfig } from '@opendata/storage';
import { loadConfig, type TimeSeriesConfig } from './config.ts';

/**
 * The configuration file as the server starts with it, and as every check of it judges.
 * @throws ConfigError, ConfigFileError or StorageError with what the server would refuse
 */
export function loadCheckedConfig(file: string, env: Environment): TimeSeriesConfig {
  const config = loadConfig(file);
  checkStorageConfig(config.storage, env);
  return config;
}
